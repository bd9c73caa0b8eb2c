"""The health table: what is measured, when it is bad, and that older runs still open."""

from typing import Any

import fixtures
import pytest

from farzi_core.config import RunConfig, with_settings
from farzi_core.limits import MAX_GROWTH
from farzi_core.views import health
from farzi_core.views.health import Reading

CALM: dict[str, Any] = {
    "growth": 3.0, "singular_share": 0.97, "cost_ratio": 4.2, "peak_bytes": 512_000_000, "tape_bytes": 2_500_000,
    "skipped": 0,
}  # fmt: skip


def rows(*changes: dict[str, Any], **settings: Any) -> dict[str, Reading]:
    """The table of a run whose steps are `CALM` but for `changes`, by name."""
    events = [{"event": "step", "step": at, **CALM, **one} for at, one in enumerate(changes, 1)]
    config = with_settings(RunConfig(), {key.replace("__", "."): value for key, value in settings.items()})
    return {one.name: one for one in health.readings(events, config)}


def advised(found: dict[str, Reading]) -> list[str]:
    return [one.name for one in found.values() if one.advice]


def test_before_the_first_step_there_is_no_table() -> None:
    assert health.readings([{"event": "stage", "stage": "distil"}], RunConfig()) == []


def test_a_calm_run_has_every_number_with_its_unit_and_no_advice() -> None:
    found = rows({}, {"peak_bytes": 700_000_000}, {})
    assert advised(found) == []
    assert [one.value for one in found.values()] == [
        "3 times", "0 of 3 steps", "97%", "4.2 times its plain training", "700 MB", "2.5 MB", "0 in 3 steps",
    ]  # fmt: skip
    assert all(one.good for one in found.values())
    assert list(health.table(list(found.values()))["Advice"]) == ["fine"] * 7


@pytest.mark.parametrize(
    ("eps", "share", "alarm"), [(1e-3, 0.99, False), (1e-6, 0.99, False), (1e-8, 0.99, True), (1e-8, 0.2, False)]
)
def test_a_singular_share_is_an_alarm_only_together_with_a_tiny_eps(eps: float, share: float, alarm: bool) -> None:
    found = rows({"singular_share": share}, inner__eps=eps)
    assert (advised(found) == ["Share from near-singular coordinates"]) is alarm


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ({"growth": 2000.0}, "Adjoint growth over a window"),
        ({"cost_ratio": 9.0}, "Cost of a window"),
        ({"skipped": 1}, "Windows left out, not finite"),
    ],
)
def test_each_bad_number_has_its_own_advice(bad: dict[str, Any], name: str) -> None:
    assert advised(rows(*[bad] * 10)) == [name]


def test_a_few_chaotic_steps_are_counted_and_many_are_an_alarm() -> None:
    wild, name = {"growth": 10 * MAX_GROWTH}, "Steps with growth above 10,000"
    few = rows(*[wild] * 5, *[{}] * 95)
    assert (few[name].value, few[name].advice) == ("5 of 100 steps", "")
    assert advised(rows(*[wild] * 6, *[{}] * 94)) == [name]


def test_medians_are_those_of_the_newest_steps() -> None:
    assert advised(rows(*[{"growth": 5000.0}] * 60, *[{}] * health.RECENT)) == []


def test_a_run_of_an_older_version_shows_what_it_has() -> None:
    found = health.readings(fixtures.events(), RunConfig())
    assert [one.name for one in found] == ["Adjoint growth over a window", "Steps with growth above 10,000"]
    nothing = [{"event": "step", "step": 1, "growth": None}]  # a number that was not finite
    assert health.readings(nothing, RunConfig()) == []


def test_where_nothing_is_carried_back_no_row_is_about_it() -> None:
    alarms = {"growth": 10 * MAX_GROWTH, "singular_share": 1.0, "cost_ratio": 99.0}
    found = rows(alarms, objective__kind="gradient", inner__eps=1e-8)
    assert list(found) == ["Largest memory of the process", "Tape of one window", "Windows left out, not finite"]
    assert advised(found) == []


def test_sgd_has_no_eps_to_raise() -> None:
    found = rows(*[{"growth": 10 * MAX_GROWTH, "singular_share": 1.0}] * 9, inner__optimizer="sgd", inner__eps=1e-8)
    assert "Steps with growth above 10,000" in advised(found)
    assert not any("inner.eps" in one.advice + one.good for one in found.values())
