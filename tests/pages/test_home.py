"""The Home page: what it says at first, and that its one button starts exactly one run."""

from pathlib import Path

import fixtures
import pytest
from apptest import assert_healthy, open_page, words

from farzi_core.presets import PRESETS
from farzi_core.runs import launcher
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store

PAGE = "home.py"


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of runs whose worker would have been started; none is."""
    ids: list[str] = []
    monkeypatch.setattr(launcher, "launch", lambda run: ids.append(run.id))
    return ids


def test_without_runs_it_says_what_farzi_is_and_how_to_start() -> None:
    at = open_page(PAGE)
    assert_healthy(at)
    assert "a few synthetic sequences" in words(at)
    assert "No runs yet" in words(at)
    assert [button.label for button in at.button] == ["Distil the built-in data now"]


def test_the_button_starts_the_demo_and_shows_it(launched: list[str]) -> None:
    at = open_page(PAGE)
    at.button(key="distil_now").click().run()
    assert_healthy(at)
    (run,) = Store().list()
    assert launched == [run.id]
    assert Run(Store().root / run.id).config == PRESETS["demo"].config
    assert at.title[0].value == "Runs"
    assert at.query_params["run"] == run.id


def test_one_click_delivered_twice_is_one_run(launched: list[str]) -> None:
    for _ in range(2):
        at = open_page(PAGE)
        at.session_state["request"] = "the id of one rendered button"
        at.button(key="distil_now").click().run()
    assert len(Store().list()) == 1


def test_two_deliberate_clicks_are_two_runs(launched: list[str]) -> None:
    for _ in range(2):
        open_page(PAGE).button(key="distil_now").click().run()
    assert len(Store().list()) == 2


@pytest.mark.parametrize("state", [RunState.DONE, RunState.FAILED, RunState.RUNNING])
def test_recent_runs_are_listed_with_their_state(farzi_home: Path, state: RunState) -> None:
    fixtures.make_finished_run(farzi_home, state=state)
    at = open_page(PAGE)
    assert_healthy(at)
    shown = RunState.INTERRUPTED if state is RunState.RUNNING else state  # nobody holds the lock
    assert f" {shown.value}]" in words(at)
    assert "No runs yet" not in words(at)


def test_a_damaged_run_does_not_break_the_page(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home)
    (folder / "manifest.json").write_bytes(b"{")
    at = open_page(PAGE)
    assert_healthy(at)
    assert "damaged" in words(at)
