"""Ragged sequences -> rectangular arrays: random windows for training, contexts and targets for ranking, chunks for
reading every token. No torch.

Legend: B sequences, L positions, W chunks. Arrays are padded on the right with IGNORED (-1).
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


class Chunks(NamedTuple):
    """Sequences cut for reading: tokens [W, L + 1], which of the targets count here [W, L], and whose they are [W]."""

    tokens: IntArray
    scored: npt.NDArray[np.bool_]
    owner: IntArray


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


def chunks(sequences: Sequences, length: int) -> Chunks:
    """Every token but the first of each sequence as a target exactly once, with up to `length` tokens before it.

    Sequences longer than `length` + 1 are cut into overlapping chunks, so that every target has at least half of the
    longest context before it (or all of its sequence).
    """
    targets = sequences.lengths - 1
    stride = max(1, length - length // 2)
    count = 1 + np.maximum(0, -(-(targets - length) // stride))
    owner = np.repeat(np.arange(len(sequences)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    first = sequences.offsets[:-1][owner] + number * stride
    inside = np.minimum(sequences.offsets[1:][owner] - first, length + 1)
    tokens = _gather(sequences.items, first, inside, length + 1)
    fresh = (number == 0)[:, None] | (np.arange(length) >= length - stride)
    return Chunks(tokens, fresh & (tokens[:, 1:] != IGNORED), owner)


def _gather(items: IntArray, first: IntArray, lengths: IntArray, width: int) -> IntArray:
    columns = np.arange(width)
    inside: npt.NDArray[np.bool_] = columns < lengths[:, None]
    return np.where(inside, items[np.where(inside, first[:, None] + columns, 0)], IGNORED)
