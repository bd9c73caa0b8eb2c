"""Several runs side by side: validation curves and final tables."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from farzi_core.evaluation.report import Evaluation, Metric, RowName, scale
from farzi_core.views import text, theme
from farzi_core.views.progress import METRIC_LABELS, Event, people, validations
from farzi_core.views.theme import Chart


def curves(runs: Mapping[str, Sequence[Event]], metric: Metric) -> Chart | None:
    """One line a run, keyed by its label (foreign text): `metric` on validation users against the outer step.

    None where no run was validated yet.
    """
    figure, label, said = go.Figure(), METRIC_LABELS[metric], []
    unit = " %" if metric.is_fraction else ""
    for place, (name, events) in enumerate(runs.items()):
        frame = validations(events)
        if frame.empty or metric.value not in frame:  # not validated yet, or another task
            continue
        values = scale(metric) * frame[metric.value].astype(float)
        best = values.min() if metric.lower_is_better else values.max()
        figure.add_scatter(
            x=frame["step"],
            y=values,
            name=text.plotly(text.truncate(name, 40)),
            mode="lines+markers",
            line={"color": theme.category_color(place), "dash": theme.DASHES[place % len(theme.DASHES)]},
            marker={"symbol": theme.SYMBOLS[place % len(theme.SYMBOLS)], "size": 8},
            hovertemplate=f"outer step %{{x}}<br>%{{y:.1f}}{unit}",
        )
        said.append(f"{name}: best {best:.1f}{unit}")
    if not said:
        return None
    theme.layout(
        figure,
        x="Outer step",
        y=f"{label} on validation {people(metric)}{' (%)' if unit else ''}",
        height=360,
        showlegend=True,
    )
    alt = f"{label} on validation {people(metric)} against the outer step, {len(said)} runs. {'; '.join(said)}."
    return Chart(figure, alt, "Compare heights only between runs on the same data and split.")


def final_table(evaluations: Mapping[str, Evaluation]) -> pd.DataFrame:
    """One row a finished run, keyed by its label (foreign text): sizes, and for the distilled data each metric on test
    users and as percent of full data."""
    rows = []
    for label, found in evaluations.items():
        distilled = found.row(RowName.DISTILLED)
        if distilled is None:
            continue
        row: dict[str, object] = {"Run": text.visible(label), "Sequences": distilled.sequences}
        for metric in found.metrics:
            name, unit = METRIC_LABELS[metric], " (%)" if metric.is_fraction else ""
            row[f"{name}{unit}"] = scale(metric) * distilled.mean[metric]
            row[f"{name} (% of full)"] = distilled.percent_of_full[metric]
        rows.append(row | {"Test users": found.test_users, "Students": len(distilled.seeds)})
    return pd.DataFrame(rows)
