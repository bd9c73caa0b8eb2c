"""kill -9 of the product's own pipeline, in every stage: the resumed run has the same result, bit for bit."""

import json
import random
import time
from typing import Any

import pandas as pd
import psutil
import pytest
from workers import Zygote, config, until

from farzi_core.config import RunConfig
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store

KILLS = 20
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


def test_twenty_kills_of_the_real_pipeline_resume_to_the_same_bits(
    zygote: Zygote, store: Store, unbroken: dict[str, Any]
) -> None:
    dice, kills, runs, places = random.Random(20), 0, 0, set()
    while kills < KILLS or runs == 0:
        run = store.create(small())
        runs += 1
        while kills < KILLS:
            lines = written(run) + dice.randint(0, 12)
            pid = zygote.start(run, "real")
            until(lambda run=run, lines=lines, pid=pid: written(run) >= lines or not psutil.pid_exists(pid))
            time.sleep(dice.uniform(0, 0.05))
            if not zygote.kill(pid):
                break
            kills += 1
            places.add((run.latest().get("stage", {}).get("stage"), run.manifest.step))
        if run.state() is not RunState.DONE:
            zygote.work(run, "real")
        found = result(run)
        assert found.keys() == unbroken.keys()
        for name in unbroken:
            assert found[name] == unbroken[name], f"{name} differs in run {runs} after {kills} kills"
    assert len(places) > 5, places
