"""The six lessons: every slider's ends can be drawn, and what questions and reasons claim is what the sums say."""

import itertools
import re

import numpy as np
import pytest

from farzi_core.views import lesson_adam as adam
from farzi_core.views import lesson_adam_charts as adam_charts
from farzi_core.views import lesson_toys as toys
from farzi_core.views import lessons
from farzi_core.views.lessons import LESSONS, Control, Lesson

ALL = pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)


@ALL
def test_every_corner_of_the_sliders_is_drawn_with_words(lesson: Lesson) -> None:
    corners = itertools.product(*((one.low, one.high) for one in lesson.controls))
    for values in [tuple(one.value for one in lesson.controls), *corners]:
        shown = lesson.show(*values)
        assert len(shown.charts) == 2
        for chart in shown.charts:
            layout = chart.figure.layout
            assert layout.xaxis.title.text, values
            assert layout.yaxis.title.text, values
            assert len(chart.alt) > 40, values
            assert len(chart.caption) > 40, values
            assert "nan" not in chart.alt + str([fact.value for fact in shown.facts]), values


@ALL
def test_each_is_two_sentences_and_one_question(lesson: Lesson) -> None:
    assert len(re.findall(r"[.?!](?: |$)", lesson.intro)) == 2
    question = lesson.question
    assert len(set(question.choices)) == len(question.choices) >= 3
    assert 0 <= question.right < len(question.choices)


def test_names_of_controls_are_unique_in_the_address() -> None:
    names = [control.name for lesson in LESSONS.values() for control in lesson.controls]
    parts = {part for lesson in LESSONS.values() for part in lesson.parts}
    assert len({*names, *parts}) == len(names) + len(parts)


def test_a_value_in_an_address_is_kept_in_range() -> None:
    whole, real = Control("a", "A", 1, 9, 3, 1, ""), Control("b", "B", 0.5, 2.0, 1.0, 0.5, "")
    assert [whole.read(one) for one in (None, "", "7", "99", "-1", "2.6", "x", "nan", "inf")] == [
        3, 3, 7, 9, 1, 3, 3, 3, 3,
    ]  # fmt: skip
    assert isinstance(whole.read("7"), int)
    assert [real.read(one) for one in ("1.5", "9", "<b>")] == [1.5, 2.0, 1.0]


def test_a_link_carries_the_view_and_what_it_hides() -> None:
    found = lessons.link("3", {"adam_steps": 5, "adam_lr": 0.05}, frozenset(["lesson", "back"]))
    assert found == {"lesson": "3", "adam_steps": "5", "adam_lr": "0.05", "hide": "back,lesson"}
    assert lessons.hidden(["back, lesson", "tau"]) == {"back", "lesson", "tau"}
    assert lessons.hidden([]) == frozenset()


def reason(number: str) -> str:
    return LESSONS[number].question.reason


def test_floor_of_perplexity() -> None:
    assert f"{toys.perplexity(toys.CHAIN):.2f} words" in reason("1")


def test_exaggerated_labels() -> None:
    labels, honest = toys.game(3, 0.3).labels[60], toys.INPUTS @ toys.best_weights()
    assert f"{labels[0]:.1f} and {labels[1]:.1f}" in reason("2").replace(",", "")
    assert f"{honest[0]:.1f} and {honest[1]:.1f}" in reason("2")


def test_line_13_in_five_steps() -> None:
    lesson = LESSONS["3"]
    settings = adam.Settings(5, lesson.controls[2].value, 10.0 ** lesson.controls[3].value)
    run = adam.forward(adam.TOY, settings)
    off = adam.error(adam.line13(adam.TOY, settings, run), adam.exact(adam.TOY, settings, run).d_data)
    assert f"{off:.0f} times" in reason("3")


def test_checkpoints_grow_with_the_root_of_the_steps() -> None:
    weights, graph = 10**5, 150
    beside = [toys.kept_bytes(weights, steps, graph)["checkpoint"] - 4 * graph * weights for steps in (100, 200)]
    assert beside[1] / beside[0] == pytest.approx(2**0.5, abs=0.1)


def test_five_factors_are_enough_and_four_are_not() -> None:
    assert toys.divergence(toys.decoded(*toys.factorise(5), 1.0)) < 1e-12
    assert toys.divergence(toys.decoded(*toys.factorise(4), 1.0)) > 0.01


def test_what_calms_chaos() -> None:
    def growth(steps: int, eps: float) -> float:
        settings = adam.Settings(steps, eps=eps, beta2=adam_charts.FORGETFUL)
        return float(adam.growth(adam_charts.HILLY, settings, np.array([0.8]))[0])

    assert growth(150, 1e-3) > adam_charts.CHAOS
    assert f"{growth(150, 1.0):.3f}" in reason("6")
    assert 0.5 < growth(20, 1e-3) < 2
