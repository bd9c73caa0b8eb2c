"""What counting alone predicts: unigram and interpolated Kneser-Ney bigram (Kneser & Ney 1995; Chen & Goodman 1999).

    unigram   p(w) = (c(w) + 1) / (N + V)
    bigram    p(w | v) = max(c(v w) - D, 0) / c(v .) + D N1+(v .) / c(v .) * q(w)
              q(w) = max(N1+(. w) - D, 0) / N1+(. .) + D |{w: N1+(. w) > 0}| / N1+(. .) * 1 / V
              D = n1 / (n1 + 2 n2)

c counts pairs of neighbours in training sentences, N1+(. w) the different words before w, n1 and n2 the pairs seen
once and twice. Both sum to 1 over the V items; a history never seen in training is answered with q.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from farzi_core.data.dataset import Sequences
from farzi_core.data.pairs import pair_counts, pairs
from farzi_core.evaluation.reader import Reader

Floats = npt.NDArray[np.float64]
ROWS_AT_ONCE = 1 << 23  # probabilities held at a time: 64 MB


def unigram(train: Sequences, items: int) -> Floats:
    """p [V] of the tokens that are predicted, all but the first of each sentence."""
    counts = np.bincount(pairs(train)[1], minlength=items) + 1.0
    share: Floats = counts / counts.sum()
    return share


class KneserNey:
    """Rows of the bigram table, made when asked for: V x V would not fit for large V."""

    def __init__(self, train: Sequences, items: int) -> None:
        seen = pair_counts(train, items)
        counts: Floats = seen.data
        self.items, self._after, self._counts = items, seen.indices, counts
        self._starts = seen.indptr  # row v is starts[v]:starts[v + 1]
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
        self.discount = once / (once + 2 * twice) if once else 0.5
        self.lower = self._continuation()

    def row(self, before: int) -> Floats:
        """p(. | before) [V]."""
        inside = slice(*self._starts[before : before + 2])
        counts = self._counts[inside]
        if not len(counts):
            return self.lower
        row = self.discount * len(counts) * self.lower
        row[self._after[inside]] += counts - self.discount
        probabilities: Floats = row / counts.sum()
        return probabilities

    def _continuation(self) -> Floats:
        """q [V]."""
        contexts = np.bincount(self._after, minlength=self.items).astype(np.float64)
        left = self.discount * np.count_nonzero(contexts) / self.items
        share: Floats = (np.maximum(contexts - self.discount, 0) + left) / contexts.sum()
        return share


def unigram_seen(train: Sequences, items: int, reader: Reader) -> Tensor:
    """What `reader` sees of the unigram, [U, 5]."""
    share = torch.from_numpy(unigram(train, items)).to(reader.device)
    return reader.tally(-share[reader.targets].log(), share.argmax().expand_as(reader.targets))


def bigram_seen(train: Sequences, items: int, reader: Reader) -> Tensor:
    """What `reader` sees of the Kneser-Ney bigram, [U, 5]."""
    model = KneserNey(train, items)
    histories, which = torch.unique(reader.previous, return_inverse=True)
    nll, first = torch.zeros(len(which), dtype=torch.float64, device=reader.device), torch.zeros_like(which)
    step = max(1, ROWS_AT_ONCE // items)
    for at in range(0, len(histories), step):
        asked = (which >= at) & (which < at + step)
        rows = torch.from_numpy(np.stack([model.row(int(one)) for one in histories[at : at + step]])).to(reader.device)
        row = which[asked] - at
        nll[asked] = -rows[row, reader.targets[asked]].log()
        first[asked] = rows.argmax(1)[row]
    return reader.tally(nll, first)
