"""Colours, dashes and markers: the same thing looks the same on every page, in light and in dark, for every eye.

Every line colour has a contrast of at least 3:1 against both backgrounds (WCAG 1.4.11), and colour is never the only
sign: dashes, markers and labels say the same. Hues after Okabe and Ito (2008), their light ones darkened.
"""

import math
from typing import Any, NamedTuple

import plotly.graph_objects as go

from farzi_core.evaluation.report import LABELS, RowName
from farzi_core.views import text

LIGHT, DARK = "#ffffff", "#12161c"  # page backgrounds, the same as in .streamlit/config.toml
NEUTRAL = "#7a7f87"  # other items, reference lines: readable on both backgrounds
PALE = "#cdd2d9"  # fills with black text on them, quieter than any colour
FAINT = "rgba(122, 127, 135, 0.35)"  # fills that carry no information of their own

CATEGORICAL = ("#2a7fc1", "#d55e00", "#009073", "#b8609a", "#9a7600", "#7d6bc4", "#b0413e", "#6b7c2f")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SEQUENTIAL = "Cividis"  # made for colour vision deficiencies; monotone in lightness
DIVERGING = "RdBu"  # ColorBrewer: safe for red-green deficiencies, white at zero


class Style(NamedTuple):
    """How one row of the accuracy table is drawn everywhere."""

    label: str
    color: str
    dash: str
    symbol: str


STYLES: dict[RowName, Style] = {
    RowName.FULL: Style(LABELS[RowName.FULL], "#6f747c", "dash", "square"),
    RowName.DISTILLED: Style(LABELS[RowName.DISTILLED], "#d55e00", "solid", "circle"),
    RowName.ARGMAX: Style(LABELS[RowName.ARGMAX], "#a55252", "8px,4px,2px,4px", "triangle-down"),
    RowName.SAMPLED: Style(LABELS[RowName.SAMPLED], "#cc00aa", "2px,3px", "hexagon"),
    RowName.RANDOM: Style(LABELS[RowName.RANDOM], "#2a7fc1", "dot", "diamond"),
    RowName.HEAD: Style(LABELS[RowName.HEAD], "#00a080", "dashdot", "triangle-up"),
    RowName.CORESET: Style(LABELS[RowName.CORESET], "#a87848", "12px,3px", "pentagon"),
    RowName.WINDOWS: Style(LABELS[RowName.WINDOWS], "#9048f0", "3px,8px", "star"),
    RowName.TAUGHT: Style(LABELS[RowName.TAUGHT], "#8484fc", "6px,2px,1px,2px", "star-diamond"),
    RowName.POPULAR: Style(LABELS[RowName.POPULAR], "#b8609a", "longdash", "cross"),
    RowName.MARKOV: Style(LABELS[RowName.MARKOV], "#9a7600", "longdashdot", "x"),
}
_SAME_ROLE = {  # rows of a text stand where those of events would: no figure has both
    RowName.RANDOM_SENTENCES: RowName.RANDOM,
    RowName.HEAD_SENTENCES: RowName.HEAD,
    RowName.UNIGRAM: RowName.POPULAR,
    RowName.BIGRAM: RowName.MARKOV,
}
STYLES |= {name: STYLES[role]._replace(label=LABELS[name]) for name, role in _SAME_ROLE.items()}


class Chart(NamedTuple):
    """A figure, what it shows for those who cannot see it, and what a reader should know to read it."""

    figure: go.Figure
    alt: str
    caption: str


def category_color(index: int) -> str:
    """The colour of the index-th category; beyond the palette everything is neutral."""
    return CATEGORICAL[index] if index < len(CATEGORICAL) else NEUTRAL


def luminance(color: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def ink_on(fill: str) -> str:
    """Black or white, whichever is easier to read on `fill`."""
    return "#000000" if contrast(fill, "#000000") >= contrast(fill, "#ffffff") else "#ffffff"


def translucent(color: str, alpha: float) -> str:
    """`#rrggbb` as rgba, for bands behind lines."""
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"


def layout(figure: go.Figure, *, x: str, y: str, height: int, **more: Any) -> go.Figure:
    """Axis titles and the plain frame every figure shares; titles are escaped here."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        hoverlabel={"namelength": -1},
        **more,
    )
    figure.update_xaxes(title_text=text.plotly(x), automargin=True, separatethousands=True)
    figure.update_yaxes(title_text=text.plotly(y), automargin=True, separatethousands=True)
    return figure


def log_axis(low: float, high: float) -> dict[str, Any]:
    """A logarithmic axis whose marks are whole numbers: 1, 2 and 5 of each decade, or the decades alone where there are
    more than two. Plotly would write a bare 2 between 1,000 and 10,000."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    leads = (1, 2, 5) if math.log10(high / low) <= 2 else (1,)
    marks = [lead * 10.0**decade for decade in range(first, last + 1) for lead in leads]
    return {"type": "log", "tickvals": marks, "ticktext": [f"{mark:,.12g}" for mark in marks]}
