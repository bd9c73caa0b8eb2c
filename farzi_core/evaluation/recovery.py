"""Do the latent factors find what was planted, and how near is the best possible accuracy? Planted data only.

Run by the worker at the end of a run; numpy and scikit-learn only. Legend: M [d, V] decoder, K planted groups (the
shared items are one of them).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from farzi_core.config import RunConfig
from farzi_core.data import planted
from farzi_core.data.dataset import Dataset
from farzi_core.evaluation.inspect import SEED
from farzi_core.evaluation.report import Metric, Recovery

STARTS = 10  # of k-means: one start can stay in a poor optimum


def recovery(config: RunConfig, dataset: Dataset, decoder: npt.NDArray[np.float32]) -> Recovery | None:
    """The comparison with the truth, or None where the truth is not known: other data, or planted items cut away."""
    settings = planted.PlantedSettings()
    planted_items = settings.groups * settings.items_per_group + settings.shared_items
    known = config.data.source == dataset.info.source == planted.SOURCE and len(dataset.vocab) == planted_items
    if not known:
        return None
    found, table, names = matched(decoder, dataset.vocab.groups)
    best = {metric: planted.planted_truth(settings, k).hr10 for metric, k in ((Metric.HR10, 10), (Metric.HR100, 100))}
    return Recovery(adjusted_rand=found, groups=names, table=table, best=best)


def matched(
    decoder: npt.NDArray[np.float32], groups: Sequence[str]
) -> tuple[float, tuple[tuple[int, ...], ...], tuple[str, ...]]:
    """Adjusted Rand index of k-means with K clusters on the columns of M, the table of counts, and its columns."""
    names, truth = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    points = decoder.T.astype(np.float64)
    clusters = KMeans(len(names), n_init=STARTS, random_state=SEED).fit_predict(points)
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(table, (clusters, truth), 1)
    order = np.lexsort((-table.max(axis=1), table.argmax(axis=1)))
    rows = tuple(tuple(int(count) for count in row) for row in table[order])
    return float(adjusted_rand_score(truth, clusters)), rows, tuple(str(name) for name in names)
