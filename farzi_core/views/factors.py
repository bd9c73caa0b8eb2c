"""Latent factors: the map of items by their columns of M, what each factor stands for, and where Z uses it.

Legend: Z [mu, xi, d] latent sequences, M [d, V] decoder; the logit of item v is sum_f Z[s, i, f] M[f, v] / tau. Only
the product counts: a factor may be mixed with others, or change its sign with Z, without changing any sequence.
"""

from enum import StrEnum

import numpy as np
import pandas as pd

from farzi_core.views.load import Array, Synthetic


class Projection(StrEnum):
    PCA = "PCA"
    TSNE = "t-SNE"


class Colour(StrEnum):
    """What the colour of a point says."""

    POPULARITY = "popularity"
    GROUP = "group"
    CLUSTER = "cluster"


def item_map(vocab: pd.DataFrame, maps: dict[str, Array], projection: Projection) -> pd.DataFrame:
    """One row an item with a place on this map: id (internal), item, title, group, count, cluster (from 1), x, y."""
    points = maps["pca" if projection is Projection.PCA else "tsne"].astype(np.float64)
    frame = vocab[["item", "title", "group", "count"]].reset_index(drop=True)
    frame.insert(0, "id", np.arange(len(frame)))
    frame["cluster"] = maps["cluster"] + 1
    frame["x"], frame["y"] = points[:, 0], points[:, 1]
    return frame.take(np.flatnonzero(np.isfinite(points).all(axis=1))).reset_index(drop=True)


def search(frame: pd.DataFrame, query: str) -> pd.DataFrame:
    """Rows whose title or item id contains the text, any case; none for an empty query."""
    if not query:
        return frame.iloc[:0]
    found = [frame[column].str.contains(query, case=False, regex=False) for column in ("title", "item")]
    return frame.loc[found[0] | found[1]]


def factor_items(synthetic: Synthetic, vocab: pd.DataFrame, factor: int, k: int) -> pd.DataFrame:
    """The k largest and the k smallest weights M[factor]: side (top, bottom), rank, id, item, title, weight."""
    weights = synthetic.decoder[factor]
    order = np.argsort(-weights, kind="stable")
    k = min(k, len(order) // 2) or 1
    top, bottom = order[:k], order[::-1][:k]
    ids = np.concatenate([top, bottom])
    names = vocab[["item", "title"]].take(ids).reset_index(drop=True)
    side = pd.DataFrame({"side": ["top"] * k + ["bottom"] * k, "rank": [*range(1, k + 1)] * 2, "id": ids})
    return pd.concat([side, names, pd.DataFrame({"weight": weights[ids].astype(np.float64)})], axis=1)
