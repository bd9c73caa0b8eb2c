"""frontier, transfer and splits: what they queue, what they print, and how they end."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import make_finished_run
from small import SETTINGS
from workers import LIGHT, until

from farzi_core import study
from farzi_core.commands import follow
from farzi_core.config import RunConfig, with_settings
from farzi_core.presets import PRESETS
from farzi_core.runs import launcher
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store
from farzi_core.study import Size
from farzi_core.views.load import DATASET
from farzi_core.views.settings import frontier_command, splits_command, transfer_command

CHANGES = {**SETTINGS, "data.source": "planted", "synthetic.d": 3}
BASE = with_settings(PRESETS["demo"].config, CHANGES)
WORDS = ["--data", "planted", *(word for key, value in CHANGES.items() for word in ("--set", f"{key}={value}"))]
EQUAL = ["random_users", "head_users"]
FRONTIER = ["frontier", *WORDS, "--sizes", "6x5,12x5", "--seeds", "0,1", "--baselines", ",".join(EQUAL)]
TRANSFER = ["transfer", *WORDS, "--teachers", "sasrec,gru4rec", "--students", "sasrec", "--seeds", "0"]
SPLITS = ["splits", *WORDS, "--splits", "0,1,2", "--seeds", "0"]
WRONG = {
    "frontier": "--sizes",
    "frontier --sizes 25-10": "25x10,50x10",
    "frontier --sizes ,": "1 to 64",
    "frontier --sizes 0x10": "synthetic.mu",
    "frontier --sizes 25x10 --seeds a": "--seeds 0,1",
    f"frontier --sizes 25x10 --seeds {10**100}": "100 digits",
    "frontier --sizes 25x10 --baselines nothing": "coreset",
    "frontier --sizes 25x10 --data nothing": "python-calls",
    "frontier --sizes 25x10 --preset nothing": "standard",
    "frontier --sizes 25x10 --set inner.nothing=1": "inner.nothing",
    "transfer --teachers bert": "sasrec,gru4rec,fmlp",
    "transfer --students bert": "sasrec,gru4rec,fmlp",
    "transfer --teachers ,": "names no architecture; choose from sasrec",
    "splits": "--splits",
    "splits --splits a": "--splits 0,1",
    "splits --splits ,": "1 to 64",
    "splits --splits 0 --seeds -1": "--seeds 0,1",
    "splits --splits 0 --set inner.nothing=1": "inner.nothing",
    "transfer --students ,": "names no architecture; choose from sasrec",
}


@pytest.fixture(autouse=True)
def light_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "WORKER", (LIGHT,))


@pytest.fixture
def plan() -> list[RunConfig]:
    return study.frontier(with_settings(BASE, {"evaluation.baselines": EQUAL}), [Size(6, 5), Size(12, 5)], [0, 1])


def finish(home: Path, configs: list[RunConfig]) -> None:
    for number, config in enumerate(configs, start=1):
        make_finished_run(home, number=number, config=config)


@pytest.mark.parametrize("words", WRONG)
def test_wrong_usage_ends_with_2_one_line_and_no_run(farzi: Callable, words: str) -> None:
    ended = farzi(*words.split())
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert WRONG[words] in ended.err
    assert Store().list() == []


@pytest.mark.parametrize("spelt", ["--detach", "--no-wait"])
def test_detached_it_queues_every_point_once(farzi: Callable, plan: list[RunConfig], spelt: str) -> None:
    ended = farzi(*FRONTIER, spelt, "--json")
    assert (ended.status, [one["did"] for one in ended.json["runs"]]) == (0, ["queued"] * 4)
    until(lambda: all(one.state is RunState.DONE for one in Store().list()))
    again = farzi(*FRONTIER, spelt, "--json")
    assert [one["did"] for one in again.json["runs"]] == ["finished before"] * 4
    assert [one["run_id"] for one in again.json["runs"]] == [one["run_id"] for one in ended.json["runs"]]
    assert {Run(Store().root / one.id).manifest.config_digest for one in Store().list()} == {
        study.settings_digest(one) for one in plan
    }


def test_what_is_done_is_read_and_its_figures_are_those_of_the_runs(
    farzi: Callable, farzi_home: Path, plan: list[RunConfig]
) -> None:
    finish(farzi_home, plan)
    ended = farzi(*FRONTIER, "--json")
    assert ended.status == 0
    assert len(Store().list()) == 4, "nothing was run again"
    points = {(one["row"], one["mu"], one["xi"]): one for one in ended.json["points"]}
    assert set(points) == {("full", 0, 0)} | {(row, mu, 5) for row in ("distilled", *EQUAL) for mu in (6, 12)}
    single = [farzi("evaluate", str(number), "--json").json["results"] for number in (2, 4)]
    mean = sum(one["distilled"]["auc"] for one in single) / 2  # as many students each
    shown = points["distilled", 12, 5]
    assert shown["metrics"]["auc"]["mean"] == pytest.approx(mean)
    assert (shown["students"], shown["seeds"], len(shown["runs"])) == (10, 2, 2)
    assert shown["numbers"] == 12 * 5 * 3 + 3 * 12
    assert [(one["size"], one["runs"], one["payoff"]) for one in ended.json["cost"]] == [
        ("6 × 5", 2, None),
        ("12 × 5", 2, None),
    ]


def test_the_table_for_people_fits_80_columns(farzi: Callable, farzi_home: Path, plan: list[RunConfig]) -> None:
    finish(farzi_home, plan)
    ended = farzi(*FRONTIER)
    assert ended.status == 0
    table = ended.out.split("\n\n")[0].splitlines()
    assert max(map(len, table)) <= 80
    assert sum(line.startswith("Distilled") for line in table) == 2
    assert "it never pays in time" in ended.out
    assert "4 finished before" in ended.err


def test_a_point_that_failed_is_1_and_the_others_are_still_shown(
    farzi: Callable, farzi_home: Path, plan: list[RunConfig]
) -> None:
    finish(farzi_home, plan[:3])
    make_finished_run(farzi_home, number=4, config=plan[3], state=RunState.DIVERGED, error="left the smooth region")
    ended = farzi(*FRONTIER, "--json")
    assert ended.status == 1
    assert [one["state"] for one in ended.json["runs"]] == ["done"] * 3 + ["diverged"]
    assert "left the smooth region" in ended.err
    assert "1 diverged run left out" in ended.err
    assert {one["mu"] for one in ended.json["points"]} == {0, 6, 12}


def test_ctrl_c_leaves_the_queue_at_work_and_says_how_to_go_on(
    farzi: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_run: Run) -> RunState:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow, "_wait", interrupted)
    sleeper = launcher.submit(with_settings(RunConfig(), {"name": "sleep", "runtime.device": "cpu"}))
    ended = farzi(*FRONTIER, "--json")
    assert ended.status == 1
    assert "points" not in ended.json
    assert "the same command goes on" in ended.err
    launcher.stop(sleeper, force=True)
    until(lambda: sum(one.state is RunState.DONE for one in Store().list()) == 4)


def test_transfer_reads_every_teacher_and_student(farzi: Callable, farzi_home: Path) -> None:
    finish(farzi_home, study.transfer(BASE, ["sasrec", "gru4rec"], ["sasrec"], [0]))
    ended = farzi(*TRANSFER, "--json")
    assert ended.status == 0
    cells = {(one["teacher"], one["student"]): one for one in ended.json["cells"]}
    assert set(cells) == {("SASRec", "SASRec"), ("GRU4Rec", "SASRec")}
    wanted = farzi("evaluate", "2", "--json").json["results"]
    shown = cells["GRU4Rec", "SASRec"]["metrics"]["hr@10"]
    assert shown["mean"] == pytest.approx(wanted["distilled"]["hr@10"])
    assert shown["percent_of_full"] == pytest.approx(100 * wanted["distilled"]["hr@10"] / wanted["full"]["hr@10"])
    people = farzi(*TRANSFER).out.split("\n\n")[0].splitlines()
    assert max(map(len, people)) <= 80
    assert people[1].split()[:2] == ["SASRec", "SASRec"]


def test_splits_average_the_percentages_of_the_runs(farzi: Callable, farzi_home: Path) -> None:
    finish(farzi_home, study.splits(BASE, [0, 1, 2], [0]))
    ended = farzi(*SPLITS, "--json")
    assert ended.status == 0
    assert len(Store().list()) == 3, "nothing was run again"
    tables = [farzi("evaluate", str(number), "--json").json["results"] for number in (1, 2, 3)]
    percents = [100 * one["distilled"]["auc"] / one["full"]["auc"] for one in tables]
    rows = {one["row"]: one for one in ended.json["rows"]}
    figures = rows["distilled"]["metrics"]["auc"]
    assert figures["percents"] == pytest.approx(percents)
    assert len(set(percents)) == 3
    assert figures["percent_of_full"] == pytest.approx(sum(percents) / 3)
    assert figures["percent_low"] < min(percents) < max(percents) < figures["percent_high"]
    assert (rows["distilled"]["splits"], rows["distilled"]["students"]) == ([0, 1, 2], 15)
    assert rows["full"]["metrics"]["auc"]["percent_low"] is None


def test_the_table_of_splits_fits_80_columns_and_says_how_it_is_counted(farzi: Callable, farzi_home: Path) -> None:
    finish(farzi_home, study.splits(BASE, [0, 1, 2], [0]))
    ended = farzi(*SPLITS)
    table, note = ended.out.split("\n\n")
    assert max(map(len, table.splitlines())) <= 80
    assert sum(line.startswith("Distilled") for line in table.splitlines()) == 1
    assert "mean over the splits of each split's percentage" in note
    assert "Nadeau and Bengio" in note


def test_data_with_a_split_of_their_own_are_said_to_be_one_split(farzi: Callable, farzi_home: Path) -> None:
    """Another seed of the data left them as they are."""
    first, second = study.splits(BASE, [0, 1], [0])
    about = (make_finished_run(farzi_home, number=1, config=first) / DATASET).read_bytes()
    make_finished_run(farzi_home, number=2, config=second, more={DATASET: about})
    ended = farzi("splits", *WORDS, "--splits", "0,1", "--json")
    assert ended.json["rows"][0]["splits"] == [0]
    assert "a split of their own" in ended.err


def test_the_commands_that_the_page_shows_contain_the_run_they_are_shown_for(farzi: Callable) -> None:
    base = PRESETS["demo"].config
    shown = with_settings(BASE, {"evaluation.baselines": [], "seed": 10**12})
    found = farzi(*shlex.split(frontier_command(shown, base, 30))[3:], "--detach", "--json").json["runs"]
    digests = [Store().open(one["run_id"]).manifest.config_digest for one in found]
    assert study.settings_digest(shown) in digests
    assert len(digests) == 6, "three sizes and two seeds"
    assert max(Store().open(one["run_id"]).config.synthetic.mu for one in found) == 30, "the data have no more"
    taught = study.transfer(BASE, ["gru4rec"], ["sasrec", "gru4rec", "fmlp"], [0])[0]
    found = farzi(*shlex.split(transfer_command(taught, base))[3:], "--detach", "--json").json["runs"]
    digests = [Store().open(one["run_id"]).manifest.config_digest for one in found]
    assert study.settings_digest(taught) in digests
    assert len(digests) == 6, "three teachers and two seeds"
    elsewhere = with_settings(BASE, {"data.seed": 7, "seed": 3})
    found = farzi(*shlex.split(splits_command(elsewhere, base))[3:], "--detach", "--json").json["runs"]
    digests = [Store().open(one["run_id"]).manifest.config_digest for one in found]
    assert study.settings_digest(elsewhere) in digests
    assert len(digests) == 5, "five splits of its own seed"
    until(lambda: all(one.state is RunState.DONE for one in Store().list()))
