"""kill -9 of the product's own pipeline, in every stage: the resumed run has the same result, bit for bit."""

import json
import random
import time
from typing import Any

import pandas as pd
import psutil
import pytest
from test_text_run import STORY
from workers import Zygote, config, until

from farzi_core.config import RunConfig, with_settings
from farzi_core.data import library
from farzi_core.data.text import TextOptions, import_text
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store

KILLS, TEXT_KILLS = 20, 4
Place = tuple[str | None, int]  # stage and outer step
SMALL = {
    "data.source": "planted",
    "data.max_items": 40,
    "model.hidden": 8,
    "model.max_length": 8,
    "teacher.epochs": 1,
    "teacher.trajectories": 1,
    "teacher.trajectory_steps": 6,
    "teacher.states": 2,
    "synthetic.mu": 20,
    "synthetic.xi": 6,
    "synthetic.d": 4,
    "synthetic.start_steps": 5,
    "inner.batch": 10,
    "inner.students": 2,
    "inner.lifetime": 8,
    "outer.batch": 64,
    "outer.starts": 1,
    "validation.every": 4,
    "validation.students": 1,
    "validation.steps": 10,
    "validation.users": 100,
    "evaluation.seeds": 1,
    "evaluation.full_seeds": 1,
    "evaluation.steps": 10,
    "runtime.threads": 1,
    "runtime.checkpoint_seconds": 0,
}


def small() -> RunConfig:
    return config(steps=12, milliseconds=4, **SMALL)


def result(run: Run) -> dict[str, Any]:
    """Every file of result/, without the seconds that were measured."""
    assert run.state() is RunState.DONE, run.summary().error + run.log_tail()
    folder = run.folder / "result"
    contents: dict[str, Any] = {path.name: path.read_bytes() for path in folder.iterdir()}
    contents["curves.parquet"] = pd.read_parquet(folder / "curves.parquet").drop(columns="seconds").to_dict("list")
    contents["evaluation.json"] = json.loads(contents["evaluation.json"])
    for row in contents["evaluation.json"]["rows"]:
        del row["seconds"]
    return contents


def written(run: Run) -> int:
    """Lines in the run's log, those of dead attempts too."""
    path = run.folder / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.fixture(scope="module")
def unbroken(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    store = Store(tmp_path_factory.mktemp("unbroken"))
    run = store.create(small())
    zygote.work(run, "real")
    return result(run)


def kill_until_done(zygote: Zygote, run: Run, dice: random.Random, kills: int) -> list[Place]:
    """Kill the run's workers at random moments, at most `kills` times, then let one finish; where each kill was."""
    places: list[Place] = []
    while len(places) < kills:
        lines = written(run) + dice.randint(0, 12)
        pid = zygote.start(run, "real")
        until(lambda lines=lines, pid=pid: written(run) >= lines or not psutil.pid_exists(pid), seconds=120)
        time.sleep(dice.uniform(0, 0.05))
        if not zygote.kill(pid):
            break
        places.append((run.latest().get("stage", {}).get("stage"), run.manifest.step))
    if run.state() is not RunState.DONE:
        zygote.work(run, "real")
    return places


def same(found: dict[str, Any], unbroken: dict[str, Any], places: list[Place]) -> None:
    assert found.keys() == unbroken.keys()
    for name in unbroken:
        assert found[name] == unbroken[name], f"{name} differs after kills at {places}"


def test_twenty_kills_of_the_real_pipeline_resume_to_the_same_bits(
    zygote: Zygote, store: Store, unbroken: dict[str, Any]
) -> None:
    dice, places = random.Random(20), list[Place]()
    while len(places) < KILLS:
        run = store.create(small())
        places += kill_until_done(zygote, run, dice, KILLS - len(places))
        same(result(run), unbroken, places)
    assert len(set(places)) > 5, places


def test_kills_of_a_run_on_a_text_resume_to_the_same_bits_students_too(zygote: Zygote, store: Store) -> None:
    """With labels of their own that teachers have taught, which a run on events has not."""
    key = library.IMPORTED + library.add(import_text(STORY.encode(), "story.txt", TextOptions(layout="lines")))
    labels = {"synthetic.labels": "own", "objective.teachers": 2, "synthetic.start_labels": "taught"}
    wanted, killed = (store.create(with_settings(small(), {"data.source": key, **labels})) for _ in range(2))
    zygote.work(wanted, "real")
    unbroken = result(wanted)
    assert {"students.safetensors", "tokeniser.json"} <= unbroken.keys()
    places = kill_until_done(zygote, killed, random.Random(5), TEXT_KILLS)
    same(result(killed), unbroken, places)
    assert len(set(places)) > 1, places
