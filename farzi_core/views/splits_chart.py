"""The figure of the splits: percent of full data, a tick a split and the mean with its interval, one line a row."""

from collections.abc import Sequence

import plotly.graph_objects as go

from farzi_core.evaluation.report import Metric, RowName
from farzi_core.views import intervals, theme
from farzi_core.views.points import Result, count, size_label
from farzi_core.views.progress import METRIC_LABELS
from farzi_core.views.splits import Average, averages
from farzi_core.views.theme import Chart


def chart(runs: Sequence[Result], metric: Metric) -> Chart:
    """Every mark carries the ids of its runs in `customdata`, for clicks."""
    rows, figure = [one for one in averages(runs, metric) if one.row != RowName.FULL.value], go.Figure()
    for one in rows:
        figure.add_trace(_ticks(one))
        figure.add_trace(_mean(one))
    figure.add_vline(x=100, line={"color": theme.NEUTRAL, "dash": "dash"})
    x = f"{METRIC_LABELS[metric]}, % of the same split's full data"
    theme.layout(figure, x=x, y="Trained on", height=110 + 46 * len(rows), clickmode="event+select")
    figure.update_yaxes(autorange="reversed", type="category")
    said = "; ".join(f"{one.label} {one.percent_of_full:.0f} %{_around(one)}" for one in rows)
    alt = f"{METRIC_LABELS[metric]} in percent of full data, {count(_splits(runs), 'split')}: {said}."
    return Chart(figure, alt, _caption(runs))


def _ticks(one: Average) -> go.Scatter:
    style = theme.STYLES[RowName(one.row)]
    own = [intervals.words(split.percent.low, split.percent.high) if split.percent else "none" for split in one.singles]
    return go.Scatter(
        x=one.percents,
        y=[one.label] * len(one.singles),
        mode="markers",
        showlegend=False,
        marker={"symbol": "line-ns-open", "size": 16, "color": style.color, "line": {"width": 2}},
        customdata=[[",".join(split.runs)] for split in one.singles],
        text=[
            f"split {split.split}: {split.percent_of_full:.1f} %<br>its own interval {around}<br>"
            f"n = {count(split.students, 'student')}"
            for split, around in zip(one.singles, own, strict=True)
        ],
        hovertemplate=f"{style.label}, %{{text}}<extra></extra>",
    )


def _mean(one: Average) -> go.Scatter:
    style, middle = theme.STYLES[RowName(one.row)], one.percent_of_full
    low, high = (middle if end is None else end for end in (one.percent_low, one.percent_high))
    return go.Scatter(
        x=[middle],
        y=[one.label],
        mode="markers",
        showlegend=False,
        marker={"symbol": style.symbol, "size": 11, "color": style.color},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - middle],
            "arrayminus": [middle - low],
            "color": style.color,
            "thickness": 2,
        },
        customdata=[[",".join(one.runs)]],
        hovertemplate=f"{style.label}<br>mean of {count(len(one.singles), 'split')} {middle:.1f} %{_around(one)}"
        "<extra></extra>",
    )


def _around(one: Average) -> str:
    around = intervals.words(one.percent_low, one.percent_high)
    return f" {around}" if around else ""


def _splits(runs: Sequence[Result]) -> int:
    return len({one.config.data.seed for one in runs})


def _caption(runs: Sequence[Result]) -> str:
    seeds = count(len({one.config.seed for one in runs}), "seed")
    return (
        f"{count(len(runs), 'run')} of size {size_label(*runs[0].size)} whose settings differ only in the seed of the "
        f"split ({count(_splits(runs), 'split')}) and their own ({seeds}). Tick: the mean over a split's students in "
        "percent of its own full data; symbol: the mean of the splits, each counted once; line: its 95 % interval. "
        f"{intervals.SPLITS_MEANING} Click a mark to compare its runs."
    )
