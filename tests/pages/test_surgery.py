"""The Surgery page: its states, its trail in the address, and retraining without a process of its own."""

from pathlib import Path

import fixtures
import pytest
from apptest import assert_healthy, open_page, words

from farzi_core.data import errands
from farzi_core.data.errands import Errand, Look
from farzi_core.evaluation import surgery
from farzi_core.views.load import SYNTHETIC, RunView
from tests.views.test_surgery import retrained

PAGE = "surgery.py"
EDITS = "zero.1~scale.2.0.5~drop.3"


def source(folder: Path, edits: str) -> str:
    return surgery.source(folder.name, RunView(folder).checksum(SYNTHETIC), surgery.parse(edits))


def test_without_edits_nothing_has_moved_and_nothing_can_be_retrained(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE)
    assert_healthy(at)
    assert "0.0 % on average" in words(at)
    assert not at.dataframe
    disabled = {one.label: one.disabled for one in at.button}
    assert (disabled["Undo"], disabled["Redo"], disabled["Retrain the students"]) == (True, True, True)


def test_a_link_shows_its_edits_and_what_moved(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, edits=EDITS, upto="2", sequence="4")
    assert_healthy(at)
    labels = [one.label.replace("\\", "") for one in at.button]
    assert "1. factor 1 to zero" in labels
    assert "3. without sequence 3 (undone)" in labels
    assert set(at.dataframe[0].value.columns) == {"title", "item", "before", "after", "change"}
    assert len(at.dataframe[1].value) == 5
    assert not {one.label: one.disabled for one in at.button}["Retrain the students"]


def test_of_labels_it_is_said_that_they_follow(farzi_home: Path) -> None:
    for number, labels in enumerate(("next", "own"), start=1):
        folder = fixtures.make_finished_run(farzi_home, number=number, labels=labels)
        at = open_page(PAGE, run=folder.name, edits=EDITS)
        assert_healthy(at)
        assert ("Shown is what students read." in words(at)) == (labels == "own")


def test_edit_undo_redo_and_jump_write_the_address(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE)
    press = {one.label: one for one in at.button}
    press["Make this edit"].click().run()
    assert at.query_params["edits"] == "zero.1"
    at.selectbox(key="verb").set_value("Multiply a factor").run()
    at.number_input(key="edit_factor_0").set_value(3).run()
    at.number_input(key="edit_by").set_value(-2.0).run()
    next(one for one in at.button if one.label == "Make this edit").click().run()
    assert_healthy(at)
    assert at.query_params["edits"] == "zero.1~scale.3.-2.0"
    next(one for one in at.button if one.label == "Undo").click().run()
    assert at.query_params["upto"] == "1"
    at.button(key="trail_0").click().run()
    assert at.query_params["upto"] == "0"
    next(one for one in at.button if one.label == "Redo").click().run()
    assert at.query_params["upto"] == "1"
    at.button(key="trail_2").click().run()
    assert "upto" not in at.query_params
    assert_healthy(at)


@pytest.mark.parametrize("verb", ["Swap two factors", "Drop a sequence", "Make a position say another item"])
def test_every_edit_can_be_made_by_its_form(farzi_home: Path, verb: str) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, verb=verb)
    next(one for one in at.button if one.label == "Make this edit").click().run()
    assert_healthy(at)
    assert at.query_params["edits"] in {"swap.1.1", "drop.1", "put.1.1.1"}


@pytest.mark.parametrize(("bad", "good"), [("zero.1~burn.2", "zero.1"), ("![x](http://evil.example/x.png)", None)])
def test_edits_that_cannot_be_read_are_named_and_the_rest_is_kept(farzi_home: Path, bad: str, good: str | None) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, edits=bad)
    assert_healthy(at)
    assert "begins with none of" in at.error[0].value
    assert "](http" not in at.error[0].value
    assert at.query_params["edits"] == bad, "nothing is lost"
    at.button[0].click().run()
    assert_healthy(at)
    assert at.query_params.get("edits") == good
    assert not at.error


def test_an_edit_of_another_run_s_size_is_refused_and_can_be_undone(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, edits="zero.2~zero.77")
    assert_healthy(at)
    assert "this run has 3 factors, not 77" in at.error[0].value.replace("\\", "")
    next(one for one in at.button if one.label == "Undo").click().run()
    assert not at.error


def test_retraining_shows_progress_then_the_kept_result(farzi_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fixtures.make_finished_run(farzi_home)
    started: list[Errand] = []
    monkeypatch.setattr(errands, "start", started.append)
    monkeypatch.setattr(errands, "look", lambda one: Look(at_work=one in started, done=3, total=10))
    at = open_page(PAGE, edits=EDITS)
    assert "One of them took 1.2 s in this run; there are 5 on each side." in words(at)
    next(one for one in at.button if one.label == "Retrain the students").click().run()
    assert_healthy(at)
    assert started == [Errand("retrain", source(folder, EDITS))]
    assert "Retrain the students" not in {one.label for one in at.button}
    assert "Students trained: 3 of 10" in str(at.get("progress")[0].proto)
    started[0].folder.mkdir(parents=True)
    (started[0].folder / "result.json").write_text(retrained().model_dump_json())
    colleague = open_page(PAGE, run=folder.name, edits=EDITS)
    assert_healthy(colleague)
    assert "The edits made students better: HR@10 30.0 before" in words(colleague)
    assert colleague.dataframe[2].value["verdict"].tolist() == ["better"] * 5


def test_a_refusal_is_shown_and_retraining_can_be_tried_again(
    farzi_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixtures.make_finished_run(farzi_home)
    monkeypatch.setattr(errands, "look", lambda _: Look(at_work=False, refused="The data ![x](http://evil) changed"))
    at = open_page(PAGE, edits=EDITS)
    assert_healthy(at)
    assert at.error[0].value.startswith("The data")
    assert "](http" not in at.error[0].value
    assert "Retrain the students" in {one.label for one in at.button}


def test_hostile_titles_stay_text(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, titles=fixtures.HOSTILE_TITLES)
    at = open_page(PAGE, edits="put.1.1.1~put.1.2.2")
    assert_healthy(at)
    texts = [element.value for kind in (at.markdown, at.caption, at.title, at.warning, at.error) for element in kind]
    for text in (*texts, *(one.label for one in at.button)):
        assert "evil.example" not in text.replace("\\", "") or "\\" in text
        assert "](http" not in text


def test_a_text_is_edited_in_its_own_words(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, task="language", titles=fixtures.WORDS)
    at = open_page(PAGE, edits="drop.2")
    assert_healthy(at)
    assert "1. without sentence 2" in [one.label.replace("\\", "") for one in at.button]
    assert "1 sentence gone" in words(at)


def test_a_retraining_that_waits_for_another_says_so(farzi_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fixtures.make_finished_run(farzi_home)
    monkeypatch.setattr(errands, "look", lambda _: Look(at_work=True, waiting="Waiting for another retraining"))
    at = open_page(PAGE, edits=EDITS)
    assert_healthy(at)
    assert "Waiting for another retraining" in [one.proto.text for one in at.get("progress")]
