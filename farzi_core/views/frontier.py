"""How good students are against how much data they were trained on: distilled, real subsets of equal size, full data.

A mark is the mean over all students of all runs of that size, a bar reaches from the worst to the best of them, faint
dots are single students. Stored numbers are mu xi d + d |V| for distilled data (Z and M) and the events of real data.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from farzi_core.data.dataset import Task
from farzi_core.evaluation.report import LABELS, Metric, RowName, percent_of_full, scale, shown
from farzi_core.views import points
from farzi_core.views.experiment import method
from farzi_core.views.points import Group, Result, Trained, count, size_label
from farzi_core.views.progress import METRIC_LABELS
from farzi_core.views.standing import counted


class Axis(StrEnum):
    """What counts as size."""

    NUMBERS = "Stored numbers"
    SEQUENCES = "Sequences"


@dataclass(frozen=True)
class Frontier:
    """The runs of one figure: those `alike` the chosen one (itself too), and `others` on the same data."""

    chosen: Result
    alike: tuple[Result, ...]
    others: tuple[Result, ...] = ()

    @property
    def task(self) -> Task:
        return self.chosen.report.task

    def students(self, metric: Metric) -> list[Trained]:
        """`points.students` of the runs alike, for the architecture of the chosen run's table."""
        return points.students(self.alike, self.chosen.report.student, metric)


def frontier(chosen: Result, found: Iterable[Result], others: bool = False) -> Frontier:
    """What may stand in one figure with `chosen`, without runs that were made again (`points.current`); with `others`,
    runs of other settings on the same data too."""
    comparable = [one for one in points.current(chosen, found) if points.same_data(one, chosen)]
    alike = tuple(one for one in comparable if points.alike(one, chosen))
    return Frontier(chosen, alike, tuple(one for one in comparable if one not in alike) if others else ())


class Line(NamedTuple):
    """A mark of the figure in words and numbers; fractions in percent."""

    label: str
    size: str
    row: str
    method: str
    mu: int
    xi: int
    """Of the runs; 0 and 0 for full data."""
    numbers: float
    sequences: float
    mean: float
    low: float
    high: float
    percent_of_full: float
    percent_low: float | None
    percent_high: float | None
    """95 % interval of the percentage (`intervals.over_runs`); full data have none."""
    students: int
    seeds: int
    seconds: float
    runs: tuple[str, ...]


def lines(runs: Frontier, metric: Metric) -> list[Line]:
    """One a training set and size, full data first."""
    groups = points.spread(runs.students(metric))
    full, unit = next(one.mean for one in groups if one.row is RowName.FULL), scale(metric)
    return [
        Line(
            label=label(one.row, one.method if len(methods(groups)) > 1 else ""),
            size=size_label(one.mu, one.xi) if one.mu else "all",
            row=one.row.value,
            method=one.method,
            mu=one.mu,
            xi=one.xi,
            numbers=one.numbers,
            sequences=one.sequences,
            mean=unit * one.mean,
            low=unit * one.low,
            high=unit * one.high,
            percent_of_full=percent_of_full(metric, one.mean, full),
            percent_low=one.percent.low if one.percent else None,
            percent_high=one.percent.high if one.percent else None,
            students=one.students,
            seeds=one.seeds,
            seconds=one.seconds,
            runs=one.runs,
        )
        for one in groups
    ]


def label(row: RowName, taught: str) -> str:
    return f"{LABELS[row]}, {taught}" if taught else LABELS[row]


def methods(groups: Iterable[Group]) -> list[str]:
    """Methods of distillation. Where there are several, each has its name, dash and symbol."""
    return sorted({one.method for one in groups} - {""})


def reading(runs: Frontier, metric: Metric) -> list[str]:
    """The best size, and for each size what can be said beyond chance."""
    mine = method(runs.chosen.config)
    distilled = [one for one in lines(runs, metric) if (one.row, one.method) == (RowName.DISTILLED.value, mine)]
    best = (min if metric.lower_is_better else max)(distilled, key=lambda one: one.mean)
    return [
        f"Best of {count(len(distilled), 'size')}: {best.size}, whose students reach {METRIC_LABELS[metric]} "
        f"{shown(metric, best.mean / scale(metric))} on average, {best.percent_of_full:.1f} % of full data.",
        *(_against(runs, one.size, metric) for one in distilled),
        "Better and worse are said where the paired 95 % interval of the difference, of one run, leaves zero out.",
    ]


def _against(runs: Frontier, size: str, metric: Metric) -> str:
    """In how many runs of this size distilled data are told apart from full data, and better than other rows."""
    mine = method(runs.chosen.config)
    some = [one.report for one in runs.alike if size_label(*one.size) == size and method(one.config) == mine]
    return f"{size}, {counted(some, runs.chosen.report.student, metric)}."
