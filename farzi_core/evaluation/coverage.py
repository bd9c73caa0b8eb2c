"""Which synthetic sequence stands for which real one: every training sequence and the synthetic one nearest to it.

Run by the worker at the end of a run; numpy only. The distance is that of `windows`. Legend: mu synthetic sequences of
xi events over V items; U training sequences with N events together.
"""

import numpy as np
import pandas as pd

from farzi_core import limits
from farzi_core.data.dataset import IntArray, Sequences
from farzi_core.evaluation.inspect import SEED, compared
from farzi_core.evaluation.windows import OUTSIDE, FloatArray, Windows, one_hot, with_blank

COLUMNS = ("user", "synthetic", "offset", "distance", "reference", "items")


def coverage(probs: FloatArray, train: Sequences) -> pd.DataFrame:
    """One row a training sequence: its nearest synthetic one and the window of it that lies there (docs/run-folder.md).

    probs [mu, xi, V]. Ties go to the first synthetic sequence, then to the smallest offset. `reference`, NaN outside a
    fixed random sample, is the distance from that window to the nearest other training sequence: what real sequences
    are to each other at the same places. Large data are represented by a fixed random subset of their sequences. Cost:
    mu + `MAX_REFERENCE_SEQUENCES` searches of `windows`, one more look at the windows of each sequence, and a table
    [xi, V + 1] a synthetic sequence, one at a time.
    """
    mu, xi, items = probs.shape
    covered = _sample(compared(train, mu + limits.MAX_REFERENCE_SEQUENCES, xi), limits.MAX_COVERED_POSITIONS // xi)
    windows = Windows.of(covered, xi)
    best = np.full(len(covered), -1.0, dtype=np.float32)
    synthetic = np.zeros(len(covered), dtype=np.int64)
    for number in range(mu):
        agreement = windows.best_agreement(with_blank(probs[number]))
        nearer = agreement > best
        best[nearer], synthetic[nearer] = agreement[nearer], number
    offsets = np.zeros(len(covered), dtype=np.int64)
    places = np.full((len(covered), xi), OUTSIDE, dtype=np.int64)
    for number in np.unique(synthetic):
        table = with_blank(probs[number])
        for own in np.flatnonzero(synthetic == number):
            offsets[own], places[own] = windows.best_window(table, int(own))
    columns = (
        covered.users,
        synthetic,
        offsets,
        np.maximum(0, 1 - best.astype(np.float64) / xi),
        _references(windows, places, items),
        places.tolist(),
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _sample(sequences: Sequences, most: int) -> Sequences:
    """`sequences`, or a fixed random subset of `most` of them."""
    if len(sequences) <= most:
        return sequences
    return sequences.take(np.sort(np.random.default_rng(SEED).choice(len(sequences), max(1, most), replace=False)))


def _references(windows: Windows, places: IntArray, items: int) -> FloatArray:
    """[U] distance from `places` [U, xi] to the nearest other sequence, for a fixed random sample; NaN elsewhere."""
    result = np.full(len(places), np.nan, dtype=np.float32)
    if len(places) < 2:
        return result  # there is no other sequence
    size = min(len(places), limits.MAX_REFERENCE_SEQUENCES)
    for own in np.random.default_rng(SEED).choice(len(places), size, replace=False):
        table = one_hot(places[own], items)
        table[:, -1] = 0  # a place outside is no agreement, not even with another place outside
        agreement = windows.best_agreement(table)
        agreement[own] = -1.0
        result[own] = 1 - agreement.max() / windows.xi
    return result
