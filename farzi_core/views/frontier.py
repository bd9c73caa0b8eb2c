"""How good students are against how much data they were trained on: distilled, real subsets of equal size, full data.

A mark is the mean over all students of all runs of that size, a bar reaches from the worst to the best of them, faint
dots are single students. Stored numbers are mu xi d + d |V| for distilled data (Z and M) and the events of real data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import plotly.graph_objects as go

from farzi_core.data.dataset import Task
from farzi_core.evaluation.report import LABELS, Metric, RowName, scale, shown
from farzi_core.views import points, theme
from farzi_core.views.accuracy import verdict
from farzi_core.views.points import Group, Result, Trained, count, size_label
from farzi_core.views.progress import METRIC_LABELS, people
from farzi_core.views.terms import TERMS
from farzi_core.views.theme import Chart, Style


class Axis(StrEnum):
    """What counts as size."""

    NUMBERS = "Stored numbers"
    SEQUENCES = "Sequences"


_TITLES: dict[Axis, str] = {
    Axis.NUMBERS: "Stored numbers (distilled: Z and M; real: {events}; log scale)",
    Axis.SEQUENCES: "Training {sequences} (log scale)",
}


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
    """What may stand in one figure with `chosen`; with `others`, runs of other settings on the same data too."""
    comparable = [one for one in found if points.same_data(one, chosen)]
    alike = tuple(one for one in comparable if points.alike(one, chosen))
    return Frontier(chosen, alike, tuple(one for one in comparable if one not in alike) if others else ())


class Line(NamedTuple):
    """A mark of the figure in words and numbers; fractions in percent."""

    label: str
    size: str
    row: str
    method: str
    numbers: float
    sequences: float
    mean: float
    low: float
    high: float
    percent_of_full: float
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
            label=_label(one.row, one.method if len(_methods(groups)) > 1 else ""),
            size=size_label(one.mu, one.xi) if one.mu else "all",
            row=one.row.value,
            method=one.method,
            numbers=one.numbers,
            sequences=one.sequences,
            mean=unit * one.mean,
            low=unit * one.low,
            high=unit * one.high,
            percent_of_full=100 * (full / one.mean if metric.lower_is_better else one.mean / full),
            students=one.students,
            seeds=one.seeds,
            seconds=one.seconds,
            runs=one.runs,
        )
        for one in groups
    ]


def _label(row: RowName, method: str) -> str:
    return f"{LABELS[row]}, {method}" if method else LABELS[row]


def _methods(groups: Iterable[Group]) -> list[str]:
    """Methods of distillation. Where there are several, each has its name, dash and symbol."""
    return sorted({one.method for one in groups} - {""})


def chart(runs: Frontier, metric: Metric, axis: Axis = Axis.NUMBERS) -> Chart:
    """The metric against size. Every mark carries the ids of its runs in `customdata`, for clicks."""
    trained = runs.students(metric)
    groups, figure = points.spread(trained), go.Figure()
    full, *parts = groups
    sizes = [_size(one, axis) for one in parts]
    _full(figure, full, metric, (min(sizes) / 1.6, max(sizes) * 1.6))
    for row, method in dict.fromkeys((one.row, one.method) for one in parts):
        style = _style(row, method, _methods(groups))
        dots = [one for one in trained if (one.row, one.method) == (row, method)]
        marks = [one for one in parts if (one.row, one.method) == (row, method)]
        figure.add_trace(_dots(dots, axis, style))
        figure.add_trace(_marks(sorted(marks, key=lambda one: _size(one, axis)), axis, style, metric))
    _others(figure, runs, metric, axis)
    words = TERMS[runs.task]
    title = _TITLES[axis].format(events=words.events, sequences=words.sequences)
    theme.layout(figure, x=title, y=_value_title(runs, metric), height=460, clickmode="event+select")
    figure.update_xaxes(type="log", exponentformat="none")
    figure.update_yaxes(tickformat=".0%" if metric.is_fraction else "~g")
    return Chart(figure, _alt(runs, groups, metric, axis), _caption(runs, trained))


def reading(runs: Frontier, metric: Metric) -> list[str]:
    """The best size, and for each size what it reaches and which real subsets it beats beyond chance."""
    mine = points.method(runs.chosen.config)
    distilled = [one for one in lines(runs, metric) if (one.row, one.method) == (RowName.DISTILLED.value, mine)]
    best = (min if metric.lower_is_better else max)(distilled, key=lambda one: one.mean)
    return [
        f"Best of {count(len(distilled), 'size')}: {best.size}, whose students reach {METRIC_LABELS[metric]} "
        f"{shown(metric, best.mean / scale(metric))} on average, {best.percent_of_full:.1f} % of full data.",
        *(_beaten(runs, one.size, metric) for one in distilled),
    ]


def _beaten(runs: Frontier, size: str, metric: Metric) -> str:
    """How often the paired interval of the difference to each real subset leaves zero out."""
    mine = points.method(runs.chosen.config)
    same = [one for one in runs.alike if size_label(*one.size) == size and points.method(one.config) == mine]
    won: dict[RowName, list[bool]] = {}
    for one in same:
        for row in one.report.rows:
            if row.sequences and row.name not in {RowName.FULL, RowName.DISTILLED}:
                won.setdefault(row.name, []).append(verdict(row.minus_distilled[metric], metric) == "better")
    if not won:
        return f"{size}: no real subset of equal size was trained beside it."
    counts = ", ".join(f"{LABELS[name]} {sum(some)} of {len(some)}" for name, some in won.items())
    return f"{size}: runs that beat real data of equal size beyond chance: {counts}."


def _size(one: Group | Trained, axis: Axis) -> float:
    return one.numbers if axis is Axis.NUMBERS else one.sequences


def _full(figure: go.Figure, full: Group, metric: Metric, reach: tuple[float, float]) -> None:
    """The full-data line over the whole width, with a band from its worst to its best student."""
    style, (low, high) = theme.STYLES[RowName.FULL], reach
    figure.add_scatter(
        x=[low, high, high, low],
        y=[full.low, full.low, full.high, full.high],
        fill="toself",
        fillcolor=theme.translucent(style.color, 0.18),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        mode="lines",
    )
    figure.add_scatter(
        x=[low, high],
        y=[full.mean] * 2,
        mode="lines",
        name=f"{style.label} (n = {count(full.students, 'student')})",
        line={"color": style.color, "dash": style.dash, "width": 2},
        hovertemplate=f"{style.label}: {shown(metric, full.mean)}<extra></extra>",
    )


def _style(row: RowName, method: str, methods: Sequence[str]) -> Style:
    """That of the row; where there are several methods, each has its own dash, symbol and name."""
    style = theme.STYLES[row]
    if not method or len(methods) < 2:
        return style
    place = methods.index(method)
    dash, symbol = (some[place % len(some)] for some in (theme.DASHES, theme.SYMBOLS))
    return Style(_label(row, method), style.color, dash, symbol)


def _dots(part: Sequence[Trained], axis: Axis, style: Style) -> go.Scatter:
    return go.Scatter(
        x=[_size(one, axis) for one in part],
        y=[one.value for one in part],
        mode="markers",
        showlegend=False,
        legendgroup=style.label,
        marker={"symbol": style.symbol, "size": 6, "color": style.color, "opacity": 0.3},
        customdata=[[one.run] for one in part],
        hovertemplate=f"{style.label}, one student<extra></extra>",
    )


def _marks(part: Sequence[Group], axis: Axis, style: Style, metric: Metric) -> go.Scatter:
    hover = [
        f"{size_label(one.mu, one.xi)}: {shown(metric, one.mean)}<br>students {shown(metric, one.low)} to "
        f"{shown(metric, one.high)}<br>n = {count(one.students, 'student')}, {count(one.seeds, 'seed')}"
        for one in part
    ]
    bars = {"array": [one.high - one.mean for one in part], "arrayminus": [one.mean - one.low for one in part]}
    return go.Scatter(
        x=[_size(one, axis) for one in part],
        y=[one.mean for one in part],
        mode="lines+markers",
        name=style.label,
        legendgroup=style.label,
        line={"color": style.color, "dash": style.dash, "width": 2},
        marker={"symbol": style.symbol, "size": 11, "color": style.color},
        error_y={"type": "data", "symmetric": False, **bars, "color": style.color, "thickness": 1.5},
        customdata=[[",".join(one.runs)] for one in part],
        text=hover,
        hovertemplate=f"{style.label}, %{{text}}<extra></extra>",
    )


def _others(figure: go.Figure, runs: Frontier, metric: Metric, axis: Axis) -> None:
    """Distilled data of other settings: one open mark a run, no line, for they are not one experiment."""
    marks = [
        (_size(group, axis), group.mean, one)
        for one in runs.others
        for group in points.spread(points.students([one], runs.chosen.report.student, metric))
        if group.row is RowName.DISTILLED
    ]
    if marks:
        figure.add_scatter(
            x=[size for size, _, _ in marks],
            y=[mean for _, mean, _ in marks],
            mode="markers",
            name=f"Distilled, other settings (n = {count(len(marks), 'run')})",
            marker={"symbol": "circle-open", "size": 10, "color": theme.NEUTRAL, "line": {"width": 2}},
            customdata=[[one.run_id] for _, _, one in marks],
            text=[one.label for _, _, one in marks],
            hovertemplate="other settings: %{text}<extra></extra>",
        )


def _value_title(runs: Frontier, metric: Metric) -> str:
    better = " (lower is better)" if metric.lower_is_better else ""
    return f"{METRIC_LABELS[metric]}{better}, test {people(metric)} (n = {runs.chosen.report.test_users:,})"


def _alt(runs: Frontier, groups: Sequence[Group], metric: Metric, axis: Axis) -> str:
    several = len(_methods(groups)) > 1
    said = "; ".join(
        f"{_label(one.row, one.method if several else '')}{f' {size_label(one.mu, one.xi)}' if one.mu else ''} "
        f"{shown(metric, one.mean)}"
        for one in groups
    )
    alike = count(len(runs.alike), "run")
    return f"{METRIC_LABELS[metric]} against {axis.value.lower()}, {alike}: {said}."


def _caption(runs: Frontier, trained: Sequence[Trained]) -> str:
    codes, report, words = len({one.code for one in runs.alike}), runs.chosen.report, TERMS[runs.task]
    versions = f" The runs were made by {codes} versions of the program." if codes > 1 else ""
    seeds = count(len({one.seed for one in trained}), "seed")
    return (
        f"{count(len(runs.alike), 'run')} whose settings differ only in size, seed and method ({seeds}). Mark: mean "
        "over all their students; bar: from the worst to the best; faint dots: single students. Full data: "
        f"{report.full_events:,} {words.events} in {report.full_sequences:,} {words.sequences}, band from worst to "
        f"best. Click a mark to compare its runs.{versions}"
    )
