"""Which real sequences each synthetic one stands for, as frames, figures and sentences.

Legend: mu synthetic sequences of xi events. A real sequence is stood for by the synthetic one nearest to it; its
`reference` is the distance from the same places to the nearest other real sequence (docs/run-folder.md).
"""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from farzi_core.views import terms, text, theme
from farzi_core.views.reading import Read
from farzi_core.views.sequence_charts import distance_bins
from farzi_core.views.terms import Terms
from farzi_core.views.theme import Chart

NAMED = 12  # unused sequences that are named in a sentence; more would hide it


def shares(coverage: pd.DataFrame, mu: int) -> pd.DataFrame:
    """One row a synthetic sequence, busiest first: number (from 1), stands (real ones), share, distance (median)."""
    groups = coverage.groupby("synthetic")["distance"]
    stands = groups.size().reindex(range(mu), fill_value=0)
    frame = pd.DataFrame(
        {
            "number": np.arange(1, mu + 1),
            "stands": stands.to_numpy(),
            "share": stands.to_numpy() / max(1, len(coverage)),
            "distance": groups.median().reindex(range(mu)).to_numpy(),
        }
    )
    return frame.sort_values("stands", ascending=False, kind="stable").reset_index(drop=True)


def stood_for(coverage: pd.DataFrame, sequence: int, read: Read, k: int = 50) -> pd.DataFrame:
    """The k nearest real sequences that `sequence` (from 0) stands for: user, offset, distance, reference, window.

    Without reference where it was looked up for none of them.
    """
    rows = coverage[coverage["synthetic"] == sequence].sort_values("distance", kind="stable").head(k)
    frame = rows[["offset", "distance", "reference"]].dropna(axis="columns", how="all").reset_index(drop=True)
    frame.insert(0, "user", rows["user"].map(text.visible).to_numpy())
    frame["window"] = [read(np.asarray(items).tolist()) for items in rows["items"]]
    return frame


def one_sentence(table: pd.DataFrame, number: int, called: Terms = terms.EVENTS) -> str:
    """What the chosen sequence stands for; `table` comes from `shares`."""
    row = table[table["number"] == number].iloc[0]
    place, mu = int(np.flatnonzero(table["number"] == number)[0]) + 1, len(table)
    if not row["stands"]:
        return f"No real {called.sequence} has this one as its nearest: others lie nearer to every one of them."
    return (
        f"It stands for {int(row['stands']):,} real {called.sequences} ({row['share']:.1%}), at a median distance of "
        f"{row['distance']:.2f}: no. {place:,} of {mu:,}."
    )


def reading(table: pd.DataFrame, real: int, total: int, called: Terms = terms.EVENTS) -> str:
    """How evenly real sequences are covered, and what to make of it; `real` of the `total` real ones were looked up."""
    mu = len(table)
    half = int(np.searchsorted(table["share"].cumsum(), 0.5)) + 1
    unused = table.loc[table["stands"] == 0, "number"].sort_values().tolist()
    named = ", ".join(f"{one:,}" for one in unused[:NAMED]) + (" and more" if len(unused) > NAMED else "")
    left = f" {len(unused):,} stand for none: {named}." if unused else " Each stands for some."
    sampled = f" A fixed random sample: {real:,} of {total:,} real {called.sequences}." if real < total else ""
    return (
        f"Every real {called.sequence} is given to the synthetic one nearest to it; the {half:,} busiest of {mu:,} "
        f"stand for half of them.{left}{sampled} If a few bars held nearly everything, or the distances lay far to the "
        "right of those between real ones, the rest of the data would not be represented, whatever the accuracy says."
    )


def bars(table: pd.DataFrame, number: int, called: Terms = terms.EVENTS) -> Chart:
    """Real sequences a synthetic one stands for, the busiest first; sequence `number` is marked."""
    chosen = table["number"].to_numpy() == number
    places = np.arange(1, len(table) + 1)
    figure = go.Figure(
        go.Bar(
            x=places,
            y=table["stands"],
            customdata=np.column_stack([table["number"], table["distance"].fillna(1.0)]),
            marker={"color": np.where(chosen, theme.CATEGORICAL[1], theme.CATEGORICAL[0])},
            hovertemplate=f"{called.sequence} %{{customdata[0]}}<br>stands for %{{y:,}}<br>"
            "median distance %{customdata[1]:.2f}<extra></extra>",
        )
    )
    for place in places[chosen]:  # a bar among hundreds is too thin for its colour to be seen
        said, stands = f"{called.sequence} {number:,}", table["stands"].iloc[place - 1]
        figure.add_annotation(
            x=int(place), y=int(stands), text=said, ax=24, ay=-36, arrowcolor=theme.NEUTRAL, xanchor="left"
        )
    even = float(table["stands"].mean())
    figure.add_hline(y=even, line={"dash": "dot", "color": theme.NEUTRAL}, annotation_text="if all were equal")
    x = f"Synthetic {called.sequences}, the busiest first (n = {len(table):,})"
    theme.layout(figure, x=x, y=f"Real {called.sequences} it stands for", height=320, bargap=0.1)
    first = table.iloc[0]
    alt = (
        f"Bars of how many real {called.sequences} each of {len(table):,} synthetic ones stands for: from "
        f"{int(first['stands']):,} (no. {int(first['number'])}) down to {int(table['stands'].min()):,}."
    )
    return Chart(figure, alt, f"The arrow marks {called.sequence} {number:,}. Evenly covered data would be flat.")


def distances(coverage: pd.DataFrame, xi: int, called: Terms = terms.EVENTS) -> Chart:
    """Histogram of the distances to the nearest synthetic sequence beside those to the nearest other real one."""
    known = coverage["reference"].dropna()
    edges, figure, medians = distance_bins(xi), go.Figure(), []
    kinds = (("to the nearest synthetic", coverage["distance"], ""), ("to the nearest other real", known, "/"))
    for place, (name, values, pattern) in enumerate(kinds):
        if not len(values):
            continue
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=np.histogram(values, edges)[0] / len(values),
            name=f"{name} (n = {len(values):,})",
            marker={"color": theme.CATEGORICAL[1 - place], "pattern": {"shape": pattern, "fgopacity": 0.6}},
            hovertemplate="distance about %{x:.2f}<br>%{y:.1%} of them<extra></extra>",
        )
        medians.append(f"{name} {values.median():.2f}")
    x = f"Distance (share of {xi} positions that differ)"
    theme.layout(figure, x=x, y=f"Share of real {called.sequences}", height=320, barmode="group", bargap=0.15)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    figure.update_xaxes(range=[float(edges[0]), float(edges[-1])])
    alt = f"Histogram of distances from real {called.sequences}. Medians: {', '.join(medians) or 'none'}."
    return Chart(figure, alt, _DISTANCES.format(sequences=called.sequences, items=called.items))


_DISTANCES = (
    "0 is a copy, 1 shares nothing at the same place. The reference asks the nearest other real one about the same "
    "places, which were chosen to suit the synthetic one; on the other side probability spread over several {items} "
    "agrees with each only in part, which moves synthetic {sequences} to the right."
)
