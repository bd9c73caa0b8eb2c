"""One item through everything: synthetic positions, its column of M, its neighbours there, and real sequences.

Legend: X[s, i, v] probability of item v at position i of sequence s; M [d, V] decoder; logits Z M / tau. Two items are
as alike as their columns of M are near: no z of length 1 gives logits that differ by more than their distance / tau.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from farzi_core.views import terms, text, theme
from farzi_core.views.load import Array, Synthetic
from farzi_core.views.reading import Read
from farzi_core.views.terms import Terms
from farzi_core.views.theme import Chart


@dataclass(frozen=True)
class Occurrences:
    """Where an item stands in the synthetic data."""

    expected: float  # sum of its probabilities over all positions
    first: int  # positions where it is the most probable one
    table: pd.DataFrame  # the k most certain positions: number, position, rank there, probability


def occurrences(synthetic: Synthetic, item: int, k: int = 20) -> Occurrences:
    """Every position searched for the item (internal id); numbers and ranks count from 1. Cost: one softmax of X."""
    probability = np.empty((synthetic.mu, synthetic.xi))
    rank = np.empty((synthetic.mu, synthetic.xi), dtype=np.int64)
    for part in synthetic.parts():
        probs = synthetic.quick_probs(part.start, part.stop)
        own = probs[..., item]
        probability[part] = own
        rank[part] = np.count_nonzero(probs > own[..., None], axis=2) + 1
    best = np.argsort(-probability, axis=None, kind="stable")[:k]
    sequence, position = np.unravel_index(best, probability.shape)
    columns = {"number": sequence + 1, "position": position + 1, "rank": rank.flat[best]}
    table = pd.DataFrame({**columns, "probability": probability.flat[best]})
    return Occurrences(float(probability.sum()), int((rank == 1).sum()), table)


def neighbours(synthetic: Synthetic, vocab: pd.DataFrame, item: int, k: int = 10) -> pd.DataFrame:
    """The k items with the nearest columns of M: item, title, group, count, apart (Euclidean distance)."""
    columns = synthetic.decoder.astype(np.float64)
    apart = np.linalg.norm(columns - columns[:, item : item + 1], axis=0)
    order = np.argsort(apart, kind="stable")
    order = order[order != item][:k]
    frame = vocab[["item", "title", "group", "count"]].take(order).reset_index(drop=True)
    return frame.assign(apart=apart[order])


def containing(coverage: pd.DataFrame, windows: Array, item: int, read: Read, k: int = 20) -> tuple[int, pd.DataFrame]:
    """(how many of the real `windows` [n, xi] contain the item, the k of them nearest to a synthetic sequence).

    Columns user, number (of the synthetic sequence that stands for it, from 1), distance, window.
    """
    found = (windows == item).any(axis=1)
    rows = coverage[found].sort_values("distance", kind="stable").head(k)
    frame = pd.DataFrame(
        {
            "user": rows["user"].map(text.visible).to_numpy(),
            "number": rows["synthetic"].to_numpy() + 1,
            "distance": rows["distance"].to_numpy(),
            "window": [read(np.asarray(items).tolist()) for items in rows["items"]],
        }
    )
    return int(found.sum()), frame


def sentence(vocab: pd.DataFrame, item: int, seen: Occurrences, positions: int, called: Terms = terms.EVENTS) -> str:
    """Count and rank of the item in the real data beside its share of the synthetic data; no title in it."""
    counts = vocab["count"].to_numpy()
    count, total = int(counts[item]), max(1, int(counts.sum()))
    rank = int((counts > count).sum()) + 1
    return (
        f"In the real training data it has {count:,} {called.events} ({count / total:.2%}), rank {rank:,} of "
        f"{len(counts):,}. In the synthetic data {seen.expected:.1f} of {positions:,} positions are expected to be it "
        f"({seen.expected / positions:.2%}); it is the most probable {called.item} of {seen.first:,}."
    )


def column_chart(synthetic: Synthetic, item: int, called: Terms = terms.EVENTS) -> Chart:
    """The item's column of M as bars, beside the middle half of all items in each factor."""
    low, high = np.quantile(synthetic.decoder, [0.25, 0.75], axis=1)
    own = synthetic.decoder[:, item].astype(np.float64)
    factors = np.arange(1, len(own) + 1)
    figure = go.Figure(
        [
            go.Bar(
                x=factors,
                y=high - low,
                base=low,
                name=f"middle half of all {called.items}",
                marker={"color": theme.FAINT},
                hovertemplate="factor %{x}<br>%{base:.3f} and more<extra></extra>",
            ),
            go.Bar(
                x=factors,
                y=own,
                width=0.35,
                name=f"this {called.item}",
                marker={"color": np.where(own >= 0, theme.CATEGORICAL[0], theme.CATEGORICAL[1])},
                hovertemplate="factor %{x}<br>weight %{y:.3f}<extra></extra>",
            ),
        ]
    )
    theme.layout(figure, x="Factor", y="Weight (logits per unit of Z)", height=300, barmode="overlay")
    figure.update_xaxes(dtick=max(1, len(own) // 16))
    strongest = int(np.abs(own).argmax())
    alt = (
        f"Weights of the {called.item} in {len(own)} factors, from {own.min():.2f} to {own.max():.2f}; the largest in "
        f"size is {own[strongest]:.2f} in factor {strongest + 1}."
    )
    return Chart(figure, alt, _COLUMN.format(items=called.items))


_COLUMN = (
    "Its column of M: how strongly each factor of Z raises (blue) or lowers (orange) it. A bar inside the grey middle "
    "half is nothing special; what counts are the factors in which it differs from most {items}."
)
