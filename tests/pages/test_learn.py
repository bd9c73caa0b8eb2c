"""The Learn page: every lesson opens from its address, questions are answered after a guess, and `hide=` hides."""

import pytest
from apptest import assert_healthy, open_page, words

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


@pytest.mark.parametrize(("lesson", "hide"), [("99", ""), ("<img src=x>", "lesson"), ("5", "<b>,nothing")])
def test_a_wrong_address_still_shows_a_lesson(lesson: str, hide: str) -> None:
    at = open_page(PAGE, lesson=lesson, factors="none", hide=hide)
    assert_healthy(at)
    assert len(at.get("plotly_chart")) == 2
