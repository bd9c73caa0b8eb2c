"""Figures of the Surgery page: where probabilities moved."""

import numpy as np
import plotly.graph_objects as go

from farzi_core.views import theme
from farzi_core.views.surgery import Moved
from farzi_core.views.terms import Terms
from farzi_core.views.theme import Chart

MAX_ROWS = 200  # sequences of the heat map, those that moved most; more rows would be thinner than a pixel


def variation_chart(found: Moved, called: Terms) -> Chart:
    """Total variation of every position, sequences below each other; the scale is 0 to 1 for every list of edits."""
    means = np.nanmean(np.where(np.isnan(found.variation), 0, found.variation), axis=1)
    rows = np.sort(np.argsort(-means, kind="stable")[:MAX_ROWS])
    values = found.variation[rows]
    heat = go.Heatmap(
        z=values,
        x=np.arange(1, values.shape[1] + 1),
        y=[str(row + 1) for row in rows],
        zmin=0,
        zmax=1,
        colorscale=theme.SEQUENTIAL,
        colorbar={"title": {"text": "Variation"}, "thickness": 12, "tickformat": ".0%"},
        hovertemplate=f"{called.sequence} %{{y}}, position %{{x}}<br>total variation %{{z:.1%}}<extra></extra>",
        hoverongaps=False,
    )
    shown = f"{called.sequences.capitalize()} (n = {len(rows):,})"
    figure = theme.layout(go.Figure(heat), x="Position", y=shown, height=min(160 + 16 * len(rows), 640))
    figure.update_yaxes(autorange="reversed", type="category", nticks=20)
    figure.update_xaxes(dtick=max(1, values.shape[1] // 20))
    return Chart(figure, _alt(found, rows, called), _caption(len(rows), len(found.variation), called))


def _alt(found: Moved, rows: np.ndarray, called: Terms) -> str:
    sequence, position = np.unravel_index(np.nanargmax(found.variation), found.variation.shape)
    most = 100 * np.nanmax(found.variation)
    return (
        f"Heat map of total variation, {len(rows)} {called.sequences} by {found.variation.shape[1]} positions; the "
        f"largest is {most:.1f} % at {called.sequence} {sequence + 1}, position {position + 1}."
    )


def _caption(shown: int, all_of_them: int, called: Terms) -> str:
    some = f" The {shown} of {all_of_them:,} that moved most are shown." if shown < all_of_them else ""
    return (
        f"Dark has not moved; light says other {called.items} than before. The scale is the same for every list of "
        f"edits. An empty row is a {called.sequence} that is gone.{some}"
    )
