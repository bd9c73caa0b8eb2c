"""Ranking metrics over the full catalogue, one target a user (paper, appendix C.1): HR@k, nDCG@k and AUC as fractions.

The rank of a target is 1 + the number of items that score higher + half the number of others that score the same: a
constant scorer gets the middle rank, never the first, and a target without a score (NaN) the last one. HR@k counts
rank <= k, nDCG@k is 1 / log2(rank + 1) within k, AUC is the share of other items below the target (a tie counts one
half; items that were taken out of the ranking count as below).
"""

import torch
from torch import Tensor

from farzi_core.evaluation.report import Metric


def ranks(scores: Tensor, targets: Tensor) -> Tensor:
    """Ranks [U] (1 = best, halves at ties) of targets [U] in scores [U, V]; -inf takes an item out of the ranking."""
    own = scores.gather(1, targets[:, None])
    higher = (scores > own).sum(1)
    same = (scores == own).sum(1) - 1
    return torch.where(own[:, 0].isnan(), float(scores.shape[1]), 1 + higher + same / 2)  # no student wins by breaking


def per_user(rank: Tensor, items: int) -> dict[Metric, Tensor]:
    """Each metric's value a user [U] from ranks [U] in a catalogue of `items`."""
    gain = 1 / torch.log2(rank + 1)
    zero = torch.zeros_like(gain)
    return {
        Metric.HR10: (rank <= 10).to(gain.dtype),
        Metric.HR100: (rank <= 100).to(gain.dtype),
        Metric.NDCG10: torch.where(rank <= 10, gain, zero),
        Metric.NDCG100: torch.where(rank <= 100, gain, zero),
        Metric.AUC: (items - rank) / max(items - 1, 1),
    }
