"""Several runs side by side: validation curves and final tables."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from farzi_core.evaluation.report import Evaluation, Metric, RowName
from farzi_core.views import text, theme
from farzi_core.views.progress import METRIC_LABELS, Event, validations
from farzi_core.views.theme import Chart


def curves(runs: Mapping[str, Sequence[Event]], metric: Metric) -> Chart | None:
    """One line a run, keyed by its label (foreign text): `metric` on validation users against the outer step.

    None where no run was validated yet.
    """
    figure, label, said = go.Figure(), METRIC_LABELS[metric], []
    for place, (name, events) in enumerate(runs.items()):
        frame = validations(events)
        values = 100 * frame[metric.value].astype(float)
        if frame.empty:
            continue
        figure.add_scatter(
            x=frame["step"],
            y=values,
            name=text.plotly(text.truncate(name, 40)),
            mode="lines+markers",
            line={"color": theme.category_color(place), "dash": theme.DASHES[place % len(theme.DASHES)]},
            marker={"symbol": theme.SYMBOLS[place % len(theme.SYMBOLS)], "size": 8},
            hovertemplate="outer step %{x}<br>%{y:.1f} %",
        )
        said.append(f"{name}: best {values.max():.1f} %")
    if not said:
        return None
    theme.layout(figure, x="Outer step", y=f"{label} on validation users (%)", height=360, showlegend=True)
    alt = f"{label} on validation users against the outer step, {len(said)} runs. {'; '.join(said)}."
    return Chart(figure, alt, "Compare heights only between runs on the same data and split.")


def final_table(evaluations: Mapping[str, Evaluation]) -> pd.DataFrame:
    """One row a finished run, keyed by its label (foreign text): sizes, and for the distilled data each metric on test
    users in percent and as percent of full data."""
    rows = []
    for label, found in evaluations.items():
        distilled = found.row(RowName.DISTILLED)
        if distilled is None:
            continue
        row: dict[str, object] = {"Run": text.visible(label), "Sequences": distilled.sequences}
        for metric, name in METRIC_LABELS.items():
            row[f"{name} (%)"] = 100 * distilled.mean[metric]
            row[f"{name} (% of full)"] = distilled.percent_of_full[metric]
        rows.append(row | {"Test users": found.test_users, "Students": len(distilled.seeds)})
    return pd.DataFrame(rows)
