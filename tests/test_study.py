"""A study is a plan over ordinary runs: the same plan is the same runs, and nothing that is done is done again."""

from pathlib import Path

import pytest
from fixtures import make_finished_run
from workers import LIGHT, config, until

from farzi_core import study
from farzi_core.errors import ConfigError, StoreError
from farzi_core.limits import MAX_STUDY_RUNS
from farzi_core.runs import launcher
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run, settings_digest
from farzi_core.runs.store import Store
from farzi_core.study import Point, Size

SIZES = [Size(6, 5), Size(12, 5)]
PLAN = study.frontier(config(), SIZES, [0, 1])


@pytest.fixture(autouse=True)
def light_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "WORKER", (LIGHT,))


def did(points: list[Point]) -> list[str]:
    return [one.did for one in points]


def wait(points: list[Point], state: RunState = RunState.DONE) -> None:
    until(lambda: all(one.run.state() is state for one in points))


class TestThePlan:
    def test_has_every_size_and_seed_once_and_the_first_seed_first(self) -> None:
        found = [(one.synthetic.mu, one.synthetic.xi, one.seed) for one in PLAN]
        assert found == [(6, 5, 0), (12, 5, 0), (6, 5, 1), (12, 5, 1)]
        assert len({settings_digest(one) for one in PLAN}) == 4
        assert [one.name for one in PLAN][:2] == ["6x5, seed 0", "12x5, seed 0"]

    def test_is_the_same_whatever_it_is_called_and_however_often_a_point_is_named(self) -> None:
        again = study.frontier(config(name="mine"), [*SIZES, SIZES[0]], [0, 1, 0])
        assert [settings_digest(one) for one in again] == [settings_digest(one) for one in PLAN]

    def test_of_a_transfer_changes_teacher_and_students_only(self) -> None:
        found = study.transfer(config(), ["sasrec", "fmlp"], ["gru4rec", "sasrec"], [3])
        assert [(one.model.kind, one.students, one.seed) for one in found] == [
            ("sasrec", ("gru4rec", "sasrec"), 3),
            ("fmlp", ("gru4rec", "sasrec"), 3),
        ]
        assert all(one.evaluation.baselines == () for one in found)
        assert found[0].inner == config().inner

    def test_of_splits_changes_the_seed_of_the_data_and_its_own(self) -> None:
        found = study.splits(config(), [0, 1, 5], [0, 2])
        assert [(one.data.seed, one.seed) for one in found] == [(0, 0), (1, 0), (5, 0), (0, 2), (1, 2), (5, 2)]
        assert [one.name for one in found][:2] == ["split 0, seed 0", "split 1, seed 0"]
        same = {"data": config().data, "seed": 0, "name": ""}
        assert {one.model_copy(update=same).model_dump_json() for one in found} == {
            config().model_copy(update=same).model_dump_json()
        }

    def test_of_splits_finds_the_run_that_was_there_without_it(self, farzi_home: Path) -> None:
        folder = make_finished_run(farzi_home, config=config())
        (point,) = study.begin(study.splits(config(), [config().data.seed], [config().seed]))
        assert (point.run.id, point.did) == (folder.name, "finished before")

    @pytest.mark.parametrize("seeds", [[], list(range(MAX_STUDY_RUNS + 1))])
    def test_that_is_empty_or_too_large_is_refused_with_the_bound(self, seeds: list[int]) -> None:
        with pytest.raises(ConfigError, match=f"1 to {MAX_STUDY_RUNS}"):
            study.frontier(config(), SIZES[:1], seeds)


class TestBeginning:
    def test_queues_what_is_missing_in_order_and_finds_it_the_next_time(self) -> None:
        first = study.begin(PLAN)
        assert did(first) == ["queued"] * 4
        assert [one.run.manifest.number for one in first] == [1, 2, 3, 4]
        wait(first)
        second = study.begin(PLAN)
        assert did(second) == ["finished before"] * 4
        assert [one.run.id for one in second] == [one.run.id for one in first]
        assert len(Store().list()) == 4

    def test_takes_any_finished_run_with_the_same_settings(self, farzi_home: Path) -> None:
        folder = make_finished_run(farzi_home, config=PLAN[2].model_copy(update={"name": "somebody's"}))
        points = study.begin(PLAN)
        assert did(points) == ["queued", "queued", "finished before", "queued"]
        assert points[2].run.id == folder.name
        wait(points)

    def test_that_was_cut_short_goes_on_where_it_was(self, monkeypatch: pytest.MonkeyPatch) -> None:
        submit, calls = launcher.submit, []

        def dying(*arguments: object) -> Run:
            calls.append(arguments)
            if len(calls) > 2:
                raise KeyboardInterrupt
            return submit(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(launcher, "submit", dying)
        with pytest.raises(KeyboardInterrupt):
            study.begin(PLAN)
        monkeypatch.setattr(launcher, "submit", submit)
        points = study.begin(PLAN)
        assert did(points)[2:] == ["queued", "queued"]
        assert "queued" not in did(points)[:2]
        assert len(Store().list()) == 4
        wait(points)

    def test_starts_the_worker_of_a_run_whose_launcher_died(self) -> None:
        run = Store().create(PLAN[0])
        (point,) = study.begin(PLAN[:1])
        assert (point.run.id, point.did) == (run.id, "at work")
        wait([point])

    def test_resumes_a_stopped_run_and_a_killed_one(self) -> None:
        stopped = launcher.submit(PLAN[0].model_copy(update={"name": "sleep"}))
        until(lambda: stopped.state() is RunState.RUNNING)
        launcher.stop(stopped)
        killed = launcher.submit(PLAN[1].model_copy(update={"name": "crash"}))
        until(lambda: (stopped.state(), killed.state()) == (RunState.STOPPED, RunState.INTERRUPTED))
        points = study.begin(PLAN[:2])
        assert [(one.run.id, one.did) for one in points] == [(stopped.id, "resumed"), (killed.id, "resumed")]
        until(lambda: stopped.state() is RunState.RUNNING)
        launcher.stop(stopped)
        until(lambda: killed.manifest.attempt == 2)

    def test_does_not_repeat_a_run_that_diverged_and_tries_a_failed_one_again(self, farzi_home: Path) -> None:
        states = (RunState.DIVERGED, RunState.FAILED)
        for number, (one, state) in enumerate(zip(PLAN, states, strict=False), start=1):
            make_finished_run(farzi_home, number=number, config=one, state=state)
        points = study.begin(PLAN[:2])
        assert did(points) == ["finished before", "resumed"]
        wait(points[1:])
        assert points[0].run.state() is RunState.DIVERGED

    def test_prefers_a_finished_run_to_one_that_failed_later(self, farzi_home: Path) -> None:
        done = make_finished_run(farzi_home, number=1, config=PLAN[0])
        make_finished_run(farzi_home, number=2, config=PLAN[0], state=RunState.FAILED)
        (point,) = study.begin(PLAN[:1])
        assert (point.run.id, point.did) == (done.name, "finished before")

    def test_names_a_damaged_run_that_stands_in_its_way(self) -> None:
        (point,) = study.begin(PLAN[:1])
        wait([point])
        (point.run.folder / "manifest.json").write_bytes(b"{}")
        with pytest.raises(StoreError, match="damaged"):
            study.begin(PLAN[:1])
