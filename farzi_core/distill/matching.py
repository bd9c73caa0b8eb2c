"""The matched start: fit Z and M so that the synthetic data's expected pair counts are those of the real data.

For each distance k = 1..REACH let P_k(a, b) be the share of real event pairs (a, then b, k events later) and
Q_k(a, b) = mean over synthetic positions of X_i(a) X_{i+k}(b). The fit minimises the mean of -sum P_k log Q_k over k, a
first-order problem of seconds, whose floor is the entropy of P_k. Students trained on its result already reach most
of a Markov model's accuracy, so that the meta-gradient starts from a useful place (docs/experiments.md).

Only pairs that occur count, and they are few (2 % of all in MovieLens-100K), so P_k is sparse and Q_k is known nowhere
else. Cost a step: 3 REACH passes of (pairs that occur) x mu x xi operations. Where probs [mu, xi, V] are too large to
be held the start stays unfitted.

Legend: mu sequences, xi positions, V items, N pairs of positions.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from farzi_core.data.dataset import Sequences
from farzi_core.data.pairs import pair_counts
from farzi_core.device import CPU
from farzi_core.distill.synthetic import Synthetic
from farzi_core.limits import MAX_DENSE_NUMBERS

REACH = 2  # measured on e-shop [100x10]: HR@10 34.7 / 40.0 / 38.7 / 38.4 at reach 1 / 2 / 3 / 5
LEARNING_RATE = 0.05
FLOOR = 1e-9  # added to Q: pairs the synthetic data cannot make stay finite
CHUNK = 256  # positions a sparse product: [V, CHUNK] stays in the cache; 64 and 512 took twice as long
BLOCK_NUMBERS = 1 << 26  # of a dense block of pair weights on a GPU: 256 MB


def pair_shares(train: Sequences, items: int, distance: int) -> Tensor:
    """P_k [V, V], sparse by rows: the counts as shares of all pairs at this distance; empty where there are none."""
    counts = pair_counts(train, items, distance)
    crow, col = (torch.from_numpy(one.astype(np.int64)) for one in (counts.indptr, counts.indices))
    share = torch.from_numpy(counts.data / max(counts.sum(), 1)).float()
    return _by_rows(crow, col, share, items)


def fits(start: Synthetic, items: int) -> bool:
    """Whether the fit can hold probs [mu, xi, V]."""
    return start.mu * start.xi * items <= MAX_DENSE_NUMBERS


def matched(
    start: Synthetic, train: Sequences, items: int, steps: int, between: Callable[[], None] = lambda: None
) -> Synthetic:
    """`start` after `steps` Adam steps of the pair-count fit, with a cosine schedule, on the device of `start`, or on
    the CPU where that has no sparse products (Apple's MPS).

    `between` is called before each step; what it raises ends the fit.
    """
    if not fits(start, items) or steps == 0:
        return start
    home = start.latent.device
    device = home if home.type == "cuda" else CPU
    latent, decoder = (tensor.to(device, copy=True).requires_grad_() for tensor in (start.latent, start.decoder))
    shares = [pair_shares(train, items, k).to(device) for k in range(1, min(REACH, start.xi - 1) + 1)]
    optimiser = torch.optim.Adam([latent, decoder], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        between()
        optimiser.zero_grad()
        distance_to(shares, Synthetic(latent, decoder, start.tau).probs()).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return Synthetic(latent.detach(), decoder.detach(), start.tau).to(home)


def distance_to(shares: list[Tensor], probs: Tensor) -> Tensor:
    """Mean over k of -sum P_k log Q_k, in nats, for probs [mu, xi, V]; at least the mean entropy of the P_k."""
    total = probs.new_zeros(())
    for k, share in enumerate(shares, 1):
        made: Tensor = _Made.apply(probs, share, k)  # type: ignore[no-untyped-call]
        total = total - (share.values() * torch.log(made + FLOOR)).sum()
    return total / len(shares)


class _Made(torch.autograd.Function):
    """Q_k of probs [mu, xi, V] at the pairs where `pairs`, sparse [V, V], has a number; once differentiable."""

    @staticmethod
    def forward(ctx: Any, probs: Tensor, pairs: Tensor, k: int) -> Tensor:
        made = _at(pairs, torch.zeros_like(pairs.values()))
        count = probs[:, k:, 0].numel()
        for rows in _some(probs):
            first, then = _ends(rows, k)
            made = torch.sparse.sampled_addmm(made, first, then.T)
        ctx.save_for_backward(probs, pairs)
        ctx.k, ctx.count = k, count
        return made.values() / count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        probs, pairs = ctx.saved_tensors
        times = _in_blocks if probs.is_cuda else torch.matmul
        weights = _at(pairs, slope / ctx.count)
        backwards = weights.transpose(0, 1).to_sparse_csr()
        out = torch.zeros_like(probs)
        for rows, grad in zip(_some(probs), _some(out), strict=True):
            first, then = _ends(rows, ctx.k)
            ahead, behind = grad[:, : -ctx.k], grad[:, ctx.k :]
            ahead += times(weights, then).T.reshape(ahead.shape)
            behind += times(backwards, first).T.reshape(behind.shape)
        return out, None, None


def _at(pairs: Tensor, values: Tensor) -> Tensor:
    """The sparse matrix that has `values` where `pairs` has its own."""
    return _by_rows(pairs.crow_indices(), pairs.col_indices(), values, len(pairs))


def _by_rows(crow: Tensor, col: Tensor, values: Tensor, items: int) -> Tensor:
    """A sparse matrix [V, V]; torch's remark that these are young is kept from people, who cannot act on it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
        return torch.sparse_csr_tensor(crow, col, values, (items, items), check_invariants=False)


def _in_blocks(pairs: Tensor, dense: Tensor) -> Tensor:
    """pairs [V, V] times dense [V, c] by dense blocks of rows: cuSPARSE's own product promises no equal bits."""
    items, crow = len(pairs), pairs.crow_indices()
    rows = torch.repeat_interleave(torch.arange(items, device=crow.device), crow.diff())
    made = []
    for first in range(0, items, max(1, BLOCK_NUMBERS // items)):
        last = min(items, first + max(1, BLOCK_NUMBERS // items))
        inside = slice(int(crow[first]), int(crow[last]))
        block = dense.new_zeros(last - first, items)
        block[rows[inside] - first, pairs.col_indices()[inside]] = pairs.values()[inside]
        made.append(block @ dense)
    return torch.cat(made)


def _some(probs: Tensor) -> tuple[Tensor, ...]:
    """Some sequences at a time, of CHUNK positions or so."""
    return torch.split(probs, max(1, CHUNK // probs.shape[1]))


def _ends(rows: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """First and second ends of the pairs at distance k in rows [r, xi, V], by items: [V, r (xi - k)] each."""
    first, then = rows[:, :-k], rows[:, k:]
    return first.flatten(0, 1).T.contiguous(), then.flatten(0, 1).T.contiguous()
