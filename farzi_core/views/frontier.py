"""How good students are against how much data they were trained on: distilled, real subsets of equal size, full data.

A mark is the mean over all students of all runs of that size, a bar reaches from the worst to the best of them, faint
dots are single students. Stored numbers are mu xi d + d |V| for distilled data (Z and M) and the events of real data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from farzi_core.data.dataset import Task
from farzi_core.evaluation.report import LABELS, Metric, RowName, scale, shown
from farzi_core.views import points, theme
from farzi_core.views.accuracy import verdict
from farzi_core.views.points import Result, count, size_label
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

    def students(self, metric: Metric) -> pd.DataFrame:
        """`points.students` of the runs alike, for the architecture of the chosen run's table."""
        return points.students(self.alike, self.chosen.report.student, metric)


def frontier(chosen: Result, found: Iterable[Result], others: bool = False) -> Frontier:
    """What may stand in one figure with `chosen`; with `others`, runs of other settings on the same data too."""
    comparable = [one for one in found if points.same_data(one, chosen)]
    alike = tuple(one for one in comparable if points.alike(one, chosen))
    return Frontier(chosen, alike, tuple(one for one in comparable if one not in alike) if others else ())


def table(runs: Frontier, metric: Metric) -> pd.DataFrame:
    """One line a training set and size; fractions in percent, as in the figure.

    `points.SPREAD` with label and size (for people) and percent_of_full.
    """
    trained = points.spread(runs.students(metric))
    full = trained.loc[trained["row"] == RowName.FULL.value, "mean"].iloc[0]
    ratio = full / trained["mean"] if metric.lower_is_better else trained["mean"] / full
    order, several = [name.value for name in theme.STYLES], _several(trained)
    made = trained.assign(
        **{name: scale(metric) * trained[name] for name in ("mean", "low", "high")},
        label=[_label(row, method if several else "") for row, method in trained[["row", "method"]].to_numpy()],
        size=[size_label(*pair) if pair[0] else "all" for pair in zip(trained["mu"], trained["xi"], strict=True)],
        percent_of_full=100 * ratio,
        place=trained["row"].map(order.index),
    )
    return made.sort_values(["place", "method", "numbers"]).drop(columns="place").reset_index(drop=True)


def _label(row: str, method: str) -> str:
    return f"{LABELS[RowName(row)]}, {method}" if method else LABELS[RowName(row)]


def _several(groups: pd.DataFrame) -> bool:
    """Is there more than one method of distillation? Then each has its name, dash and symbol."""
    return len(set(groups["method"]) - {""}) > 1


def chart(runs: Frontier, metric: Metric, axis: Axis = Axis.NUMBERS) -> Chart:
    """The metric against size. Every mark carries the ids of its runs in `customdata`, for clicks."""
    trained = runs.students(metric)
    groups, figure = points.spread(trained), go.Figure()
    parts = groups[groups["row"] != RowName.FULL.value]
    column = "numbers" if axis is Axis.NUMBERS else "sequences"
    _full(figure, groups, metric, (parts[column].min() / 1.6, parts[column].max() * 1.6))
    for (row, method), part in parts.groupby(["row", "method"], sort=False):
        style = _style(row, method, sorted(set(parts["method"]) - {""}))
        inside = (trained["row"] == row) & (trained["method"] == method)
        figure.add_trace(_dots(trained[inside], column, style))
        figure.add_trace(_marks(part.sort_values(column), column, style, metric))
    _others(figure, runs, metric, axis)
    words = TERMS[runs.task]
    title = _TITLES[axis].format(events=words.events, sequences=words.sequences)
    theme.layout(figure, x=title, y=_value_title(runs, metric), height=460, clickmode="event+select")
    figure.update_xaxes(type="log", exponentformat="none")
    figure.update_yaxes(tickformat=".0%" if metric.is_fraction else "~g")
    return Chart(figure, _alt(runs, groups, metric, axis), _caption(runs, trained))


def reading(runs: Frontier, metric: Metric) -> list[str]:
    """The best size, and for each size what it reaches and which real subsets it beats beyond chance."""
    lines = table(runs, metric)
    mine = points.method(runs.chosen.config)
    lines = lines[(lines["row"] == RowName.DISTILLED.value) & (lines["method"] == mine)].sort_values("numbers")
    if lines.empty:
        return ["No run of these has trained this architecture on its distilled data."]
    best = lines.loc[lines["mean"].idxmin() if metric.lower_is_better else lines["mean"].idxmax()]
    return [
        f"Best of {count(len(lines), 'size')}: {best['size']}, whose students reach "
        f"{METRIC_LABELS[metric]} {_value(metric, best['mean'])} on average, {best['percent_of_full']:.1f} % of full "
        "data.",
        *(_beaten(runs, size, metric) for size in lines["size"]),
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


def _full(figure: go.Figure, groups: pd.DataFrame, metric: Metric, reach: tuple[float, float]) -> None:
    """The full-data line over the whole width, with a band from its worst to its best student."""
    style, full = theme.STYLES[RowName.FULL], groups[groups["row"] == RowName.FULL.value].iloc[0]
    low, high = reach
    figure.add_scatter(
        x=[low, high, high, low],
        y=[full["low"], full["low"], full["high"], full["high"]],
        fill="toself",
        fillcolor=theme.translucent(style.color, 0.18),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        mode="lines",
    )
    figure.add_scatter(
        x=[low, high],
        y=[full["mean"]] * 2,
        mode="lines",
        name=f"{style.label} (n = {count(full['students'], 'student')})",
        line={"color": style.color, "dash": style.dash, "width": 2},
        hovertemplate=f"{style.label}: {shown(metric, full['mean'])}<extra></extra>",
    )


def _style(row: str, method: str, methods: Sequence[str]) -> Style:
    """That of the row; where there are several methods, each has its own dash, symbol and name."""
    style = theme.STYLES[RowName(row)]
    if not method or len(methods) < 2:
        return style
    place = methods.index(method)
    dash, symbol = (some[place % len(some)] for some in (theme.DASHES, theme.SYMBOLS))
    return Style(_label(row, method), style.color, dash, symbol)


def _dots(part: pd.DataFrame, column: str, style: Style) -> go.Scatter:
    return go.Scatter(
        x=part[column],
        y=part["value"],
        mode="markers",
        showlegend=False,
        legendgroup=style.label,
        marker={"symbol": style.symbol, "size": 6, "color": style.color, "opacity": 0.3},
        customdata=[[one] for one in part["run"]],
        hovertemplate=f"{style.label}, one student<extra></extra>",
    )


def _marks(part: pd.DataFrame, column: str, style: Style, metric: Metric) -> go.Scatter:
    hover = [
        f"{size_label(one.mu, one.xi)}: {shown(metric, one.mean)}<br>students {shown(metric, one.low)} to "
        f"{shown(metric, one.high)}<br>n = {count(one.students, 'student')}, {count(one.seeds, 'seed')}"
        for one in part.itertuples()
    ]
    bars = {"array": part["high"] - part["mean"], "arrayminus": part["mean"] - part["low"]}
    return go.Scatter(
        x=part[column],
        y=part["mean"],
        mode="lines+markers",
        name=style.label,
        legendgroup=style.label,
        line={"color": style.color, "dash": style.dash, "width": 2},
        marker={"symbol": style.symbol, "size": 11, "color": style.color},
        error_y={"type": "data", "symmetric": False, **bars, "color": style.color, "thickness": 1.5},
        customdata=[[",".join(one)] for one in part["runs"]],
        text=hover,
        hovertemplate=f"{style.label}, %{{text}}<extra></extra>",
    )


def _others(figure: go.Figure, runs: Frontier, metric: Metric, axis: Axis) -> None:
    """Distilled data of other settings: one open mark a run, no line, for they are not one experiment."""
    shown_runs: list[tuple[Any, ...]] = []
    for one in runs.others:
        trained = points.students([one], runs.chosen.report.student, metric)
        mine = trained[trained["row"] == RowName.DISTILLED.value]
        if not mine.empty:
            x = mine["numbers" if axis is Axis.NUMBERS else "sequences"].iloc[0]
            shown_runs.append((x, mine["value"].mean(), one.run_id, one.label))
    if shown_runs:
        figure.add_scatter(
            x=[one[0] for one in shown_runs],
            y=[one[1] for one in shown_runs],
            mode="markers",
            name=f"Distilled, other settings (n = {count(len(shown_runs), 'run')})",
            marker={"symbol": "circle-open", "size": 10, "color": theme.NEUTRAL, "line": {"width": 2}},
            customdata=[[one[2]] for one in shown_runs],
            text=[one[3] for one in shown_runs],
            hovertemplate="other settings: %{text}<extra></extra>",
        )


def _value(metric: Metric, scaled: float) -> str:
    return shown(metric, scaled / scale(metric))


def _value_title(runs: Frontier, metric: Metric) -> str:
    better = " (lower is better)" if metric.lower_is_better else ""
    return f"{METRIC_LABELS[metric]}{better}, test {people(metric)} (n = {runs.chosen.report.test_users:,})"


def _alt(runs: Frontier, groups: pd.DataFrame, metric: Metric, axis: Axis) -> str:
    several = _several(groups)
    said = "; ".join(
        f"{_label(one.row, one.method if several else '')}{f' {size_label(one.mu, one.xi)}' if one.mu else ''} "
        f"{shown(metric, one.mean)}"
        for one in groups.itertuples()
    )
    return f"{METRIC_LABELS[metric]} against {axis.value.lower()}, {count(len(runs.alike), 'run')}: {said}."


def _caption(runs: Frontier, trained: pd.DataFrame) -> str:
    codes, report, words = len({one.code for one in runs.alike}), runs.chosen.report, TERMS[runs.task]
    versions = f" The runs were made by {codes} versions of the program." if codes > 1 else ""
    seeds = count(trained["seed"].nunique(), "seed")
    return (
        f"{count(len(runs.alike), 'run')} whose settings differ only in size, seed and method ({seeds}). Mark: mean "
        "over all their students; bar: from the worst to the best; faint dots: single students. Full data: "
        f"{report.full_events:,} {words.events} in {report.full_sequences:,} {words.sequences}, band from worst to "
        f"best. Click a mark to compare its runs.{versions}"
    )
