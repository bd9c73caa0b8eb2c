"""The transfer matrix: which architectures learn from data that were distilled with another one.

A row is the teacher that was distilled with, a column the student that was trained. A cell is the mean over the runs
of its teacher in percent of what the same student reaches on full data, so a weak architecture is not blamed on the
data. Only runs of one size whose settings differ in seed and teacher alone are put together.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, get_args

import numpy as np
import plotly.graph_objects as go

from farzi_core.config import RunConfig
from farzi_core.evaluation.report import KIND_LABELS, Metric, RowName, percent_of_full, scale
from farzi_core.sections import Kind
from farzi_core.views import intervals, percent_heat, points
from farzi_core.views.experiment import manner
from farzi_core.views.points import Diverged, Group, Result, count, size_label
from farzi_core.views.progress import METRIC_LABELS, people
from farzi_core.views.theme import Chart

BOTH = (RowName.FULL, RowName.DISTILLED)


class Cell(NamedTuple):
    """A teacher and a student that was trained: mean to full are of that student, fractions in percent."""

    teacher: str
    student: str
    mean: float
    low: float
    high: float
    full: float
    percent_of_full: float
    """Of the mean on distilled data against the mean of the same architecture on full data."""
    percent_low: float | None
    percent_high: float | None
    """95 % interval of the percentage (`intervals.over_runs`)."""
    students: int
    seeds: int
    runs: tuple[str, ...]


def comparable(chosen: Result, found: Iterable[Result]) -> list[Result]:
    """The runs of one matrix with `chosen`: its size and method, any teacher, any seed; none that was made again."""
    return [
        one
        for one in points.current(chosen, found)
        if points.alike(one, chosen) and _same_cells(one.config, chosen.config)
    ]


def left_out(runs: Sequence[Result], lost: Iterable[Diverged]) -> int:
    """How many of `lost` would stand in the matrix of `runs` if they had not diverged."""
    return points.left_out(runs, [one for one in lost if _same_cells(one.config, runs[0].config)])


def _same_cells(one: RunConfig, other: RunConfig) -> bool:
    """Same size and method, whoever taught."""
    sizes = [(config.synthetic.mu, config.synthetic.xi) for config in (one, other)]
    return sizes[0] == sizes[1] and manner(one) == manner(other)


def cells(runs: Iterable[Result], metric: Metric) -> list[Cell]:
    """One a teacher and student that was trained, in the order of `Kind`."""
    found, listed = [], list(runs)
    for teacher in get_args(Kind):
        taught = [one for one in listed if one.config.model.kind == teacher]
        for student in get_args(Kind):
            groups = {
                one.row: one for one in points.spread(points.students(taught, student, metric)) if one.row in BOTH
            }
            if groups:
                found.append(_cell(teacher, student, groups, metric))
    return found


def _cell(teacher: Kind, student: Kind, groups: dict[RowName, Group], metric: Metric) -> Cell:
    distilled, full, unit = groups[RowName.DISTILLED], groups[RowName.FULL], scale(metric)
    return Cell(
        teacher=KIND_LABELS[teacher],
        student=KIND_LABELS[student],
        mean=unit * distilled.mean,
        low=unit * distilled.low,
        high=unit * distilled.high,
        full=unit * full.mean,
        percent_of_full=percent_of_full(metric, distilled.mean, full.mean),
        percent_low=distilled.percent.low if distilled.percent else None,
        percent_high=distilled.percent.high if distilled.percent else None,
        students=distilled.students,
        seeds=distilled.seeds,
        runs=distilled.runs,
    )


def chart(runs: Iterable[Result], metric: Metric) -> Chart:
    """Heat map, teachers by students: percent of the student's own full data, the value, and how many students."""
    listed = list(runs)
    found = cells(listed, metric)
    figure = _figure(found, metric, f"Student, on test {people(metric)} (n = {listed[0].report.test_users:,})")
    said = "; ".join(f"{one.teacher} to {one.student} {one.percent_of_full:.0f} %" for one in found)
    return Chart(figure, f"{METRIC_LABELS[metric]} by teacher and student: {said}.", _caption(listed))


def _present(names: Sequence[str]) -> list[str]:
    """Those of the architectures that occur, always in the same order."""
    return [name for kind in get_args(Kind) if (name := KIND_LABELS[kind]) in names]


def _figure(known: Sequence[Cell], metric: Metric, x: str) -> go.Figure:
    teachers, students = _present([one.teacher for one in known]), _present([one.student for one in known])
    found = {(one.teacher, one.student): one for one in known}

    def table(words: Callable[[Cell, Metric], str]) -> list[list[str]]:
        return [[words(found[a, b], metric) if (a, b) in found else "not run" for b in students] for a in teachers]

    percent = [[found[a, b].percent_of_full if (a, b) in found else np.nan for b in students] for a in teachers]
    said, hover = table(_at_a_glance), table(_in_full)
    return percent_heat.figure(np.array(percent), students, teachers, said, hover, x=x, y="Distilled with")


def _at_a_glance(one: Cell, metric: Metric) -> str:
    """Short lines: plotly shrinks the text of a cell that is narrower, on a phone to nothing that can be read."""
    around = intervals.words(one.percent_low, one.percent_high)
    lines = [f"{one.percent_of_full:.1f} %", around, f"{METRIC_LABELS[metric]} {one.mean:.1f}", f"n = {one.students}"]
    return "<br>".join(line for line in lines if line)


def _in_full(one: Cell, metric: Metric) -> str:
    unit, around = " %" if metric.is_fraction else "", intervals.words(one.percent_low, one.percent_high)
    return "<br>".join(
        (
            f"distilled with {one.teacher}, trained {one.student}",
            f"{one.percent_of_full:.1f} % of its own full data{f' {around}' if around else ''}",
            f"{METRIC_LABELS[metric]} {one.mean:.1f}{unit} ({one.low:.1f} to {one.high:.1f})",
            f"{METRIC_LABELS[metric]} on full data {one.full:.1f}{unit}",
            f"n = {count(one.students, 'student')}, {count(one.seeds, 'seed')}",
        )
    )


def _caption(runs: list[Result]) -> str:
    return (
        f"{count(len(runs), 'run')} of size {size_label(*runs[0].size)} whose settings differ only in teacher and "
        f"seed. 100 % (white) is the same student on full data, with a learning rate of its own. {_rates(runs[0])} "
        f"{percent_heat.ENDS} In brackets the 95 % interval of the percentage over test users; n counts "
        "students, and the worst and the best of them are in the table. On full data students differ too: a few points "
        "may be chance."
    )


def _rates(one: Result) -> str:
    """At which step size and decay students train on distilled data (`RunConfig.for_student`)."""
    decays = one.config.evaluation.other_decays
    chosen = ", and validation data chose their weight decay" if len(decays) > 1 else ""
    if one.config.inner.optimizer != "adam":
        return "On distilled data every student trains at inner.lr."
    return (
        "On distilled data a student of the teacher's architecture trains at inner.lr, others at their own step "
        f"size{chosen}."
    )
