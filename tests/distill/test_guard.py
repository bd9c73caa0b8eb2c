"""The divergence guard compares losses of one age: old students that overfit are no alarm, an explosion is."""

import math
from dataclasses import replace

import pytest

from farzi_core.distill.guard import EXPLODED, Guard
from farzi_core.distill.windows import StepReport, Window, step_report
from farzi_core.limits import MAX_GROWTH


def step(*losses: tuple[int, float], growth: float = 2.0) -> StepReport:
    """An outer step whose windows end at these ages with these losses."""
    windows = [Window(age, loss, growth, 0.9, 4.0, 1000, math.isfinite(loss)) for age, loss in losses]
    return step_report(windows, 0.1, 0.01)


def after(*reports: StepReport) -> Guard:
    guard = Guard()
    for report in reports:
        assert guard.objection(report) == ""
        guard = guard.after(report)
    return guard


def test_students_of_a_long_lifetime_that_overfit_are_no_divergence() -> None:
    """Losses of a fresh start by age as they were seen: 4.3 at age 60, 5.9 at age 200."""
    ages = {20: 5.0, 60: 4.3, 120: 4.9, 200: 5.9}
    guard = after(*(step((age, loss)) for _ in range(5) for age, loss in ages.items()))
    assert guard.lowest == pytest.approx(ages)


def test_a_loss_far_above_the_best_mean_of_its_age_is_divergence() -> None:
    guard = after(step((20, 5.0), (40, 4.0)), *[step((20, 4.0), (40, 4.0))] * 3)
    assert guard.lowest[20] == pytest.approx((5.0 + 3 * 4.0) / 4)
    assert guard.objection(step((20, 4.25 + EXPLODED - 0.01), (40, 4.0))) == ""
    assert guard.objection(step((20, 4), (40, 5.51))) == (
        "the outer value 5.51 at age 40 is more than 1.5 above its best mean at that age, 4.00"
    )


def test_a_slow_rise_is_measured_against_the_best_not_the_latest_mean() -> None:
    guard = Guard()
    for steps in range(200):
        report = step((20, 4.0 + 0.05 * steps))
        if guard.objection(report):
            break
        guard = guard.after(report)
    first = 4.0 + 0.05 * (0 + 1 + 2 + 3) / 4
    assert 0 < 4.0 + 0.05 * steps - (first + EXPLODED) < 0.051


def test_one_lucky_student_is_no_measure_and_a_running_mean_follows_by_tenths() -> None:
    guard = after(step((20, 4.0)), step((20, 5.8)), *[step((20, 5.0))] * 8)
    assert guard.means[20] == pytest.approx(4.98), "the plain mean of ten"
    assert guard.after(step((20, 4.0))).means[20] == pytest.approx(0.9 * 4.98 + 0.1 * 4.0)


def test_what_is_not_finite_is_divergence_only_if_nothing_is_left() -> None:
    assert step((20, math.nan), (40, 4.0)).skipped == 1
    assert after(step((20, math.nan), (40, 4.0))).means == {40: 4.0}
    assert Guard().objection(step((20, math.nan))) == "a value was not finite"
    assert Guard().objection(replace(step((20, 4.0)), grad_norm=math.inf)) == "a value was not finite"


def test_growth_above_the_bound_is_counted_and_not_undone() -> None:
    guard = after(step((20, 4.0), growth=MAX_GROWTH), step((20, 4.0), growth=2 * MAX_GROWTH), step((20, 4.0)))
    assert guard.chaotic == 1


def test_a_checkpoint_holds_the_guard_exactly_and_an_older_one_begins_anew() -> None:
    guard = after(step((20, 5.1), (40, 4.3)), *[step((20, 5.3), (40, 4.1), growth=1e5)] * 4)
    assert Guard.of_meta(guard.meta()) == guard
    assert Guard.of_meta(guard.rolled_back().meta()) == guard.rolled_back()
    assert Guard.of_meta({}) == Guard()
