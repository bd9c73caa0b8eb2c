"""What every page that looks inside a result says before there is one."""

from pathlib import Path

import fixtures
import pytest
from apptest import assert_healthy, open_page, words

from farzi_core.runs.locks import run_locked
from farzi_core.runs.manifest import RunState

INSIDE = ("sequences.py", "factors.py", "surgery.py", "accuracy.py")


@pytest.mark.parametrize("page", [*INSIDE, "replay.py"])
def test_without_runs_it_says_what_to_do_next(page: str) -> None:
    at = open_page(page)
    assert_healthy(at)
    assert "Nothing distilled yet" in words(at)


@pytest.mark.parametrize("page", INSIDE)
def test_while_a_run_works_it_points_to_the_live_view(farzi_home: Path, page: str) -> None:
    folder = fixtures.make_finished_run(farzi_home, state=RunState.RUNNING)
    with run_locked(folder):
        at = open_page(page)
    assert_healthy(at)
    assert "Still at work" in words(at)


@pytest.mark.parametrize("page", INSIDE)
def test_a_failed_run_is_said_to_have_no_result(farzi_home: Path, page: str) -> None:
    fixtures.make_finished_run(farzi_home, state=RunState.FAILED)
    at = open_page(page)
    assert_healthy(at)
    assert "This run has no result here" in words(at)
