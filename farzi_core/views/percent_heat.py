"""A heat map of percentages of full data, one look for all of them: white is 100 %, and each cell is read at a glance.

The scale stands below: beside it, it would take a fifth of a phone's width from the cells, whose text plotly shrinks
until it fits.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from farzi_core.views import theme

COLOURS = (80, 120)  # percent at the ends of the scale, always the same: a difference within the noise looks pale
ENDS = f"Colours end at {COLOURS[0]} and {COLOURS[1]} %."
_GAP = -0.6  # heights of a row of about 100 pixels, from the plot to the scale: room for the title of the axis


def figure(
    percent: npt.NDArray[np.float64],
    students: Sequence[str],
    rows: Sequence[str],
    said: Sequence[Sequence[str]],
    hover: Sequence[Sequence[str]],
    *,
    x: str,
    y: str,
) -> go.Figure:
    """`percent` [rows, students], first row on top, with the lines that stand in each cell and those that a pointer on
    it brings; x and y are the titles of the axes."""
    heat = go.Heatmap(
        z=percent,
        x=students,
        y=rows,
        text=said,
        customdata=hover,
        texttemplate="%{text}",
        hovertemplate="%{customdata}<extra></extra>",
        colorscale=theme.DIVERGING,
        zmin=COLOURS[0],
        zmax=COLOURS[1],
        xgap=3,
        ygap=3,
        colorbar={
            "title": {"text": "% of own full data", "side": "top"},
            "orientation": "h",
            "y": _GAP / len(rows),
            "yanchor": "top",
            "thickness": 12,
        },
    )
    made = theme.layout(go.Figure(heat), x=x, y=y, height=140 + 100 * len(rows))
    made.update_xaxes(type="category")
    made.update_yaxes(autorange="reversed", type="category")
    return made
