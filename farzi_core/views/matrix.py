"""The transfer matrix: which architectures learn from data that were distilled with another one.

A row is the teacher that was distilled with, a column the student that was trained. A cell is the mean over the runs
of its teacher in percent of what the same student reaches on full data, so a weak architecture is not blamed on the
data. Only runs of one size whose settings differ in seed and teacher alone are put together.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

import numpy as np
import plotly.graph_objects as go

from farzi_core.config import Kind, RunConfig
from farzi_core.evaluation.report import KIND_LABELS, Metric, RowName, percent_of_full, scale
from farzi_core.views import intervals, points, theme
from farzi_core.views.experiment import manner
from farzi_core.views.points import Diverged, Group, Result, count, size_label
from farzi_core.views.progress import METRIC_LABELS, people
from farzi_core.views.theme import Chart

BOTH = (RowName.FULL, RowName.DISTILLED)
COLOURS = (80, 120)  # percent at the ends of the scale, always the same: a difference within the noise looks pale


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
    teachers, students = _present([one.teacher for one in found]), _present([one.student for one in found])
    figure = go.Figure(_heat(found, teachers, students, metric))
    x = f"Student, on test {people(metric)} (n = {listed[0].report.test_users:,})"
    theme.layout(figure, x=x, y="Distilled with", height=140 + 110 * len(teachers))
    figure.update_xaxes(type="category")
    figure.update_yaxes(autorange="reversed", type="category")
    said = "; ".join(f"{one.teacher} to {one.student} {one.percent_of_full:.0f} %" for one in found)
    return Chart(figure, f"{METRIC_LABELS[metric]} by teacher and student: {said}.", _caption(listed))


def _present(names: Sequence[str]) -> list[str]:
    """Those of the architectures that occur, always in the same order."""
    return [name for kind in get_args(Kind) if (name := KIND_LABELS[kind]) in names]


def _heat(known: Sequence[Cell], teachers: list[str], students: list[str], metric: Metric) -> go.Heatmap:
    unit, found = " %" if metric.is_fraction else "", {(one.teacher, one.student): one for one in known}
    words = {
        key: f"{_percent(one)}<br>{METRIC_LABELS[metric]} {one.mean:.1f}{unit}<br>"
        f"({one.low:.1f} to {one.high:.1f})<br>n = {count(one.students, 'student')}, {count(one.seeds, 'seed')}"
        for key, one in found.items()
    }
    return go.Heatmap(
        z=[[found[a, b].percent_of_full if (a, b) in found else np.nan for b in students] for a in teachers],
        x=students,
        y=teachers,
        text=[[words.get((a, b), "not run") for b in students] for a in teachers],
        texttemplate="%{text}",
        hovertemplate="distilled with %{y}, trained %{x}<br>%{text}<extra></extra>",
        colorscale=theme.DIVERGING,
        zmin=COLOURS[0],
        zmax=COLOURS[1],
        xgap=3,
        ygap=3,
        colorbar={"title": {"text": "% of own<br>full data"}, "thickness": 12},
    )


def _percent(one: Cell) -> str:
    """`98.1 % [93.0, 103.2]`, or without an interval where none is stored."""
    around = intervals.words(one.percent_low, one.percent_high)
    return f"{one.percent_of_full:.1f} %{f' {around}' if around else ''}"


def _caption(runs: list[Result]) -> str:
    low, high = COLOURS
    return (
        f"{count(len(runs), 'run')} of size {size_label(*runs[0].size)} whose settings differ only in teacher and "
        f"seed. 100 % (white) is the same student on full data, with a learning rate of its own. {_rates(runs[0])} "
        f"Colours end at {low} and {high}. In round brackets the worst and the best student, in square "
        "ones the 95 % interval of the percentage over test users. On full data students differ too: a few points may "
        "be chance."
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
