"""Synthetic sequences as frames: every position is a distribution over items.

Legend: X[s, i, v] probability of item v at position i of sequence s; entropy H = -sum_v X log2 X in bits, from 0 (one
certain item) to log2 V (anything goes). Sequences and positions are counted from 1 where people see them.
"""

from collections.abc import Callable
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from farzi_core.views import text
from farzi_core.views.load import Float32, Float64, Synthetic
from farzi_core.views.reading import OUTSIDE, Read
from farzi_core.views.terms import Terms

Ints = npt.NDArray[np.int64]
EXCERPTS = (
    "What is read here began as windows of real training data, event by event (synthetic.start = covering), and "
    "distillation changes little of it; what is learnt are the labels. Share it as you would excerpts of the data."
)
"""Of runs whose `RunConfig.excerpts` is true: on the page, in the report and on the card of an export."""


class Sort(StrEnum):
    """Orders of the overview."""

    NUMBER = "number"
    ENTROPY = "entropy"
    CERTAINTY = "certainty"
    DISTINCT = "distinct items"
    DISTANCE = "distance"


class Face(StrEnum):
    """What to look at of positions that have labels of their own."""

    READ = "What is read"
    WANTED = "What is to be predicted"

    def of(self, synthetic: Synthetic) -> Synthetic:
        """That of `synthetic`: all there is where the next position is what is to be predicted."""
        return synthetic if self is Face.READ else synthetic.wanted or synthetic

    @property
    def said(self) -> str:
        """For the alternative text of a picture; what is read goes without saying."""
        return "" if self is Face.READ else ", what is to be predicted"


def entropy_bits(probs: Float32 | Float64) -> Float64:
    """Entropy over the last axis, in bits; 0 log 0 = 0."""
    logs = np.log(np.maximum(probs, np.finfo(probs.dtype).tiny))  # a mask would cost more than the logarithm
    result: Float64 = np.maximum(0.0, -(probs * logs).sum(axis=-1, dtype=np.float64) / np.log(2))
    return result


def decode_argmax(synthetic: Synthetic) -> Ints:
    """[mu, xi]: the most probable item of every position."""
    return np.concatenate([probs.argmax(axis=2) for _, probs in synthetic.chunks()])


def decode_sampled(synthetic: Synthetic, seed: int) -> Ints:
    """[mu, xi]: one independent draw from every position; the same seed gives the same sequences."""
    random = np.random.default_rng(seed)
    return np.concatenate([_draw(probs, random) for _, probs in synthetic.chunks()])


def _draw(probs: Float64, random: np.random.Generator) -> Ints:
    """Inverse of the distribution function at a uniform number; never an item of probability zero."""
    cumulated = probs.cumsum(axis=2)
    uniform = random.random(probs.shape[:2])[..., None] * cumulated[..., -1:]
    drawn: Ints = (cumulated <= uniform).sum(axis=2)
    return drawn


def overview(synthetic: Synthetic, read: Read, nearest: pd.DataFrame | None) -> pd.DataFrame:
    """One row a sequence: number, decoded, entropy (mean bits), certainty (mean top probability), distinct, distance.

    `distance` is to the nearest training window, NaN where `nearest` is not known.
    """
    entropy, certainty = np.empty(synthetic.mu), np.empty(synthetic.mu)
    items = np.empty((synthetic.mu, synthetic.xi), dtype=np.int64)
    for part in synthetic.parts():
        probs = synthetic.quick_probs(part.start, part.stop)
        entropy[part], certainty[part] = entropy_bits(probs).mean(axis=1), probs.max(axis=2).mean(axis=1)
        items[part] = probs.argmax(axis=2)
    frame = pd.DataFrame({"number": np.arange(1, synthetic.mu + 1), "decoded": join(items, read)})
    frame["entropy"], frame["certainty"] = entropy, certainty
    frame["distinct"] = [len(set(one)) for one in items.tolist()]
    best = None if nearest is None else nearest[nearest["rank"] == 0].set_index("synthetic")["distance"]
    frame["distance"] = np.nan if best is None else best.reindex(range(synthetic.mu)).to_numpy()
    return frame


def join(items: Ints, read: Read) -> list[str]:
    """Each row of items as one line."""
    return [read(row) for row in items.tolist()]


def select(frame: pd.DataFrame, contains: str, sort: Sort, descending: bool) -> pd.DataFrame:
    """Rows of `overview` whose decoded titles contain the text (any case), in the wanted order."""
    column = {Sort.DISTINCT: "distinct"}.get(sort, sort.value)
    found = frame[frame["decoded"].str.contains(contains, case=False, regex=False)] if contains else frame
    return found.sort_values(column, ascending=not descending, kind="stable", na_position="last")


def positions(synthetic: Synthetic, sequence: int, vocab: pd.DataFrame, k: int) -> pd.DataFrame:
    """The k most probable items of each position of one sequence (index from 0).

    Columns position, rank (both from 1), id (internal), item, title, probability, entropy (bits, of the position).
    """
    probs = synthetic.probs(sequence)[0]
    k = min(k, synthetic.items)
    best = np.argsort(-probs, axis=1, kind="stable")[:, :k]
    frame = pd.DataFrame(
        {
            "position": np.repeat(np.arange(1, synthetic.xi + 1), k),
            "rank": np.tile(np.arange(1, k + 1), synthetic.xi),
            "id": best.ravel(),
            "probability": np.take_along_axis(probs, best, axis=1).ravel(),
            "entropy": np.repeat(entropy_bits(probs), k),
        }
    )
    names = vocab[["item", "title"]].take(best.ravel()).reset_index(drop=True)
    return pd.concat([frame[["position", "rank", "id"]], names, frame[["probability", "entropy"]]], axis=1)


def labels_sentence(synthetic: Synthetic, sequence: int, called: Terms) -> str:
    """How sure one sequence is in what is read and in what is to be predicted; "" where that is the next position."""
    if synthetic.wanted is None:
        return ""
    read, wanted = (float(entropy_bits(one.probs(sequence)).mean()) for one in (synthetic, synthetic.wanted))
    return (
        f"Positions have labels of their own: in this {called.sequence} what is read has {read:.1f} bits of entropy on "
        f"average, what is to be predicted from it {wanted:.1f} bits."
    )


def all_positions(synthetic: Synthetic, vocab: pd.DataFrame, k: int) -> pd.DataFrame:
    """`positions` of every sequence, with a first column `sequence` (from 1): the table that is downloaded."""
    parts = [positions(synthetic, one, vocab, k).assign(sequence=one + 1) for one in range(synthetic.mu)]
    frame = pd.concat(parts, ignore_index=True)
    return frame[["sequence", *(column for column in frame.columns if column != "sequence")]]


def decoded_table(decode: Callable[[], Ints], vocab: pd.DataFrame) -> pd.DataFrame:
    """sequence, position (from 1), item, title: one item a position, as `decode` chooses."""
    items = decode()
    names = vocab[["item", "title"]].take(items.ravel()).reset_index(drop=True)
    mu, xi = items.shape
    places = {"sequence": np.repeat(np.arange(1, mu + 1), xi), "position": np.tile(np.arange(1, xi + 1), mu)}
    return pd.concat([pd.DataFrame(places), names], axis=1)


def neighbours(nearest: pd.DataFrame, sequence: int, xi: int, read: Read) -> pd.DataFrame:
    """Nearest real windows of one sequence: rank (from 1), user, offset, distance, window (a line).

    `agreeing` is the expected number of agreeing positions, xi (1 - distance).
    """
    rows = nearest[nearest["synthetic"] == sequence].sort_values("rank")
    windows = [read(np.asarray(items).tolist()) for items in rows["items"]]
    return pd.DataFrame(
        {
            "rank": rows["rank"].to_numpy() + 1,
            "user": rows["user"].map(text.visible).to_numpy(),
            "offset": rows["offset"].to_numpy(),
            "distance": rows["distance"].to_numpy(),
            "agreeing": (1 - rows["distance"].to_numpy()) * xi,
            "window": windows,
        }
    )


def window_titles(items: npt.ArrayLike, titles: pd.Series) -> list[str]:
    """Titles of a real window; places beyond the ends of the real sequence are said to be that."""
    return [str(titles.iloc[item]) if item >= 0 else OUTSIDE for item in np.asarray(items).tolist()]


def alignment(synthetic: Synthetic, sequence: int, items: npt.ArrayLike, titles: pd.Series) -> pd.DataFrame:
    """One sequence beside one real window, position by position.

    Columns position, synthetic (most probable title), probability (of it), real (title), agreement (probability that X
    gives the real item); the agreements add up to xi (1 - distance).
    """
    probs = synthetic.probs(sequence)[0]
    real = np.asarray(items, dtype=np.int64)
    places = np.arange(len(real))
    agreement = np.where(real >= 0, probs[places, np.maximum(real, 0)], 0.0)
    top = probs.argmax(axis=1)
    return pd.DataFrame(
        {
            "position": places + 1,
            "synthetic": [str(titles.iloc[item]) for item in top],
            "probability": probs[places, top],
            "real": window_titles(real, titles),
            "agreement": agreement,
        }
    )
