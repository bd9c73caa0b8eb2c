"""Ragged sequences -> rectangular arrays: random windows for training, contexts and targets for ranking. No torch.

Legend: B sequences, L positions. Arrays are padded on the right with IGNORED (-1).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from farzi_core.data.dataset import IntArray, Sequences

IGNORED = -1


class Queries(NamedTuple):
    """What a ranking is asked: contexts [U, L] padded on the right, their lengths [U], and the targets [U]."""

    contexts: IntArray
    lengths: IntArray
    targets: IntArray


def windows(sequences: Sequences, rows: IntArray, length: int, generator: np.random.Generator) -> IntArray:
    """One window of up to `length` events of each sequence in `rows`, at a uniformly random offset: [B, length]."""
    starts, lengths = sequences.offsets[rows], sequences.lengths[rows]
    slack = np.maximum(lengths - length, 0)
    first = starts + np.floor(generator.random(len(rows)) * (slack + 1)).astype(np.int64)
    return _gather(sequences.items, first, np.minimum(lengths, length), length)


def queries(sequences: Sequences, length: int) -> Queries:
    """The last event of every sequence is its target; the context is the up to `length` events before it."""
    lengths = np.minimum(sequences.lengths - 1, length)
    last = sequences.offsets[1:] - 1
    return Queries(_gather(sequences.items, last - lengths, lengths, length), lengths, sequences.items[last])


def _gather(items: IntArray, first: IntArray, lengths: IntArray, width: int) -> IntArray:
    columns = np.arange(width)
    inside: npt.NDArray[np.bool_] = columns < lengths[:, None]
    return np.where(inside, items[np.where(inside, first[:, None] + columns, 0)], IGNORED)
