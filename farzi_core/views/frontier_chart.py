"""The figure of the frontier: the metric against size, with every student, the spread and the full-data line."""

from collections.abc import Sequence

import plotly.graph_objects as go

from farzi_core.evaluation.report import Metric, RowName, shown
from farzi_core.views import points, theme
from farzi_core.views.frontier import Axis, Frontier, label, methods
from farzi_core.views.points import Group, Result, Trained, count, size_label
from farzi_core.views.progress import METRIC_LABELS, people
from farzi_core.views.terms import TERMS
from farzi_core.views.theme import Chart, Style


def chart(runs: Frontier, metric: Metric, axis: Axis = Axis.NUMBERS) -> Chart:
    """The metric against size. Every mark carries the ids of its runs in `customdata`, for clicks."""
    trained = runs.students(metric)
    groups, figure = points.spread(trained), go.Figure()
    full, *parts = groups
    others = _other_groups(runs, metric)
    sizes = [_size(one, axis) for one in (*parts, *(group for _, group in others))]
    _full(figure, full, metric, (min(sizes) / 1.6, max(sizes) * 1.6))
    for row, method in dict.fromkeys((one.row, one.method) for one in parts):
        style = _style(row, method, methods(groups))
        dots = [one for one in trained if (one.row, one.method) == (row, method)]
        marks = [one for one in parts if (one.row, one.method) == (row, method)]
        figure.add_trace(_dots(dots, axis, style))
        figure.add_trace(_marks(sorted(marks, key=lambda one: _size(one, axis)), axis, style, metric))
    if others:
        figure.add_trace(_open_marks(others, axis))
    title = "Stored numbers" if axis is Axis.NUMBERS else f"Training {TERMS[runs.task].sequences}"
    y = _value_title(runs, metric)
    theme.layout(figure, x=f"{title} (log scale)", y=y, height=460, clickmode="event+select")
    figure.update_xaxes(theme.log_axis(min(sizes), max(sizes)))
    figure.update_yaxes(tickformat=".0%" if metric.is_fraction else "~g")
    return Chart(figure, _alt(runs, groups, metric, axis), _caption(runs, trained))


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
    return Style(label(row, method), style.color, dash, symbol)


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


def _other_groups(runs: Frontier, metric: Metric) -> list[tuple[Result, Group]]:
    """Each run of other settings with its students on distilled data."""
    kind = runs.chosen.report.student
    found = [(one, group) for one in runs.others for group in points.spread(points.students([one], kind, metric))]
    return [(one, group) for one, group in found if group.row is RowName.DISTILLED]


def _open_marks(others: Sequence[tuple[Result, Group]], axis: Axis) -> go.Scatter:
    """One mark a run and no line: runs of other settings are not one experiment."""
    return go.Scatter(
        x=[_size(group, axis) for _, group in others],
        y=[group.mean for _, group in others],
        mode="markers",
        name=f"Distilled, other settings (n = {count(len(others), 'run')})",
        marker={"symbol": "circle-open", "size": 10, "color": theme.NEUTRAL, "line": {"width": 2}},
        customdata=[[one.run_id] for one, _ in others],
        text=[one.label for one, _ in others],
        hovertemplate="other settings: %{text}<extra></extra>",
    )


def _value_title(runs: Frontier, metric: Metric) -> str:
    better = " (lower is better)" if metric.lower_is_better else ""
    return f"{METRIC_LABELS[metric]}{better}, test {people(metric)} (n = {runs.chosen.report.test_users:,})"


def _alt(runs: Frontier, groups: Sequence[Group], metric: Metric, axis: Axis) -> str:
    several = len(methods(groups)) > 1
    said = "; ".join(
        f"{label(one.row, one.method if several else '')}{f' {size_label(one.mu, one.xi)}' if one.mu else ''} "
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
        f"best. Of a run that was made again the newest counts. Stored numbers: Z and M, or {words.events} of "
        f"real data. Click a mark to compare its runs.{versions}"
    )
