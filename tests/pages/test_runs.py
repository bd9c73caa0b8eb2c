"""The Runs page in every state a run can be in; its buttons; the comparison; what a link can carry."""

from pathlib import Path

import fixtures
import pytest
from apptest import assert_healthy, open_page, plain, words

from farzi_core.runs import launcher, metrics_log
from farzi_core.runs.locks import run_locked
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run

PAGE = "runs.py"
HOSTILE_NAME = "![x](http://evil.example/x.png) **bold** <b>b</b> :red[red] $x$"


def labels(at: object) -> list[str]:
    return [button.label for button in at.button]  # type: ignore[attr-defined]


def test_without_runs_it_says_what_to_do_next() -> None:
    at = open_page(PAGE)
    assert_healthy(at)
    assert "No runs yet" in words(at)


def test_a_working_run_can_be_stopped_but_not_deleted(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home, state=RunState.RUNNING)
    with run_locked(folder):
        at = open_page(PAGE)
        assert_healthy(at)
        assert "running]" in words(at)
        assert labels(at)[:3] == ["Stop", "Duplicate", "Delete"]
        assert next(button for button in at.button if button.label == "Delete").disabled
        at.button[0].click().run()
        assert Run(folder).state() is RunState.STOPPING
        assert "stopping]" in words(at)


def test_a_run_leads_to_its_replay_while_it_works_and_to_all_pages_when_it_is_done(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home, number=1, state=RunState.RUNNING, more=fixtures.snapshots(0))
    fixtures.make_finished_run(farzi_home, number=2)
    with run_locked(folder):
        working, done = open_page(PAGE, run=folder.name), open_page(PAGE, run="r-0000000000000002")
    found = [[link.proto.label for link in at.get("page_link")] for at in (working, done)]
    assert found == [["Replay"], ["Sequences", "Factors", "Replay", "Surgery", "Accuracy"]]


def test_progress_names_the_stage_the_count_and_the_time_left(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home, state=RunState.RUNNING)
    log = metrics_log.MetricsLog(folder / metrics_log.METRICS)
    for done in (10, 20):
        log.append(
            {"event": "stage", "stage": "evaluate", "message": "Testing", "elapsed": 90.0}
        ) if done == 10 else None
        log.append({"event": "progress", "stage": "evaluate", "done": done, "total": 40, "elapsed": 90.0 + done})
    with run_locked(folder):
        at = open_page(PAGE)
    assert_healthy(at)
    (bar,) = at.get("progress")
    assert bar.proto.value == 50
    assert plain(bar.proto.text) == "Testing on unseen data (stage 4 of 5) · 20 of 40 · about 20 s left in this stage"


def test_a_waiting_run_shows_its_place_in_the_queue(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, state=RunState.QUEUED)
    at = open_page(PAGE)
    assert_healthy(at)
    assert "queue" in words(at)


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.DIVERGED, RunState.STOPPED])
def test_an_ended_run_says_why_and_can_be_resumed(
    farzi_home: Path, state: RunState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "_launch", lambda run: None)
    folder = fixtures.make_finished_run(farzi_home, state=state, error="The disk was *full* at step 7.")
    at = open_page(PAGE)
    assert_healthy(at)
    assert "The disk was \\*full\\* at step 7" in words(at)
    assert "Resume" in labels(at)
    next(button for button in at.button if button.label == "Resume").click().run()
    assert_healthy(at)
    assert Run(folder).manifest.state is RunState.QUEUED


def test_a_finished_run_shows_three_curves_and_can_not_be_stopped(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE)
    assert_healthy(at)
    assert len(at.get("plotly_chart")) == 3
    assert not {"Stop", "Resume"} & set(labels(at))


def test_a_damaged_run_is_shown_as_damaged(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home)
    (folder / "manifest.json").write_bytes(b"{}")
    at = open_page(PAGE)
    assert_healthy(at)
    assert "damaged]" in words(at)
    assert "manifest" in words(at)


def test_a_link_chooses_the_run(farzi_home: Path) -> None:
    for number in (1, 2, 3):
        fixtures.make_finished_run(farzi_home, number=number)
    at = open_page(PAGE, run=f"r-{2:016x}")
    assert_healthy(at)
    assert at.selectbox[0].value == f"r-{2:016x}"
    assert at.query_params["run"] == f"r-{2:016x}"


@pytest.mark.parametrize("run", ["r-ffffffffffffffff", "../../etc", "<img src=x onerror=alert(1)>", "\x00"])
def test_a_link_to_no_run_says_so_and_shows_another(farzi_home: Path, run: str) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, run=run)
    assert_healthy(at)
    assert "is not here" in at.warning[0].value
    assert at.selectbox[0].value == f"r-{1:016x}"


def test_runs_named_in_the_address_are_compared(farzi_home: Path) -> None:
    for number in (1, 2):
        fixtures.make_finished_run(farzi_home, number=number, name=f"Number {number}", seed=number)
    at = open_page(PAGE, compare=f"r-{1:016x},r-{2:016x}")
    assert_healthy(at)
    assert "2 runs compared" in [header.value for header in at.header]
    final = at.dataframe[-1].value
    assert [name.split(" (")[0] for name in final["Run"]] == ["Number 2", "Number 1"]
    assert final["HR@10 (%)"].between(55, 61).all()


def test_a_hostile_name_is_nowhere_read_as_markdown(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, name=HOSTILE_NAME)
    fixtures.make_finished_run(farzi_home, number=2, name=HOSTILE_NAME, state=RunState.RUNNING)
    at = open_page(PAGE, compare=f"r-{1:016x},r-{2:016x}")
    assert_healthy(at)
    read_as_markdown = [*at.markdown, *at.caption, *at.info, *at.warning, *at.error, *at.header]
    assert not [one.value for one in read_as_markdown if "![x](" in one.value or ":red[red]" in one.value]


def test_a_finished_run_has_three_doors(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE)
    assert_healthy(at)
    assert "farzi_core distill" in words(at)
    found = [one.proto.label for one in at.get("download_button")]
    assert found == ["Download as notebook", "Report, HTML"]


def test_a_run_without_result_has_a_notebook_and_no_report(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, state=RunState.FAILED)
    at = open_page(PAGE)
    assert_healthy(at)
    assert [one.proto.label for one in at.get("download_button")] == ["Download as notebook"]
