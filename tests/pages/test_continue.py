"""The section "Continue this sentence" of the Accuracy page: its states, and its answers without a process."""

from pathlib import Path

import fixtures
import pytest
from apptest import assert_healthy, open_page, plain, words
from streamlit.testing.v1 import AppTest

from farzi_core.data import errands
from farzi_core.data.errands import Errand, Look
from farzi_core.evaluation.prompt import Question
from farzi_core.views.load import STUDENTS, RunView
from tests.views.test_continuation import answer

PAGE = "accuracy.py"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Errand]:
    """Errands that the page began; each stays at work."""
    begun: list[Errand] = []
    monkeypatch.setattr(errands, "start", begun.append)
    monkeypatch.setattr(errands, "look", lambda one: Look(at_work=one in begun))
    return begun


@pytest.fixture
def text_run(farzi_home: Path) -> Path:
    return fixtures.make_finished_run(
        farzi_home, task="language", titles=fixtures.WORDS, more={STUDENTS: b"what a process reads"}
    )


def question(folder: Path, *items: int, temperature: float = 0.0, seed: int = 0, length: int = 20) -> Question:
    return Question(folder.name, RunView(folder).checksum(STUDENTS), items, temperature, seed, length)


def answered(folder: Path, *items: int) -> None:
    """The answer is there, as if somebody had asked before."""
    kept = Errand("answer", question(folder, *items).source).folder
    kept.mkdir(parents=True)
    (kept / "result.json").write_text(answer().model_dump_json())


def bars(at: AppTest) -> list[str]:
    """Figures of next items."""
    return [str(one.proto) for one in at.get("plotly_chart") if "most probable next" in str(one.proto)]


@pytest.mark.parametrize("task", ["language", "recommendation"])
def test_a_run_without_students_says_why_and_what_to_do(farzi_home: Path, task: str) -> None:
    fixtures.make_finished_run(farzi_home, task=task)
    at = open_page(PAGE, text="the list")
    assert_healthy(at)
    assert "This run kept no students to ask" in words(at)
    assert "Duplicate it on the Runs page" in words(at)
    assert not at.get("text_input")


@pytest.mark.parametrize("typed", ["", "   "])
def test_an_empty_beginning_asks_nothing(text_run: Path, started: list[Errand], typed: str) -> None:
    at = open_page(PAGE, text=typed)
    assert_healthy(at)
    assert "Continue this sentence" in words(at)
    assert not started
    assert not bars(at)


def test_a_typed_beginning_is_asked_once(text_run: Path, started: list[Errand]) -> None:
    at = open_page(PAGE)
    at.text_input(key="text").set_value("A list of zebras").run()
    assert_healthy(at)
    assert started == [Errand("answer", question(text_run, 0, 3, 4, 7, 10).source)]
    assert "They read: a list of <unk>" in plain(words(at))
    assert "read as <unk>: zebras." in plain(words(at))
    assert "The students are reading" in str(at.get("progress")[0].proto)
    at.run()
    assert len(started) == 1


def test_the_answer_is_two_figures_and_two_sentences(text_run: Path, started: list[Errand]) -> None:
    answered(text_run, 0, 3)
    at = open_page(PAGE, text="a")
    assert_healthy(at)
    assert not started
    assert "Both put “list” first" in plain(words(at))
    assert ["Trained on all the data" in one for one in bars(at)] == [True, False]
    assert [one.value for one in at.code] == ["a list.", "a list list …"]


def test_a_link_carries_how_it_goes_on(text_run: Path, started: list[Errand]) -> None:
    at = open_page(PAGE, text="a", temperature="0.7", draw="5", length="3")
    assert_healthy(at)
    asked = question(text_run, 0, 3, temperature=0.7, seed=5, length=3)
    assert started == [Errand("answer", asked.source)]
    at.number_input(key="temperature").set_value(0.0).run()
    assert_healthy(at)
    assert started[1] == Errand("answer", question(text_run, 0, 3, length=3).source), "the seed plays no part"


@pytest.mark.parametrize("typed", ["![x](http://evil.example/x.png) :red[a]", "\0\u202e<b>a</b>", "a " * 50_000])
def test_hostile_text_stays_text_and_reaches_the_process_as_numbers(
    text_run: Path, started: list[Errand], typed: str
) -> None:
    at = open_page(PAGE, text=typed)
    assert_healthy(at)
    assert started
    for errand in started:
        assert set(errand.source.split("/", 2)[2]) <= set("0123456789./")
        assert len(errand.source) < 2000
    for element in (*at.markdown, *at.caption, *at.info, *at.error):
        assert "](http" not in element.value
        assert ":red[a]" not in element.value


def test_a_refusal_is_shown_and_can_be_tried_again(text_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        errands, "look", lambda _: Look(at_work=False, refused="The students ![x](http://evil) changed")
    )
    at = open_page(PAGE, text="a")
    assert_healthy(at)
    assert at.error[0].value.startswith("The students")
    assert "](http" not in at.error[0].value
    assert "Try again" in {one.label for one in at.button}


def test_students_of_events_are_asked_by_title(farzi_home: Path, started: list[Errand]) -> None:
    folder = fixtures.make_finished_run(farzi_home, more={STUDENTS: b"what a process reads"})
    answered(folder, 4, 1)
    at = open_page(PAGE)
    assert "What comes next?" in words(at)
    assert not started
    at.multiselect[0].set_value([4, 1]).run()
    assert_healthy(at)
    assert at.code[0].value == "os.path.join → .append → os.path.join → open → len …"
    assert "most probable next items" in bars(at)[0]
