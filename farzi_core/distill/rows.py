"""Rows of the simplex as the engine multiplies by them: held densely, or made from Z and M a chunk at a time.

Legend: mu sequences, L positions, b sequences of a step, N = b L rows, d latent factors, V items, k columns. Sequences
with labels of their own (`Synthetic`) have an axis of length 2 before that of positions; N is then 2 b L.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from farzi_core.distill.layout import Tensors
from farzi_core.models.head import row_chunks


@dataclass(frozen=True)
class DenseRows:
    """probs [mu, xi, V] (meta-parameter "probs"), or the part of it that `chosen` names (`part_of`)."""

    probs: Tensor
    chosen: Tensor | None = None

    @cached_property
    def _rows(self) -> Tensor:
        return part_of(self.probs, self.chosen)

    def times(self, table: Tensor) -> Tensor:
        return self._rows @ table

    def add_transposed(self, left: Tensor, into: Tensor) -> None:
        into.addmm_(self._rows.flatten(0, -2).T, left.flatten(0, -2))

    def pull(self, left: Tensor, right: Tensor, grads: Tensors) -> None:
        if self.chosen is None:
            grads["probs"].flatten(0, -2).addmm_(left.flatten(0, -2), right.T)
        else:
            _add(grads["probs"], self.chosen, left @ right.T)


@dataclass(frozen=True)
class LatentRows:
    """softmax(Z M / tau) from latent [mu, xi, d] and decoder [d, V], or the part of it that `chosen` names.

    X is made again in row chunks at each use: one product of width d instead of N V numbers held. The derivative of the
    softmax is taken in the same chunks, so gradients go straight to Z and M.
    """

    latent: Tensor
    decoder: Tensor
    tau: float
    chosen: Tensor | None = None

    @cached_property
    def _latent(self) -> Tensor:
        return part_of(self.latent, self.chosen)

    def times(self, table: Tensor) -> Tensor:
        parts = [self._probs(part) @ table for part in self._chunks()]
        return torch.cat(parts).view(*self._latent.shape[:-1], -1)

    def add_transposed(self, left: Tensor, into: Tensor) -> None:
        flat = left.flatten(0, -2)
        for part in self._chunks():
            into.addmm_(self._probs(part).T, flat[part])

    def pull(self, left: Tensor, right: Tensor, grads: Tensors) -> None:
        flat, of_latent = left.flatten(0, -2), torch.empty_like(self._latent)
        for part in self._chunks():
            probs, slope = self._probs(part), flat[part] @ right.T
            slope.sub_((probs * slope).sum(1, keepdim=True)).mul_(probs).div_(self.tau)
            torch.mm(slope, self.decoder.T, out=of_latent.flatten(0, -2)[part])
            grads["decoder"].addmm_(self._latent.flatten(0, -2)[part].T, slope)
        if self.chosen is None:
            grads["latent"] += of_latent
        else:
            _add(grads["latent"], self.chosen, of_latent)

    def _chunks(self) -> list[slice]:
        rows, items = self._latent[..., 0].numel(), self.decoder.shape[1]
        return list(row_chunks(rows, items, self.decoder.device))

    def _probs(self, part: slice) -> Tensor:
        return torch.softmax(self._latent.flatten(0, -2)[part] @ self.decoder / self.tau, 1)


def part_of(whole: Tensor, chosen: Tensor | None) -> Tensor:
    """What `chosen` names of whole [mu, xi, ...]: [b, L, ...]; indices of sequences [b], or of positions row xi + place
    [b, L], or None for everything. With labels: positions [b, 2, L] of whole [mu, 2, xi, ...]."""
    if chosen is None:
        return whole
    return whole[chosen] if chosen.dim() == 1 else whole.flatten(0, chosen.dim() - 1)[chosen]


def _add(into: Tensor, chosen: Tensor, parts: Tensor) -> None:
    """Add parts [b, L, k] to what `chosen` names of into [mu, xi, k]. A step reads a position once, so no two
    additions meet and their order is one: the deterministic kernel, which sorts first, would only be slower on a GPU.
    """
    if chosen.dim() > 1:
        into, chosen, parts = into.flatten(0, -2), chosen.flatten(), parts.flatten(0, -2)
    demanded = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        into.index_add_(0, chosen, parts)
    finally:
        torch.use_deterministic_algorithms(demanded, warn_only=warn_only)
