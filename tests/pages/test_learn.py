"""The Learn page: every lesson opens from its address, questions are answered after a guess, and `hide=` hides."""

import pytest
from apptest import assert_healthy, open_page, words

from farzi_core.distill.weighing import Way, Weighed, Weighing
from farzi_core.errors import RunError
from farzi_core.views import lesson_memory
from farzi_core.views.lessons import LESSONS

PAGE = "learn.py"


@pytest.mark.parametrize("number", LESSONS)
def test_every_lesson_has_its_address(number: str) -> None:
    at = open_page(PAGE, lesson=number)
    assert_healthy(at)
    lesson = LESSONS[number]
    assert lesson.title in words(at)
    assert lesson.intro in words(at)
    assert [one.label for one in at.number_input] == [control.label for control in lesson.controls]
    assert len(at.get("plotly_chart")) == 2
    assert lesson.question.reason not in words(at)


def test_the_reason_comes_after_a_guess() -> None:
    at = open_page(PAGE, lesson="5")
    question = LESSONS["5"].question
    assert at.button(key="reveal_5").disabled
    at.radio(key="guess_5").set_value(question.choices[0]).run()
    at.button(key="reveal_5").click().run()
    assert_healthy(at)
    assert "Not quite" in at.info[0].value
    assert question.reason in at.info[0].value
    at.radio(key="guess_5").set_value(question.choices[question.right]).run()
    at.button(key="reveal_5").click().run()
    assert at.success[0].value.startswith("Right")


def test_sliders_stand_in_the_address() -> None:
    at = open_page(PAGE, lesson="5", factors="4", tau="0.5")
    assert_healthy(at)
    assert [one.value for one in at.number_input] == [4, 0.5]
    assert "4 factors at tau 0.5" in str(at.get("plotly_chart")[0].proto)


def test_hidden_parts_are_gone_and_their_values_stay() -> None:
    at = open_page(PAGE, lesson="5", factors="4", tau="0.5", hide="factors,tau,lesson,question,teacher")
    assert_healthy(at)
    assert not at.number_input
    assert not at.radio
    assert not at.selectbox
    assert not at.expander
    assert "4 factors at tau 0.5" in str(at.get("plotly_chart")[0].proto)


def weighing() -> Weighing:
    """As if unrolling held 4 MB and 1 MB a step, the tapes 4 MB and a little."""
    slopes: dict[Way, int] = {"checkpoint": 10_000, "store": 60_000, "unroll": 1_000_000}
    rows = [
        Weighed(way=way, steps=steps, tensors=4_000_000 + steps * slope, process=10**8 + steps * slope)
        for way, slope in slopes.items()
        for steps in (2, 5, 10, 20)
    ]
    return Weighing(weights=15_136, before=10**8, rows=tuple(rows))


def test_the_memory_lesson_measures_after_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson_memory, "weighed", weighing)
    at = open_page(PAGE, lesson="4")
    experiment = LESSONS["4"].experiment
    assert experiment
    assert experiment.sentence in words(at)
    assert at.toggle(key="measure_4").disabled
    at.radio(key="bet_4").set_value(experiment.question.choices[1]).run()
    assert len(at.get("plotly_chart")) == 2, "nothing is measured before it is asked for"
    at.toggle(key="measure_4").set_value(True).run()
    assert_healthy(at)
    assert len(at.get("plotly_chart")) == 4
    assert "24.0 MB" in [one.value for one in at.metric]
    assert at.success[0].value.startswith("Right")


def test_a_measurement_that_fails_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Weighing:
        raise RunError("the measurement failed; the log of the app has the details")

    monkeypatch.setattr(lesson_memory, "weighed", refuse)
    at = open_page(PAGE, lesson="4")
    at.radio(key="bet_4").set_value(at.radio(key="bet_4").options[0]).run()
    at.toggle(key="measure_4").set_value(True).run()
    assert_healthy(at)
    assert "the measurement failed" in at.error[0].value


def test_an_address_can_hide_the_measurement() -> None:
    at = open_page(PAGE, lesson="4", hide="experiment")
    assert_healthy(at)
    assert not at.toggle


@pytest.mark.parametrize(("lesson", "hide"), [("99", ""), ("<img src=x>", "lesson"), ("5", "<b>,nothing")])
def test_a_wrong_address_still_shows_a_lesson(lesson: str, hide: str) -> None:
    at = open_page(PAGE, lesson=lesson, factors="none", hide=hide)
    assert_healthy(at)
    assert len(at.get("plotly_chart")) == 2
