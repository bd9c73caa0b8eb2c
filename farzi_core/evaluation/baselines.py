"""What distilled data must beat: as much real data, and rules that train nothing.

random users   mu training users drawn at random, one draw a seed
head users     the mu training users with the most events
coreset        mu training users that cover all others: greedy k-centre, one random first user a seed
random windows real windows of at most xi events, as many as make mu xi events, one draw a seed
taught windows mu rows of xi real events with labels that teachers predict (`distill.taught.windows`), one draw a seed
most popular   items by their training counts
Markov         items by how often they followed the last event in training; popularity breaks ties
"""

import numpy as np
import torch
from torch import Tensor

from farzi_core.data.batches import IGNORED, windows
from farzi_core.data.dataset import Sequences
from farzi_core.data.pairs import pair_counts
from farzi_core.evaluation.students import Ranker
from farzi_core.seeds import stream


def random_users(train: Sequences, mu: int, seed: int, draw: int) -> Sequences:
    """`mu` random training sequences."""
    return train.take(stream(seed, "random users", draw).permutation(len(train))[:mu])


def head_users(train: Sequences, mu: int) -> Sequences:
    """The `mu` longest training sequences."""
    return train.take(np.argsort(-train.lengths, kind="stable")[:mu])


def coreset(train: Sequences, mu: int, seed: int, draw: int) -> Sequences:
    """`mu` sequences, each the farthest from those before it (k-centre: Gonzalez 1985; as a coreset for learning: Sener
    & Savarese 2018, arXiv 1708.00489, there in a network's features).

    The distance is that of the sequences' item counts, scaled to unit length: no model is favoured by its own features,
    and none has to be trained. Cost: mu passes over the events.
    """
    users = np.repeat(np.arange(len(train)), train.lengths)
    items = int(train.items.max()) + 1
    codes, counts = np.unique(users * items + train.items, return_counts=True)
    user, item = codes // items, codes % items
    share = counts / np.sqrt(np.bincount(user, counts**2.0))[user]
    nearest = np.full(len(train), -np.inf)  # cosine to the nearest centre
    centres = [int(stream(seed, "coreset", draw).integers(len(train)))]
    while len(centres) < mu:
        own = user == centres[-1]
        centre = np.bincount(item[own], share[own], minlength=items)
        nearest = np.maximum(nearest, np.bincount(user, share * centre[item]))
        nearest[centres[-1]] = np.inf
        centres.append(int(nearest.argmin()))
    return train.take(np.array(centres))


def random_windows(train: Sequences, mu: int, xi: int, seed: int, draw: int) -> Sequences:
    """Windows of at most `xi` events at random places of random users, no user twice, together `mu` * `xi` events (the
    last window is cut to fit; fewer where all windows together have fewer)."""
    generator, wanted = stream(seed, "random windows", draw), mu * xi
    rows = generator.permutation(len(train))
    ends = np.minimum(np.cumsum(np.minimum(train.lengths[rows], xi)), wanted)
    rows = rows[: int(np.searchsorted(ends, wanted)) + 1]
    tokens = windows(train, rows, xi, generator)
    offsets = np.concatenate([[0], ends[: len(rows)]])
    return Sequences(tokens[tokens != IGNORED][:wanted], offsets, tuple(train.users[row] for row in rows))


def popularity_ranks(train: Sequences, items: int, ranker: Ranker) -> Tensor:
    """Ranks [U] of the targets by training counts."""
    counts = torch.bincount(torch.from_numpy(train.items), minlength=items).double().to(ranker.targets.device)
    scores = counts.expand(len(ranker.targets), items)
    return ranker.rank(scores, slice(None))


def markov_ranks(train: Sequences, items: int, ranker: Ranker) -> Tensor:
    """Ranks [U] of the targets by first-order transition counts from the last event of the context."""
    transitions, device = pair_counts(train, items), ranker.targets.device
    counts = torch.bincount(torch.from_numpy(train.items), minlength=items).double()
    tie_break = (counts / (counts.sum() + 1)).to(device)
    last = ranker.contexts.gather(1, ranker.lengths[:, None] - 1)[:, 0]
    ranks = []
    for first in range(0, len(last), 2048):
        users = slice(first, first + 2048)
        rows = torch.from_numpy(transitions[last[users].cpu().numpy()].toarray()).to(device)
        ranks.append(ranker.rank(rows + tie_break, users))
    return torch.cat(ranks)
