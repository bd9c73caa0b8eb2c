"""Planted data: found clusters against planted groups, and accuracy against the best possible one."""

import numpy as np
import plotly.graph_objects as go

from farzi_core.evaluation.report import METRIC_LABELS, Evaluation, Metric, Recovery, RowName
from farzi_core.views import text, theme
from farzi_core.views.theme import Chart


def heat_map(found: Recovery) -> Chart:
    """Items by cluster and planted group; a clean diagonal is a full recovery."""
    table = np.array(found.table)
    numbers = [str(one) for one in range(1, len(table) + 1)]
    heat = go.Heatmap(
        z=table,
        x=[text.plotly(one) for one in found.groups],
        y=numbers,
        colorscale=theme.SEQUENTIAL,
        texttemplate="%{z}",
        colorbar={"title": {"text": "items"}, "thickness": 12},
        hovertemplate="cluster %{y}, planted group %{x}<br>%{z} items<extra></extra>",
    )
    total = int(table.sum())
    figure = theme.layout(go.Figure(heat), x="Planted group", y=f"Cluster of M (n = {total} items)", height=420)
    figure.update_yaxes(autorange="reversed", type="category")
    pure = int(table.max(axis=1).sum())
    alt = (
        f"Heat map of {len(table)} clusters by {len(found.groups)} planted groups: {pure} of {total} items lie in the "
        f"largest group of their cluster. Adjusted Rand index {found.adjusted_rand:.2f}."
    )
    return Chart(figure, alt, "k-means of the columns of M with as many clusters as groups, rows ordered to match.")


def groups_sentence(found: Recovery) -> str:
    """What the index says."""
    return (
        f"Adjusted Rand index of the clusters against the planted groups: {found.adjusted_rand:.2f} "
        "(1: the groups were found exactly; 0: no better than chance)."
    )


def best_sentence(found: Recovery, report: Evaluation, metric: Metric) -> str:
    """Distilled and full data against the Bayes-optimal ranking; empty for metrics without a known optimum."""
    if metric not in found.best:
        return ""
    best = found.best[metric]
    rows = [(name, report.row(name)) for name in (RowName.DISTILLED, RowName.FULL)]
    said = [f"{name} data {row.mean[metric] / best:.1%}" for name, row in rows if row is not None]
    return (
        f"These data are planted, so the best possible {METRIC_LABELS[metric]} is known: {best:.1%} in expectation. "
        f"Share of it that is reached: {', '.join(said)}."
    )
