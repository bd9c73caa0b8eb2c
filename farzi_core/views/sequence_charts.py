"""Figures of the Sequences page: the strip of one synthetic sequence, and the memorisation reference."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from farzi_core.views import terms, text, theme
from farzi_core.views.load import Array, Float64
from farzi_core.views.sequences import Face
from farzi_core.views.terms import Terms
from farzi_core.views.theme import Chart

LABEL_ROOM = 70  # characters that fit a whole bar on a laptop; hover and table have the full titles
MIN_LABEL = 4  # characters; less says nothing


def strip(frame: pd.DataFrame, number: int, items: int, called: Terms = terms.EVENTS, face: Face = Face.READ) -> Chart:
    """One sequence as a strip: a bar a position, split into its top items; beside it the entropy in bits.

    `frame` comes from `positions` (or a range of its positions). An item has one colour along the whole strip.
    """
    figure = make_subplots(1, 2, shared_yaxes=True, column_widths=[0.84, 0.16], horizontal_spacing=0.02)
    colors = _item_colors(frame)
    for rank, part in frame.groupby("rank"):
        figure.add_trace(_segment(part, colors, f"rank {rank}"), row=1, col=1)
    one = frame[frame["rank"] == 1]
    rest = (1 - frame.groupby("position")["probability"].sum()).clip(lower=0)
    figure.add_trace(
        _bar(
            rest.index.to_numpy(),
            rest.to_numpy(),
            theme.FAINT,
            f"All other {called.items} together<br>probability %{{x:.1%}}",
        ),
        row=1,
        col=1,
    )
    entropy_hover = "position %{y}<br>entropy %{x:.2f} bits"
    figure.add_trace(
        _bar(one["position"].to_numpy(), one["entropy"].to_numpy(), theme.NEUTRAL, entropy_hover), row=1, col=2
    )
    theme.layout(
        figure, x=f"Probability of the {called.item}", y=f"Position in the {called.sequence}", height=90 + 28 * len(one)
    )
    figure.update_layout(barmode="stack", bargap=0.12, showlegend=False)
    figure.update_xaxes(range=[0, 1], tickvals=[0, 0.25, 0.5, 0.75], tickformat=".0%", row=1, col=1)
    figure.update_xaxes(
        range=[0, float(np.log2(max(2, items)))], nticks=3, title_text="Entropy<br>(bits)", row=1, col=2
    )
    figure.update_yaxes(autorange="reversed", type="category", title_text="", row=1, col=2)
    figure.update_yaxes(autorange="reversed", type="category", row=1, col=1)
    figure.update_layout(margin={"t": 8})
    return Chart(figure, _strip_alt(one, number, called, face), _strip_caption(items, called))


def memorisation_chart(distances: dict[str, Any], xi: int, called: Terms = terms.EVENTS) -> Chart:
    """Histogram of distances to the nearest training window: synthetic, its argmax decoding, held-out people."""
    length = distances.get("length", xi)
    edges = distance_bins(length)
    figure = go.Figure()
    for index, (key, label, pattern) in enumerate(_kinds(called)):
        values = distances.get(key, [])
        if not values:
            continue
        share = np.histogram(values, edges)[0] / len(values)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=share,
            name=f"{label} (n = {len(values):,})",
            marker={"color": theme.CATEGORICAL[(1, 4, 0)[index]], "pattern": {"shape": pattern, "fgopacity": 0.6}},
            hovertemplate="distance about %{x:.2f}<br>%{y:.1%} of them<extra></extra>",
        )
    theme.layout(
        figure,
        x=f"Distance (share of {length} positions that differ)",
        y=f"Share of {_parts(distances, xi, called)}",
        height=340,
        barmode="group",
        bargap=0.15,
    )
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    figure.update_xaxes(range=[float(edges[0]), float(edges[-1])])
    return Chart(
        figure, f"Histogram of distances. {memorisation_reading(distances, xi, called)}", _memorisation_caption(called)
    )


def _parts(distances: dict[str, Any], xi: int, called: Terms) -> str:
    """What was compared: whole sequences, or the parts of them that students read."""
    length = distances.get("length", xi)
    return called.sequences if length == xi else f"stretches of {length} positions"


def memorisation_reading(distances: dict[str, Any], xi: int, called: Terms = terms.EVENTS) -> str:
    """What the distances say, in sentences that also say when they cannot say it; `xi` positions are a sequence."""
    hard, held = distances.get("argmax") or distances.get("synthetic", []), distances.get("heldout", [])
    if not hard:
        return "No distances were computed for this run."
    copies = sum(one == 0 for one in hard)
    parts = _parts(distances, xi, called)
    said = f"{copies:,} of {len(hard):,} decoded synthetic {parts} are verbatim copies of a training window"
    if not held:
        return f"{said}. There is no reference: no held-out {called.sequence} is as long."
    real = sum(one == 0 for one in held)
    said += f"; among held-out real windows {real:,} of {len(held):,} also occur in training."
    held_out = _held_out(called)
    mine, theirs = float(np.median(hard)), float(np.median(held))
    side = "nearer to" if mine < theirs else "as far from" if mine == theirs else "further from"
    link = "as" if mine == theirs else "than"
    return (
        f"{said} At the median, decoded synthetic {parts} are {side} the training data {link} held-out "
        f"{held_out} are (distance {mine:.2f} against {theirs:.2f})."
    )


def _kinds(called: Terms) -> tuple[tuple[str, str, str], ...]:
    return (
        ("argmax", f"Synthetic, most probable {called.items}", ""),
        ("synthetic", "Synthetic, as distributions", "/"),
        ("heldout", "Held-out real windows", "."),
    )


def _held_out(called: Terms) -> str:
    return "people" if called is terms.EVENTS else called.users


def _memorisation_caption(called: Terms) -> str:
    return (
        "Distance to the nearest training window: 0 is a copy, 1 shares nothing at the same position. Held-out "
        f"{_held_out(called)} were never trained on: their distances are what ordinary similarity looks like. "
        f"Synthetic {called.sequences} far to the left of them would be copies. Distributions lie further right than "
        f"their decoding, because probability spread over several {called.items} can agree with only one of them."
    )


def _strip_caption(items: int, called: Terms) -> str:
    return (
        f"Each row is one position: a distribution over all {items:,} {called.items}, most probable first. One colour "
        f"is one {called.item} along the strip; the eight most expected have colours, the others are pale. Long bars "
        "and low entropy mean the position is certain; the "
        f"largest possible entropy is {np.log2(max(2, items)):.1f} bits."
    )


def _strip_alt(top: pd.DataFrame, number: int, called: Terms, face: Face) -> str:
    listed = [
        f"{row.position}: {text.visible(text.truncate(str(row.title), 40))} {row.probability:.0%}"
        for row in top.head(12).itertuples()
    ]
    more = "" if len(top) <= 12 else f", and {len(top) - 12} more positions"
    return (
        f"Synthetic {called.sequence} {number}, {len(top)} positions{face.said}. Most probable {called.item} of "
        f"each: {'; '.join(listed)}{more}. "
        f"Mean entropy {top['entropy'].mean():.2f} bits."
    )


def _item_colors(frame: pd.DataFrame) -> dict[int, str]:
    """Colours for the items with the largest expected counts in this strip."""
    expected = frame.groupby("id")["probability"].sum().sort_values(ascending=False, kind="stable")
    return {int(item): color for item, color in zip(expected.index, theme.CATEGORICAL, strict=False)}


def _segment(part: pd.DataFrame, colors: dict[int, str], name: str) -> go.Bar:
    fills = [colors.get(item, theme.PALE) for item in part["id"].tolist()]
    shown = [_label(str(title), float(share)) for title, share in zip(part["title"], part["probability"], strict=True)]
    full = [text.plotly(str(title)) for title in part["title"]]
    return go.Bar(
        x=part["probability"],
        y=part["position"],
        orientation="h",
        name=name,
        marker={"color": fills, "line": {"width": 1, "color": "rgba(255, 255, 255, 0.7)"}},
        text=shown,
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        insidetextfont={"color": [theme.ink_on(fill) for fill in fills], "size": 12},
        customdata=np.column_stack([full, part["rank"].astype(str), part["id"].astype(str)]),
        hovertemplate="position %{y}, rank %{customdata[1]}<br>%{customdata[0]}<br>probability %{x:.1%}<extra></extra>",
    )


def _label(title: str, probability: float) -> str:
    """The part of a title that fits into its bar; nothing where the bar is too short to say anything."""
    room = int(LABEL_ROOM * probability) - 1
    return text.plotly(text.truncate(title, room)) if room >= MIN_LABEL else ""


def _bar(positions: Array, values: Array, color: str, hover: str) -> go.Bar:
    return go.Bar(
        x=values, y=positions, orientation="h", marker={"color": color}, hovertemplate=f"{hover}<extra></extra>"
    )


def distance_bins(length: int) -> Float64:
    """Bins centred on the possible distances j / length of hard windows; for long windows several share a bin."""
    step = max(1, round(length / 25))
    edges: Float64 = (np.arange(0, length + step + 1, step) - 0.5) / length
    return edges
