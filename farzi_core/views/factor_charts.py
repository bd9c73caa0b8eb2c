"""Figures of the Factors page: the map of items, the weights of one factor, and the heat map of Z."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from farzi_core.views import terms, text, theme
from farzi_core.views.factors import Colour, Projection
from farzi_core.views.load import Array, Synthetic
from farzi_core.views.sequences import Face
from farzi_core.views.terms import Terms
from farzi_core.views.theme import Chart

MAX_SVG_POINTS = 2000  # beyond this the browser draws points on the graphics card (WebGL)
MAX_NAMED = 25  # found items named on the map; more names would cover it
OTHER = "other"
UNKNOWN = "no group"


def map_chart(
    frame: pd.DataFrame,
    projection: Projection,
    colour: Colour,
    found: pd.DataFrame,
    variance: Array,
    items: int,
    called: Terms = terms.EVENTS,
) -> Chart:
    """Items as points; `found` (rows of `frame`) are ringed and named. `items` is V, the size of the catalogue."""
    figure = go.Figure()
    by_popularity = colour is Colour.POPULARITY
    for trace in _by_popularity(frame, called) if by_popularity else _by_category(frame, colour, called):
        figure.add_trace(trace)
    if len(found):
        figure.add_trace(_rings(found, called))
    x, y = _axes(projection, variance)
    theme.layout(figure, x=x, y=y, height=560, dragmode="lasso")
    figure.update_xaxes(zeroline=False)
    figure.update_yaxes(zeroline=False)
    missing = items - len(frame)
    note = f" The {missing:,} rarest {called.items} are not on this map." if missing else ""
    alt = (
        f"Map of {len(frame):,} {called.items} by their columns of M ({projection}), coloured by {colour}.{note} "
        f"Most {_frequent(called)}: {_names(frame.nlargest(5, 'count'))}."
    )
    alt += f" Found: {_names(found.head(5))}." if len(found) else ""
    return Chart(figure, alt, _map_caption(projection, called) + note)


def factor_chart(frame: pd.DataFrame, factor: int, called: Terms = terms.EVENTS) -> Chart:
    """Weights of the top and bottom items of one factor (index from 0), as bars to the right and left of zero."""
    shown = pd.concat([frame[frame["side"] == "top"], frame[frame["side"] == "bottom"][::-1]])
    places = np.arange(len(shown))
    bars = go.Bar(
        x=shown["weight"],
        y=places,
        orientation="h",
        marker={"color": np.where(shown["weight"] >= 0, theme.CATEGORICAL[0], theme.CATEGORICAL[1])},
        customdata=[text.plotly(one) for one in shown["title"]],
        hovertemplate="%{customdata}<br>weight %{x:.3f}<extra></extra>",
    )
    figure, weight = go.Figure(bars), f"Weight in factor {factor + 1} (logits per unit of Z)"
    theme.layout(figure, x=weight, y=f"{called.item.capitalize()} (n = {len(shown)})", height=80 + 24 * len(shown))
    ticks = [text.plotly(text.truncate(one, 32)) for one in shown["title"]]
    figure.update_yaxes(autorange="reversed", tickvals=places, ticktext=ticks)
    tops, bottoms = (frame[frame["side"] == side].head(5) for side in ("top", "bottom"))
    alt = f"Factor {factor + 1}. Highest: {_names(tops)}. Lowest: {_names(bottoms)}."
    return Chart(figure, alt, _factor_caption(called))


def latent_chart(
    synthetic: Synthetic, sequence: int | None, called: Terms = terms.EVENTS, face: Face = Face.READ
) -> Chart:
    """Position-by-factor heat map of Z: of one sequence (index from 0), or the mean over all (None)."""
    latent = synthetic.latent.mean(axis=0) if sequence is None else synthetic.latent[sequence]
    values = latent.astype(np.float64).T  # [d, xi]
    limit = float(np.abs(values).max()) or 1.0
    what = f"mean of {synthetic.mu:,} {called.sequences}" if sequence is None else f"{called.sequence} {sequence + 1}"
    what += face.said
    heat = go.Heatmap(
        z=values,
        x=np.arange(1, values.shape[1] + 1),
        y=np.arange(1, values.shape[0] + 1),
        colorscale=theme.DIVERGING,
        reversescale=True,
        zmid=0,
        zmin=-limit,
        zmax=limit,
        colorbar={"title": {"text": "Z"}, "thickness": 12},
        hovertemplate="position %{x}, factor %{y}<br>Z = %{z:.3f}<extra></extra>",
    )
    x = f"Position in the {called.sequence}"
    figure = theme.layout(go.Figure(heat), x=x, y="Factor", height=140 + 20 * len(values))
    figure.update_yaxes(autorange="reversed", dtick=max(1, len(values) // 16))
    figure.update_xaxes(dtick=max(1, values.shape[1] // 20))
    factor, position = (int(one) + 1 for one in np.unravel_index(np.abs(values).argmax(), values.shape))
    alt = (
        f"Heat map of Z, {what}: {values.shape[1]} positions by {len(values)} factors, from {values.min():.2f} to "
        f"{values.max():.2f}; the largest entry is at position {position}, factor {factor}."
    )
    return Chart(figure, alt, f"Z, {what}. Red is positive, blue negative; a factor matters where its row is strong.")


def _map_caption(projection: Projection, called: Terms) -> str:
    if projection is Projection.PCA:
        return (
            f"{called.items.capitalize()} that the decoder treats alike lie together. The two axes show only the "
            f"shares of variance written on them; {called.items} that overlap here may differ along other directions."
        )
    few = "small catalogues" if called is terms.EVENTS else "small vocabularies"
    return (
        "Only who is near whom means something: distances between groups, their sizes and the axes do not (t-SNE of "
        f"the columns of M, perplexity 30 or fewer for {few})."
    )


def _factor_caption(called: Terms) -> str:
    return (
        f"Positive Z at a position raises the {called.items} on the right and lowers those on the left. Factors are "
        f"not unique: another training could mix them or swap their signs and describe the same {called.sequences}."
    )


def _frequent(called: Terms) -> str:
    return "popular" if called is terms.EVENTS else "frequent"


def _axes(projection: Projection, variance: Array) -> tuple[str, str]:
    if projection is Projection.TSNE:
        return "t-SNE axis 1 (no unit)", "t-SNE axis 2 (no unit)"
    return f"Component 1 ({variance[0]:.0%} of variance)", f"Component 2 ({variance[1]:.0%} of variance)"


def _by_popularity(frame: pd.DataFrame, called: Terms) -> list[Any]:
    counts = frame["count"].to_numpy(dtype=np.float64)
    powers = np.log10(counts + 1)  # + 1: an item may occur in no training sequence
    ticks = np.array([0, *(10.0**power for power in range(int(np.log10(counts.max(initial=1))) + 1))])
    bar = {
        "title": {"text": called.events.capitalize()},
        "tickvals": np.log10(ticks + 1),
        "ticktext": [f"{one:,.0f}" for one in ticks],
    }
    rim = {"color": theme.NEUTRAL, "width": 1}  # the dark end of the scale is dark on a dark page
    marker = {"color": powers, "colorscale": theme.SEQUENTIAL, "colorbar": {**bar, "thickness": 12}, "line": rim}
    name = f"{called.items.capitalize()} (n = {len(frame):,})"
    return [_points(frame, name, marker, called, of=len(frame), showlegend=False)]


def _by_category(frame: pd.DataFrame, colour: Colour, called: Terms) -> list[Any]:
    """One trace a category; groups beyond the palette share one neutral trace."""
    if colour is Colour.CLUSTER:
        labels = frame["cluster"].map("cluster {}".format)
        names = sorted(set(labels))
    else:
        labels = frame["group"].where(frame["group"] != "", UNKNOWN)
        names = labels.value_counts().index.tolist()
    kept = [name for name in names if name != UNKNOWN][: len(theme.CATEGORICAL)]
    labels = labels.where(labels.isin([*kept, UNKNOWN]), OTHER)
    neutral = {"color": theme.NEUTRAL, "symbol": "circle-open"}
    markers = {name: {"color": theme.CATEGORICAL[at], "symbol": theme.SYMBOLS[at]} for at, name in enumerate(kept)}
    return [
        _points(part, _counted(str(name), len(part)), marker, called, of=len(frame), showlegend=True)
        for name, marker in [*markers.items(), (UNKNOWN, neutral), (OTHER, neutral)]
        if len(part := frame[labels == name])
    ]


def _counted(name: str, count: int) -> str:
    return f"{text.plotly(text.truncate(name, 30))} (n = {count:,})"


def _points(frame: pd.DataFrame, name: str, marker: dict[str, Any], called: Terms, *, of: int, showlegend: bool) -> Any:
    """One trace of a map of `of` points: how a map is drawn depends on all of its traces together."""
    kind = go.Scattergl if of > MAX_SVG_POINTS else go.Scatter
    return kind(
        x=frame["x"],
        y=frame["y"],
        mode="markers",
        name=name,
        showlegend=showlegend,
        marker={"size": 8, "line": {"width": 0.5, "color": theme.NEUTRAL}, **marker},
        customdata=_hover(frame),
        hovertemplate=f"%{{customdata[1]}}<br>%{{customdata[2]}} {called.events}<br>group %{{customdata[3]}}, "
        "cluster %{customdata[4]}<extra></extra>",
    )


def _rings(found: pd.DataFrame, called: Terms) -> go.Scatter:
    return go.Scatter(
        x=found["x"],
        y=found["y"],
        mode="markers+text" if len(found) <= MAX_NAMED else "markers",
        name=f"found (n = {len(found):,})",
        text=[text.plotly(text.truncate(one, 24)) for one in found["title"]],
        textposition="top center",
        marker={"size": 16, "symbol": "circle-open", "color": theme.CATEGORICAL[1], "line": {"width": 2.5}},
        customdata=_hover(found),
        hovertemplate=f"%{{customdata[1]}}<br>%{{customdata[2]}} {called.events}<extra></extra>",
    )


def _hover(frame: pd.DataFrame) -> list[list[Any]]:
    """Customdata, five values a point: internal id, title, count, group, cluster; foreign text escaped."""
    titles = [text.plotly(text.truncate(one, 80)) for one in frame["title"]]
    groups = [text.plotly(text.truncate(one, 40)) or UNKNOWN for one in frame["group"]]
    counts = [f"{one:,}" for one in frame["count"]]
    return [
        list(one) for one in zip(frame["id"].tolist(), titles, counts, groups, frame["cluster"].tolist(), strict=True)
    ]


def _names(frame: pd.DataFrame) -> str:
    return ", ".join(text.visible(text.truncate(str(title), 40)) for title in frame["title"]) or "none"
