"""The Replay page in every state a run can be in, and what its address chooses."""

from pathlib import Path

import fixtures
import pytest
from apptest import assert_healthy, open_page, words

from farzi_core.runs.locks import run_locked
from farzi_core.runs.manifest import RunState

PAGE = "replay.py"


def test_before_the_outer_loop_it_points_to_the_live_view(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home, state=RunState.RUNNING)
    with run_locked(folder):
        at = open_page(PAGE)
    assert_healthy(at)
    assert "The replay begins with the outer loop." in words(at)


@pytest.mark.parametrize("steps", [(0,), (0, 10, 20)])
def test_a_run_at_work_shows_the_snapshots_so_far(farzi_home: Path, steps: tuple[int, ...]) -> None:
    folder = fixtures.make_finished_run(farzi_home, state=RunState.RUNNING, more=fixtures.snapshots(*steps))
    with run_locked(folder):
        at = open_page(PAGE)
    assert_healthy(at)
    said = words(at)
    assert "these are the snapshots so far" in said
    assert f"{len(steps)} snapshots" in said.replace("1 snapshots", "1 snapshots")
    assert at.dataframe[0].value["step"].tolist() == list(steps)
    assert at.dataframe[0].value["decoded"].str.startswith("item ").all()


def test_the_snapshots_of_a_run_with_labels_are_replayed(farzi_home: Path) -> None:
    more = fixtures.snapshots(0, 10, labels="own")
    folder = fixtures.make_finished_run(farzi_home, labels="own", more=more)
    at = open_page(PAGE, run=folder.name)
    assert_healthy(at)
    assert at.dataframe[0].value["step"].tolist() == [0, 10]


def test_a_run_that_ended_before_any_snapshot_says_so(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, state=RunState.FAILED)
    at = open_page(PAGE)
    assert_healthy(at)
    assert "This run has no result here" in words(at)


def test_a_finished_run_shows_the_player_the_projection_and_the_table(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, more=fixtures.snapshots(0, 10, 20))
    at = open_page(PAGE, sequence="3", metric="AUC", step="10")
    assert_healthy(at)
    assert "fitted once to all snapshots together (PCA)" in words(at)
    assert "AUC of fresh students on validation users went from" in words(at)
    assert at.number_input(key="sequence").value == 3
    assert '"start": 1' in str(at.get("bidi_component")[0].proto).replace("\\", "")
    at.number_input(key="sequence").set_value(4).run()
    assert_healthy(at)


def test_hostile_titles_stay_text(farzi_home: Path) -> None:
    more = fixtures.snapshots(0, 10)
    fixtures.make_finished_run(farzi_home, titles=fixtures.HOSTILE_TITLES, more=more)
    at = open_page(PAGE)
    assert_healthy(at)
    for element in (*at.markdown, *at.caption, *at.title, *at.subheader, *at.warning, *at.error):
        assert "evil.example" not in element.value.replace("\\", "")


def test_a_text_is_called_by_its_words_and_long_sequences_come_a_page_at_a_time(farzi_home: Path) -> None:
    more = fixtures.snapshots(0, 10, mu=2, xi=60)
    fixtures.make_finished_run(farzi_home, task="language", titles=fixtures.WORDS, mu=2, xi=60, more=more)
    at = open_page(PAGE)
    assert_healthy(at)
    assert at.number_input(key="sequence").label == "Sentence"
    assert "PPL" in at.radio(key="metric").options


def test_a_damaged_snapshot_is_said_in_words(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home, more=fixtures.snapshots(0, 10))
    path = folder / "snapshots" / "0000000010.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    at = open_page(PAGE)
    assert_healthy(at)
    assert "is damaged" in at.error[0].value
