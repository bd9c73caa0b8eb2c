"""The replay of a distillation: its snapshots as frames that share one projection, one scale and one set of colours.

Legend: F frames (snapshots shown), d latent factors, V items, n items on the map; M_f [d, V] the decoder at frame f.
The map shows the columns of M_f on the two main directions of all n columns of all F frames together (PCA by the
eigenvectors of their d x d covariance, fitted once): what moves on the map is M, never the projection. Cost: every
snapshot is read twice, one at a time; d^2 n F multiplications.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from farzi_core.errors import StoreError
from farzi_core.evaluation.report import METRIC_LABELS, METRICS, Metric
from farzi_core.evaluation.report import shown as written
from farzi_core.views import progress, reading
from farzi_core.views.load import VOCAB, Float32, Float64, RunView, Synthetic
from farzi_core.views.reading import Read
from farzi_core.views.sequences import Ints, entropy_bits, join
from farzi_core.views.terms import TERMS, Terms

MAX_FRAMES = 40  # more than a slider of a hand's width can tell apart
MAX_POINTS = 2000  # items on the map, most frequent first; a browser moves them without a stutter
AXES = 2


@dataclass(frozen=True)
class Motion:
    """The map of items, frame by frame."""

    steps: tuple[int, ...]
    """Outer steps of the F frames."""
    taken: int
    """Snapshots of the run, of which the frames are an even share."""
    places: Float64
    """[F, n, 2] of the n most frequent items: the row number is the internal id."""
    variance: tuple[float, float]
    """Share of the variance of all columns of all frames that each axis shows."""
    items: int
    """V; n of them are on the map."""


@dataclass(frozen=True)
class Strip:
    """One synthetic sequence, frame by frame: what each position says most, and how sure it is."""

    ids: Ints
    """[F, xi, k] internal ids of the k most probable items."""
    probs: Float64
    """[F, xi, k] their probabilities, largest first."""
    entropy: Float64
    """[F, xi] bits."""

    def positions(self, first: int, last: int) -> "Strip":
        """These positions only, from 0."""
        return Strip(self.ids[:, first:last], self.probs[:, first:last], self.entropy[:, first:last])

    @property
    def leading(self) -> list[int]:
        """Items by their expected count over all frames, the largest first: the first few get a colour."""
        totals = pd.Series(self.probs.ravel()).groupby(self.ids.ravel()).sum()
        return [int(item) for item in totals.sort_values(ascending=False, kind="stable").index]


def frames(steps: Sequence[int]) -> tuple[int, ...]:
    """At most `MAX_FRAMES` of these steps, evenly spread, the first and the last among them."""
    places = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MAX_FRAMES)).round().astype(int))
    return tuple(steps[place] for place in places.tolist())


def motion(view: RunView) -> Motion:
    """Where the items are at each frame. Raises `StoreError` where a snapshot is damaged or there is none."""
    steps = frames(view.snapshots)
    if not steps:
        raise StoreError(f"Run {view.folder.name} has no snapshots yet; they begin with the outer loop")
    total, count, squares = np.zeros(()), 0, np.zeros(())
    for one in _snapshots(view, steps):
        columns = _columns(one)  # [n, d]
        total, squares, count = total + columns.sum(0), squares + columns.T @ columns, count + len(columns)
    mean = total / count
    directions, variance = main_directions(squares / count - np.outer(mean, mean))
    found = [(_columns(one) - mean) @ directions for one in _snapshots(view, steps)]
    return Motion(steps, len(view.snapshots), np.stack(found), variance, one.items)


def main_directions(covariance: Float64) -> tuple[Float64, tuple[float, float]]:
    """[d, 2]: the eigenvectors with the two largest eigenvalues, and their shares of the trace.

    Signs are fixed by making each vector's largest entry positive. With d = 1 the second axis is zero.
    """
    values, vectors = np.linalg.eigh(covariance)
    best = vectors[:, ::-1][:, :AXES]
    largest = best[np.abs(best).argmax(0), np.arange(best.shape[1])]
    best = np.pad(best * np.where(largest < 0, -1.0, 1.0), ((0, 0), (0, AXES - best.shape[1])))
    shares = np.pad(np.maximum(values[::-1][:AXES], 0), (0, max(0, AXES - len(values))))
    first, second = shares / max(float(values.sum()), np.finfo(float).tiny)
    return best, (float(first), float(second))


def strip(view: RunView, steps: Sequence[int], sequence: int, k: int = 3) -> Strip:
    """The k most probable items of every position of one sequence (index from 0) at each of these steps."""
    ids, probs, entropy = [], [], []
    for one in _snapshots(view, steps):
        now = one.quick_probs(sequence)[0]
        best = _largest(now, min(k, one.items))
        ids.append(best)
        probs.append(np.take_along_axis(now, best, axis=1).astype(np.float64))
        entropy.append(entropy_bits(now))
    return Strip(np.stack(ids), np.stack(probs), np.stack(entropy))


def terms(events: Sequence[progress.Event]) -> Terms:
    """How the things of this run are called; its data are known before its result only by what it is validated with."""
    return TERMS["language" if progress.metrics(events) == METRICS["language"] else "recommendation"]


def curve(events: Sequence[progress.Event], metric: Metric) -> pd.DataFrame:
    """step, value: the validations of a run."""
    found = progress.validations(events)
    return pd.DataFrame({"step": found["step"], "value": found[metric.value].astype(float)})


def table(steps: Sequence[int], shown: Strip, validated: pd.DataFrame, read: Read) -> pd.DataFrame:
    """The replay without moving pictures: one row a frame.

    Columns step, value (NaN where the step was not validated), entropy (mean bits), certainty (mean top probability),
    decoded (the most probable items as a line).
    """
    frame = pd.DataFrame({"step": list(steps), "entropy": shown.entropy.mean(1)})
    frame["certainty"] = shown.probs[:, :, 0].mean(1)
    frame["value"] = validated.set_index("step")["value"].reindex(list(steps)).to_numpy()
    return frame.assign(decoded=join(shown.ids[:, :, 0], read))


def reading_of(steps: Sequence[int], shown: Strip, validated: pd.DataFrame, metric: Metric, called: Terms) -> str:
    """What changed between the first and the last frame, in two sentences."""
    first, last = shown.entropy[0].mean(), shown.entropy[-1].mean()
    how = "became more certain" if last < first else "became less certain" if last > first else "stayed as certain"
    said = (
        f"Between outer steps {steps[0]} and {steps[-1]} this {called.sequence} {how}: mean entropy {first:.2f} to "
        f"{last:.2f} bits."
    )
    if validated.empty:
        return f"{said} The run has not been validated yet."
    values = validated["value"]
    return (
        f"{said} {METRIC_LABELS[metric]} of fresh students on validation {progress.people(metric)} went from "
        f"{written(metric, values.iloc[0])} to {written(metric, values.iloc[-1])}."
    )


def caption(moved: Motion) -> str:
    """How to read the player."""
    items = moved.places.shape[1]
    share = sum(moved.variance)
    some = f" The {items:,} most frequent of {moved.items:,} items are shown." if items < moved.items else ""
    thin = (
        f" {len(moved.steps)} of {moved.taken} snapshots are shown, evenly spread."
        if moved.taken > len(moved.steps)
        else ""
    )
    return (
        "The map shows the columns of M on their two main directions, fitted once to all snapshots together (PCA): "
        f"items move, the projection and the scale never do. The two axes hold {share:.0%} of the variance; what "
        "happens along other directions is not seen. Coloured items lead the strip and leave a line where they were; "
        f"rings mark what some position says most.{some}{thin}"
    )


def titles(view: RunView, items: int) -> list[str]:
    """Titles by internal id; while a run works only its snapshots are there, and items are numbered by frequency."""
    return view.vocab["title"].tolist() if view.has(VOCAB) else [f"item {one + 1}" for one in range(items)]


def reader(view: RunView, names: Sequence[str]) -> Read:
    """How a row of items reads, by `titles` while there is no vocabulary."""
    return reading.of_run(view) if view.has(VOCAB) else reading.arrows(names)


def nearest_frame(steps: Sequence[int], wanted: str | None) -> int:
    """The frame whose step is nearest to what an address asks for; the first where it asks for no number."""
    try:
        step = int(wanted or steps[0])
    except ValueError:
        return 0
    return min(range(len(steps)), key=lambda place: abs(steps[place] - step))


def _largest(probs: Float32, k: int) -> Ints:
    """[xi, k] indices of the k largest values of each row, largest first, the lower index where two are equal.

    k passes, because k is small: sorting 10,000 items, even in part, would cost more than all the rest.
    """
    left, rows, found = probs.copy(), np.arange(len(probs)), []
    for _ in range(k):
        found.append(left.argmax(1))
        left[rows, found[-1]] = -1
    return np.stack(found, axis=1)


def _snapshots(view: RunView, steps: Sequence[int]) -> Iterator[Synthetic]:
    """One after the other, so that only one is in memory."""
    shape = None
    for step in steps:
        one = view.snapshot(step)
        if shape not in (None, (one.latent.shape, one.decoder.shape)):
            raise StoreError(f"The snapshot of step {step} of run {view.folder.name} has another shape than the others")
        shape = (one.latent.shape, one.decoder.shape)
        yield one


def _columns(one: Synthetic) -> Float64:
    """[n, d]: the columns of M of the n most frequent items."""
    columns: Float64 = one.decoder.T[:MAX_POINTS].astype(np.float64)
    return columns
