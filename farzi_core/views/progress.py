"""How a run went, step by step: the lines of metrics.jsonl as frames, and their figures.

`events` is what `runs.metrics_log.read` returns (oldest first; steps that a resume repeated are already left out).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from farzi_core.evaluation.report import METRIC_LABELS as METRIC_LABELS
from farzi_core.evaluation.report import METRICS, Metric, RowName, metrics_in, shown
from farzi_core.sections import ObjectiveConfig, ObjectiveKind
from farzi_core.views import theme
from farzi_core.views.theme import Chart

Event = Mapping[str, Any]
MAX_POINTS = 1500  # points of a curve that are drawn: more than a screen has columns
CHOSEN_BY = {"users": "the highest mean of all five metrics", "sentences": "the lowest loss on validation tokens"}


class _Value(NamedTuple):
    """The number that an objective makes smaller: its name, its unit, and what it says."""

    name: str
    unit: str
    caption: str


_VALUES: dict[ObjectiveKind, _Value] = {
    "meta": _Value(
        "Outer loss",
        "nats an event",
        "Loss of a student trained on the synthetic data, measured on a batch of real sequences.",
    ),
    "gradient": _Value(
        "Gradient distance",
        "1 - cosine",
        "How far a student's gradients on the synthetic data point from those on a batch of real sequences.",
    ),
    "trajectory": _Value(
        "Trajectory distance",
        "squared, 1 at the start",
        "How far a student trained on the synthetic data ends from where training on real data went.",
    ),
}


def _value(objective: ObjectiveConfig) -> _Value:
    value = _VALUES[objective.kind]
    if not objective.ensemble:
        return value
    caption = (
        "Loss of a student trained on the synthetic data against what models of the full data "
        f"({objective.ensemble}) expect on a batch of real sequences. It cannot fall below their own uncertainty."
    )
    return value._replace(caption=caption)


def steps(events: Iterable[Event]) -> pd.DataFrame:
    """step, loss, grad_norm, lr, growth, seconds, elapsed: one row an outer step, the newest line of each step."""
    return _frame(events, "step", ["step", "loss", "grad_norm", "lr", "growth", "seconds", "elapsed"])


def validations(events: Iterable[Event]) -> pd.DataFrame:
    """step, the task's metrics, student_steps, best, elapsed: one row a validation."""
    listed = list(events)
    return _frame(listed, "validation", ["step", *metrics(listed), "student_steps", "best", "elapsed"])


def metrics(events: Iterable[Event]) -> tuple[Metric, ...]:
    """The metrics that a run is validated with; those of recommendation as long as it has not been."""
    found = (metrics_in(event) for event in events if event["event"] == "validation")
    return next(found, METRICS["recommendation"])


def rollbacks(events: Iterable[Event]) -> pd.DataFrame:
    """step, to_step, reason, lr, elapsed: one row each time the run left the smooth region and went back."""
    return _frame(events, "rollback", ["step", "to_step", "reason", "lr", "elapsed"], unique=False)


def _frame(events: Iterable[Event], kind: str, columns: Sequence[str], unique: bool = True) -> pd.DataFrame:
    rows = [event for event in events if event["event"] == kind]
    frame = pd.DataFrame(rows).reindex(columns=[str(column) for column in columns])
    return frame.drop_duplicates("step", keep="last").sort_values("step", ignore_index=True) if unique else frame


def loss(events: Sequence[Event], objective: ObjectiveConfig) -> Chart | None:
    """What `objective` makes smaller, a step: raw behind, running mean in front; None before the first step."""
    frame = steps(events)
    if frame.empty:
        return None
    value = _value(objective)
    figure = _curve(frame, "loss", f"{value.name} ({value.unit})", f"%{{y:.3f}} {value.unit}")
    caption = (
        f"{value.caption} Each step draws another batch and another starting point, so the thin raw line is noisy; the "
        "thick line is its running mean."
    )
    return Chart(figure, _curve_alt(frame, "loss", value.name, value.unit), caption)


def gradient(events: Sequence[Event]) -> Chart | None:
    """Norm of the meta-gradient before clipping, on a logarithmic axis, with roll-backs marked."""
    frame, back = steps(events), rollbacks(events)
    if frame.empty:
        return None
    figure = _curve(frame, "grad_norm", "Meta-gradient norm (log scale)", "norm %{y:.3g}")
    figure.update_yaxes(type="log", exponentformat="power")
    for step in back["step"]:
        figure.add_vline(x=float(step), line={"dash": "dot", "color": theme.NEUTRAL, "width": 1.5})
    marked = f" Dotted lines mark roll-backs ({len(back)})." if len(back) else ""
    caption = f"A smooth run keeps this within a few powers of ten; a sudden rise of many powers is divergence.{marked}"
    return Chart(figure, _curve_alt(frame, "grad_norm", "Meta-gradient norm", "") + marked, caption)


def validation(events: Sequence[Event], metric: Metric | None = None) -> Chart | None:
    """One metric (default: the task's first) of fresh students on validation users or sentences against the outer step;
    what is kept, the best snapshot or the mean of the last ones, has a star."""
    metric = metric or metrics(events)[0]
    frame, label = validations(events), METRIC_LABELS[metric]
    if frame.empty:
        return None
    spot, tick = (".2%", ".1%") if metric.is_fraction else (".2f", ".3~g")
    values = frame[metric.value].astype(float)
    style = theme.STYLES[RowName.DISTILLED]
    figure = go.Figure()
    figure.add_scatter(
        x=frame["step"],
        y=values,
        mode="lines+markers",
        name=label,
        line={"color": style.color, "dash": style.dash},
        marker={"symbol": style.symbol, "size": 7},
        hovertemplate=f"outer step %{{x}}<br>%{{y:{spot}}}<extra></extra>",
    )
    best = [one for one in events if one["event"] in {"validation", "average"} and one.get("best")][-1:]
    figure.add_scatter(
        x=[one["step"] for one in best],
        y=[float(one[metric.value]) for one in best],
        mode="markers",
        name="best so far, kept",
        marker={"symbol": "star", "size": 15, "color": style.color, "line": {"width": 1, "color": theme.NEUTRAL}},
        hovertemplate=f"best: outer step %{{x}}<br>%{{y:{spot}}}<extra></extra>",
    )
    _mark_average(figure, events, metric, f"%{{y:{spot}}}")
    theme.layout(figure, x="Outer step", y=f"{label} on validation {people(metric)}", height=320)
    figure.update_yaxes(tickformat=tick)
    alt = (
        f"{label} of fresh students against the outer step. {len(frame)} validations, from "
        f"{shown(metric, values.iloc[0])} to {shown(metric, values.iloc[-1])}; {_best_words(metric, values)}."
    )
    caption = (
        "Students trained from random weights on the synthetic data of that moment. The star has "
        f"{CHOSEN_BY[people(metric)]}."
    )
    return Chart(figure, alt, caption)


def _mark_average(figure: go.Figure, events: Sequence[Event], metric: Metric, value: str) -> None:
    """The mean of the last snapshots, which a run validates at its end where it is asked to."""
    for event in [one for one in events if one["event"] == "average"][-1:]:
        figure.add_scatter(
            x=[event["step"]], y=[event[metric.value]], mode="markers", name=f"mean of {event['snapshots']} snapshots",
            marker={"symbol": "diamond-open", "size": 13, "color": theme.NEUTRAL},
            hovertemplate=f"mean of {event['snapshots']} snapshots<br>{value}<extra></extra>",
        )  # fmt: skip


def people(metric: Metric) -> str:
    """Whose sequences a metric is about."""
    return "sentences" if metric in METRICS["language"] else "users"


def _best_words(metric: Metric, values: "pd.Series[float]") -> str:
    return (
        f"lowest {shown(metric, values.min())}" if metric.lower_is_better else f"highest {shown(metric, values.max())}"
    )


def _curve(frame: pd.DataFrame, column: str, title: str, hover: str) -> go.Figure:
    """A noisy quantity a step: thin raw line (thinned out for the screen) and its running mean."""
    figure, color = go.Figure(), theme.CATEGORICAL[0]
    values = frame[column].astype(float)
    width = max(5, len(frame) // 25)
    smooth = values.rolling(width, min_periods=1).mean()
    shown = np.unique(np.linspace(0, len(frame) - 1, min(len(frame), MAX_POINTS)).astype(int))
    template = f"outer step %{{x}}<br>{hover}<extra></extra>"
    figure.add_scatter(
        x=frame["step"].iloc[shown],
        y=values.iloc[shown],
        mode="lines",
        name="each step",
        line={"color": theme.translucent(color, 0.4), "width": 1},
        hovertemplate=template,
    )
    figure.add_scatter(
        x=frame["step"].iloc[shown],
        y=smooth.iloc[shown],
        mode="lines",
        name=f"mean of {width} steps",
        line={"color": color, "width": 2.5},
        hovertemplate=template,
    )
    return theme.layout(figure, x=f"Outer step (n = {len(frame):,})", y=title, height=300)


def _curve_alt(frame: pd.DataFrame, column: str, name: str, unit: str) -> str:
    seen = frame[column].astype(float).dropna()
    numbers = f"first {seen.iloc[0]:.3g}, last {seen.iloc[-1]:.3g}, lowest {seen.min():.3g}" if len(seen) else "none"
    return f"{name} over {len(frame):,} outer steps: {numbers} {unit}".rstrip() + "."
