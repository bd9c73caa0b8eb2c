"""The matched start: fit Z and M so that the synthetic data's expected pair counts are those of the real data.

For each distance k = 1..REACH let P_k(a, b) be the share of real event pairs (a, then b, k events later) and
Q_k(a, b) = mean over synthetic positions of X_i(a) X_{i+k}(b). The fit minimises the mean of -sum P_k log Q_k over k, a
first-order problem of seconds, whose floor is the entropy of P_k. Students trained on its result already reach most
of a Markov model's accuracy, so that the meta-gradient starts from a useful place (docs/experiments.md).

Cost a step: 3 REACH products of [V, mu xi] by [mu xi, V], so catalogues above MOST_ITEMS keep the unfitted start.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from farzi_core.data.dataset import Sequences
from farzi_core.distill.synthetic import Synthetic

REACH = 2  # measured on e-shop [100x10]: HR@10 34.7 / 40.0 / 38.7 / 38.4 at reach 1 / 2 / 3 / 5
LEARNING_RATE = 0.05
FLOOR = 1e-9  # added to Q: pairs the synthetic data cannot make stay finite
MOST_ITEMS = 4000  # V^2 floats an array: 64 MB


def pair_shares(train: Sequences, items: int, distance: int) -> Tensor:
    """P_k [V, V]: how often item b follows item a after `distance` events of one sequence, summing to 1."""
    user = np.repeat(np.arange(len(train)), train.lengths)
    same = user[:-distance] == user[distance:]
    codes = train.items[:-distance][same] * items + train.items[distance:][same]
    counts = np.bincount(codes, minlength=items * items).reshape(items, items)
    return torch.from_numpy(counts / max(int(counts.sum()), 1)).float()


def matched(
    start: Synthetic, train: Sequences, items: int, steps: int, between: Callable[[], None] = lambda: None
) -> Synthetic:
    """`start` after `steps` Adam steps of the pair-count fit, with a cosine schedule, on the device of `start`.

    `between` is called before each step; what it raises ends the fit.
    """
    if items > MOST_ITEMS or steps == 0:
        return start
    latent, decoder = (tensor.clone().requires_grad_() for tensor in (start.latent, start.decoder))
    shares = [pair_shares(train, items, k).to(latent.device) for k in range(1, min(REACH, start.xi - 1) + 1)]
    optimiser = torch.optim.Adam([latent, decoder], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        between()
        optimiser.zero_grad()
        distance_to(shares, Synthetic(latent, decoder, start.tau).probs()).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return Synthetic(latent.detach(), decoder.detach(), start.tau)


def distance_to(shares: list[Tensor], probs: Tensor) -> Tensor:
    """Mean over k of -sum P_k log Q_k, in nats, for probs [mu, xi, V]; at least the mean entropy of the P_k."""
    total = probs.new_zeros(())
    for k, share in enumerate(shares, 1):
        first, then = probs[:, :-k].flatten(0, 1), probs[:, k:].flatten(0, 1)
        made = first.T @ then / first.shape[0]
        total = total - (share * torch.log(made + FLOOR)).sum()
    return total / len(shares)
