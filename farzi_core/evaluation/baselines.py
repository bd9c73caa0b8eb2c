"""What distilled data must beat: the same number of real sequences, and rules that train nothing.

random users   mu training users drawn at random, one draw a seed
head users     the mu training users with the most events
most popular   items by their training counts
Markov         items by how often they followed the last event in training; popularity breaks ties
"""

import numpy as np
import torch
from torch import Tensor

from farzi_core.data.dataset import Sequences
from farzi_core.evaluation import metrics
from farzi_core.evaluation.students import Ranker
from farzi_core.seeds import stream


def random_users(train: Sequences, mu: int, seed: int, draw: int) -> Sequences:
    """`mu` random training sequences."""
    return train.take(stream(seed, "random users", draw).permutation(len(train))[:mu])


def head_users(train: Sequences, mu: int) -> Sequences:
    """The `mu` longest training sequences."""
    return train.take(np.argsort(-train.lengths, kind="stable")[:mu])


def popularity_ranks(train: Sequences, items: int, ranker: Ranker) -> Tensor:
    """Ranks [U] of the targets by training counts."""
    counts = torch.bincount(torch.from_numpy(train.items), minlength=items).double().to(ranker.targets.device)
    scores = counts.expand(len(ranker.targets), items)
    return metrics.ranks(ranker.hide_seen(scores, slice(None)) if ranker.mask_seen else scores, ranker.targets)


def markov_ranks(train: Sequences, items: int, ranker: Ranker) -> Tensor:
    """Ranks [U] of the targets by first-order transition counts from the last event of the context."""
    user = np.repeat(np.arange(len(train)), train.lengths)
    same = user[:-1] == user[1:]
    codes = torch.from_numpy(train.items[:-1][same] * items + train.items[1:][same])
    device = ranker.targets.device
    transitions = torch.sparse_coo_tensor(
        torch.stack([codes // items, codes % items]),
        torch.ones(len(codes), dtype=torch.float64),
        (items, items),
        check_invariants=True,
    ).coalesce()
    counts = torch.bincount(torch.from_numpy(train.items), minlength=items).double()
    tie_break = (counts / (counts.sum() + 1)).to(device)
    last = ranker.contexts.gather(1, ranker.lengths[:, None] - 1)[:, 0]
    ranks = []
    for first in range(0, len(last), 2048):
        users = slice(first, first + 2048)
        rows = transitions.index_select(0, last[users].cpu()).to_dense().to(device)
        scores = rows + tie_break
        scores = ranker.hide_seen(scores, users) if ranker.mask_seen else scores
        ranks.append(metrics.ranks(scores, ranker.targets[users]))
    return torch.cat(ranks)
