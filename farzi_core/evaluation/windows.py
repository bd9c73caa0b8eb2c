"""Windows of real sequences beside a synthetic one: the project's distance, at every alignment.

Distance between a synthetic sequence X [xi, V] and a window r of a real sequence: 1 - (1/xi) sum_i X[i, r_i], one
minus the expected share of positions where both agree. 0 is a verbatim copy; 1 shares nothing. A window may reach
beyond either end of its sequence; places outside (written -1) agree with nothing. Between two real windows this is the
normalised Hamming distance. Cost of one X: xi (N + U (xi - 1)) look-ups, about 1e9 a second on one core; U sequences
with N events together.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from farzi_core.data.dataset import IntArray, Sequences

FloatArray = npt.NDArray[np.float32]
OUTSIDE = -1  # item of a window position beyond the ends of the real sequence
CHUNK = 1 << 18  # window starts scored at once: the score, 1 MB, stays in the cache


@dataclass(frozen=True)
class Windows:
    """All windows of length xi, one behind the other: sequence u owns the starts bounds[u]..bounds[u + 1]."""

    flat: npt.NDArray[np.intp]  # xi - 1 blanks in front of and behind every sequence; blank = -1 = the last column
    bounds: IntArray  # [U + 1]
    xi: int

    @classmethod
    def of(cls, sequences: Sequences, xi: int) -> "Windows":
        bounds = np.concatenate([[0], np.cumsum(sequences.lengths + xi - 1)])
        flat = np.full(bounds[-1] + xi - 1, OUTSIDE, dtype=np.intp)
        shift = bounds[:-1] + xi - 1 - sequences.offsets[:-1]  # first event of u in `flat`, minus its place in `items`
        flat[np.arange(len(sequences.items)) + np.repeat(shift, sequences.lengths)] = sequences.items
        return cls(flat, bounds, xi)

    def distance(self, table: FloatArray) -> float:
        """Distance of the nearest window."""
        return max(0.0, 1 - float(self.best_agreement(table).max()) / self.xi)

    def best_agreement(self, table: FloatArray) -> FloatArray:
        """[U] expected number of agreeing positions at the best offset of each sequence; table [xi, V + 1]."""
        best = np.zeros(len(self.bounds) - 1, dtype=np.float32)
        for first, last in self._chunks():
            score = self._score(table, self.bounds[first], self.bounds[last])
            best[first:last] = np.maximum.reduceat(score, self.bounds[first:last] - self.bounds[first])
        return best

    def best_window(self, table: FloatArray, sequence: int) -> tuple[int, list[int]]:
        """Offset into the real sequence (negative: starts before it) and the items of its best window."""
        start = int(self.bounds[sequence])
        best = int(self._score(table, start, int(self.bounds[sequence + 1])).argmax())
        return best - (self.xi - 1), self.flat[start + best : start + best + self.xi].tolist()

    def _score(self, table: FloatArray, start: int, stop: int) -> FloatArray:
        score = np.zeros(stop - start, dtype=np.float32)
        for position in range(self.xi):
            score += table[position].take(self.flat[start + position : stop + position], mode="wrap")
        return score

    def _chunks(self) -> Iterator[tuple[int, int]]:
        """Ranges of whole sequences with about CHUNK windows each."""
        first, count = 0, len(self.bounds) - 1
        while first < count:
            last = int(np.searchsorted(self.bounds, self.bounds[first] + CHUNK, side="right")) - 1
            last = min(max(last, first + 1), count)
            yield first, last
            first = last


def with_blank(probs: FloatArray) -> FloatArray:
    """[xi, V + 1]: one more column of zeros, so that places outside a sequence agree with nothing."""
    return np.pad(probs, ((0, 0), (0, 1))).astype(np.float32, copy=False)


def one_hot(items: IntArray, vocabulary: int) -> FloatArray:
    """[xi, V + 1]: certain items as distributions; places outside agree with nothing."""
    table = np.zeros((len(items), vocabulary + 1), dtype=np.float32)
    table[np.arange(len(items)), items] = 1
    return table
