"""The covering start: real windows chosen so that rare items are read, too.

Where teachers say what is to be predicted, the events that are read need not be as frequent as in the data: no label is
biased by it, and a student learns of an item only where it is read. Of W candidates, each as long as what a student
reads at once and begun where a window of the data begins, windows are chosen one by one by what they add to

    F = sum over v of w_v log(1 + n_v / w_v),    w_v ~ sqrt(count of v in the data), sum of w_v = events chosen,

where n_v counts how often item v is read. F is monotone and submodular: choosing greedily comes within 1 - 1/e of the
best choice (Nemhauser et al. 1978), and a window's gain only falls, so that not all are looked at again (Minoux 1978):
of 8 n some 50 a choice for n = 250 and 200 for n = 2,000, hence `limits.MAX_COVERING_WINDOWS`.

Legend: mu sequences, xi positions, L events a window, W candidates, n windows chosen, V items.
"""

import heapq
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from farzi_core.data.batches import IGNORED, windows
from farzi_core.data.dataset import IntArray, Sequences
from farzi_core.sections import SyntheticConfig
from farzi_core.seeds import stream

CANDIDATES = 8  # W / n; Python calls, [50x20]: 288 of 500 items read, 232 where windows are random
CANDIDATE_EVENTS = 1 << 22  # W (L + 1) at most, unless n windows are more: 32 MB, held some five times over


def covering(
    train: Sequences,
    items: int,
    config: SyntheticConfig,
    length: int,
    seed: int,
    between: Callable[[], None] = lambda: None,
) -> IntArray:
    """Tokens [mu, 2, xi]: what is read, in windows of `length` events laid side by side, of which xi is a multiple, and
    the event after each in its sequence. `between` is called before each choice."""
    count = config.mu * config.xi // length
    most = max(count, min(CANDIDATES * count, CANDIDATE_EVENTS // (length + 1)))
    found = begun(train, most, length + 1, stream(seed, "covering start"))
    taken = found[chosen(found[:, :-1], np.bincount(train.items, minlength=items), count, between)]
    rows = (taken[:, :-1], taken[:, 1:])
    return np.stack([one.reshape(config.mu, config.xi) for one in rows], 1)


def begun(train: Sequences, count: int, length: int, generator: np.random.Generator) -> IntArray:
    """Tokens [count, length] without gaps that begin where windows of random sequences begin: at their first event, or
    anywhere in those that are longer. Behind a shorter one is the next one, which begins another row. Where rows are
    more than sequences these come again, in another order."""
    need = count + length  # every sequence holds at least one event
    passes = [generator.permutation(len(train)) for _ in range(-(-need // len(train)))]
    order = np.concatenate(passes)[:need]
    tokens = windows(train, order, length, generator)
    inside = tokens != IGNORED
    starts = np.cumsum(inside.sum(1))[:count] - inside.sum(1)[:count]
    rows: IntArray = tokens[inside][starts[:, None] + np.arange(length)]
    return rows


def chosen(
    candidates: IntArray, counts: npt.NDArray[np.integer], count: int, between: Callable[[], None] = lambda: None
) -> IntArray:
    """Indices [count] of the greedy choice of F among candidates [W, L], W >= count, for `counts` [V] of the data."""
    wanted = np.sqrt(np.maximum(counts, 1))
    wanted *= count * candidates.shape[1] / wanted.sum()
    held = [np.unique(window, return_counts=True) for window in candidates]
    read = np.zeros(len(wanted))

    def gain(index: int) -> float:
        which, times = held[index]
        share = wanted[which]
        return float((share * np.log1p(times / (share + read[which]))).sum())

    heap = [(-gain(index), index) for index in range(len(held))]
    heapq.heapify(heap)
    taken = []
    for _ in range(count):
        between()
        while (now := -gain(heap[0][1])) > heap[0][0]:  # its gain has fallen since it was computed
            heapq.heapreplace(heap, (now, heap[0][1]))
        index = heapq.heappop(heap)[1]
        taken.append(index)
        read[held[index][0]] += held[index][1]
    return np.array(taken)
