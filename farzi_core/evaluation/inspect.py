"""What the synthetic data looks like beside the real: nearest windows, the memorisation reference, maps of items.

Run by the worker at the end of a run; numpy and scikit-learn only. Legend: mu synthetic sequences of xi events over
V items; U training sequences with N events together; d latent factors.
The distance is that of `windows`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from farzi_core import limits
from farzi_core.data.dataset import IntArray, Sequences
from farzi_core.evaluation.windows import FloatArray, Windows, one_hot, with_blank

CLUSTERS = 8  # as many as there are colours that everybody can tell apart
MIN_TSNE_ITEMS = 5  # fewer points have no neighbourhoods to keep
SEED = 0  # of every random choice here: the same run gives the same maps


def nearest(probs: FloatArray, train: Sequences, *, k: int = 5) -> pd.DataFrame:
    """The k nearest training sequences of each synthetic one, each with its best window (columns: docs/run-folder.md).

    probs [mu, xi, V]. Ties are broken by the order of the training sequences, then by the smallest offset. Very large
    data are searched in a fixed random subset of the sequences (`compared`).
    """
    mu, xi, _ = probs.shape
    train = compared(train, mu, xi)
    windows = Windows.of(train, xi)
    rows: list[tuple[int, int, str, int, float, list[int]]] = []
    for synthetic in range(mu):
        table = with_blank(probs[synthetic])
        agreement = windows.best_agreement(table)
        for rank, sequence in enumerate(_largest(agreement, k)):
            offset, items = windows.best_window(table, int(sequence))
            distance = 1 - float(agreement[sequence]) / xi
            rows.append((synthetic, rank, train.users[sequence], offset, max(0.0, distance), items))
    return pd.DataFrame(rows, columns=["synthetic", "rank", "user", "offset", "distance", "items"])


def memorisation(probs: FloatArray, train: Sequences, held_out: Sequences, length: int | None = None) -> dict[str, Any]:
    """Distances to the nearest training window: of the synthetic sequences and, as reference, of held-out people.

    `synthetic`: of the distributions; `argmax`: of their most probable items, which are hard like the real ones;
    `heldout`: of one random window of xi events from each held-out sequence that has as many. If synthetic
    sequences were copies, theirs would lie far below the held-out distances. Of sequences that are only read in parts
    of `length` events, which xi is a multiple of, each part is one: laid side by side copies are none.
    """
    probs = probs if length is None else probs.reshape(-1, length, probs.shape[-1])
    mu, xi, items = probs.shape
    hard = held_out_windows(held_out, xi)
    train_compared = compared(train, mu + mu + len(hard), xi)
    windows = Windows.of(train_compared, xi)
    argmax = probs.argmax(axis=2)
    return {
        "synthetic": [windows.distance(with_blank(one)) for one in probs],
        "argmax": [windows.distance(one_hot(one, items)) for one in argmax],
        "heldout": [windows.distance(one_hot(one, items)) for one in hard],
        "length": int(xi),
        "heldout_sequences": len(held_out),
        "train_sequences": len(train_compared),
        "train_sequences_total": len(train),
    }


def maps(decoder: FloatArray, counts: IntArray) -> dict[str, npt.NDArray[Any]]:
    """Two-dimensional maps and groups of the items by their columns of M.

    decoder [d, V], counts [V]. Returns pca [V, 2], tsne [V, 2] (NaN beyond the `MAX_TSNE_ITEMS` most frequent items,
    and everywhere for tiny catalogues), cluster [V] (k-means), pca_variance [2] (explained shares).
    """
    points = np.ascontiguousarray(decoder.T, dtype=np.float64)  # [V, d]
    components = min(2, *points.shape)
    pca = np.zeros((len(points), 2), dtype=np.float32)
    variance = np.zeros(2, dtype=np.float32)
    if np.ptp(points, axis=0).any():  # otherwise all items are one point, which has no direction
        fitted = PCA(components, random_state=SEED)
        pca[:, :components] = fitted.fit_transform(points)
        variance[:components] = fitted.explained_variance_ratio_
    distinct = len(np.unique(points, axis=0))
    cluster = KMeans(min(CLUSTERS, distinct), n_init=4, random_state=SEED).fit_predict(points)
    tsne = _tsne(points, counts)
    return {"pca": pca, "tsne": tsne, "cluster": cluster.astype(np.int64), "pca_variance": variance}


def compared(train: Sequences, searched: int, xi: int) -> Sequences:
    """`train`, or a fixed random subset of it if `searched` searches would cost more than `MAX_COMPARED_POSITIONS`."""
    cost = searched * xi * (len(train.items) + len(train) * (xi - 1))
    if cost <= limits.MAX_COMPARED_POSITIONS:
        return train
    keep = max(1, len(train) * limits.MAX_COMPARED_POSITIONS // cost)
    return train.take(np.sort(np.random.default_rng(SEED).choice(len(train), keep, replace=False)))


def held_out_windows(held_out: Sequences, xi: int) -> IntArray:
    """[n, xi]: one window at a random place of each held-out sequence with at least xi events, n capped."""
    random = np.random.default_rng(SEED)
    long_enough = np.flatnonzero(held_out.lengths >= xi)
    if len(long_enough) > limits.MAX_HELD_OUT_WINDOWS:
        long_enough = np.sort(random.choice(long_enough, limits.MAX_HELD_OUT_WINDOWS, replace=False))
    starts = random.integers(0, held_out.lengths[long_enough] - xi + 1)
    places: IntArray = (held_out.offsets[long_enough] + starts)[:, None] + np.arange(xi)
    windows: IntArray = held_out.items[places]
    return windows


def _largest(values: FloatArray, k: int) -> IntArray:
    """Indices of the k largest values, largest first, earlier index first among equals."""
    k = min(k, len(values))
    threshold = np.partition(values, len(values) - k)[len(values) - k]
    candidates = np.flatnonzero(values >= threshold)
    return candidates[np.argsort(-values[candidates], kind="stable")[:k]]


def _tsne(points: npt.NDArray[np.float64], counts: IntArray) -> FloatArray:
    result = np.full((len(points), 2), np.nan, dtype=np.float32)
    chosen = np.sort(np.argsort(-counts, kind="stable")[: limits.MAX_TSNE_ITEMS])
    if len(chosen) < MIN_TSNE_ITEMS or not np.ptp(points[chosen], axis=0).any():
        return result
    init = "pca" if points.shape[1] >= 2 else "random"
    perplexity = min(30.0, (len(chosen) - 1) / 3)
    result[chosen] = TSNE(2, perplexity=perplexity, init=init, random_state=SEED).fit_transform(points[chosen])
    return result
