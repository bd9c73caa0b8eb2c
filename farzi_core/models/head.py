"""The tied softmax head, factored: sum_n LSE(h_n E^T) with hand-written first and second derivatives, in row chunks.

With a tied embedding the cross-entropy to rows x_n of the simplex is  sum_n LSE(h_n E^T) - h_n . (x_n E): x_n E is
needed at the input anyway, so the N x V product with the targets disappears, and nothing of size N x V survives a
chunk of rows. Plain autograd keeps about seven such arrays for a Hessian-vector product.

Legend: N rows, V items, H width; h [N, H] hidden states, E [V, H] item embedding; P = softmax(h E^T) [N, V].
    first   dh = P E                              dE = P^T h
    second  in direction (a, b):  C = [a, h] [E, b]^T,  D = P * (C - <P, C>)
            dh = D E + P b                        dE = D^T h + P^T a
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK_NUMBERS = 1 << 19  # numbers of one chunk of P: 2 MB in float32, so that its passes stay in cache


def log_sum_exp(hidden: Tensor, embedding: Tensor) -> Tensor:
    """sum_n logsumexp(h_n E^T), a scalar; differentiable twice in both arguments."""
    value: Tensor = _LogSumExp.apply(hidden, embedding)  # type: ignore[no-untyped-call]
    return value


def readout(weights: Mapping[str, Tensor], hidden: Tensor) -> tuple[Tensor, Tensor]:
    """(h, E) such that the scores of the next item are h E^T, for hidden [..., H].

    Tied: the hidden states and the item embedding. Untied (weights "head" [V, H] and "head_bias" [V]): the bias is a
    last column of E, beside a one in h, so that one derivation serves both.
    """
    if "head" not in weights:
        return hidden, weights["item"]
    table = torch.cat([weights["head"], weights["head_bias"][:, None]], 1)
    return torch.cat([hidden, torch.ones_like(hidden[..., :1])], -1), table


def _chunks(hidden: Tensor, embedding: Tensor) -> range:
    return range(0, hidden.shape[0], max(1, CHUNK_NUMBERS // embedding.shape[0]))


class _LogSumExp(torch.autograd.Function):
    """Value and both gradients in one pass, so that P is computed once a step."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, embedding: Tensor) -> Tensor:
        value, dh, de = hidden.new_zeros(()), torch.empty_like(hidden), torch.zeros_like(embedding)
        step = _chunks(hidden, embedding).step
        for first in _chunks(hidden, embedding):
            rows = hidden[first : first + step]
            scores = rows @ embedding.T
            top = scores.amax(1, keepdim=True)
            scores.sub_(top).exp_()
            total = scores.sum(1, keepdim=True)
            value += (total.log() + top).sum()
            scores.div_(total)
            torch.mm(scores, embedding, out=dh[first : first + step])
            de.addmm_(scores.T, rows)
        ctx.save_for_backward(hidden, embedding, dh, de)
        return value

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, Tensor]:
        hidden, embedding, dh, de = ctx.saved_tensors
        if torch.is_grad_enabled():
            both: tuple[Tensor, Tensor] = _Gradient.apply(hidden, embedding, dh, de, scale)  # type: ignore[no-untyped-call]
            return both
        return dh * scale, de * scale


class _Gradient(torch.autograd.Function):
    """(h, E) -> scale * (P E, P^T h), given both from the first pass; its backward is the Hessian-vector product."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, embedding: Tensor, dh: Tensor, de: Tensor, scale: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(hidden, embedding, dh, de, scale)
        return dh * scale, de * scale

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, None, None, Tensor]:
        hidden, embedding, dh, de, scale = ctx.saved_tensors
        out_h, out_e = torch.empty_like(hidden), torch.zeros_like(embedding)
        right = torch.cat([embedding, b], 1)
        step = _chunks(hidden, embedding).step
        for first in _chunks(hidden, embedding):
            rows, direction = hidden[first : first + step], a[first : first + step]
            p = torch.softmax(rows @ embedding.T, 1)
            c = torch.cat([direction, rows], 1) @ right.T
            c.sub_((p * c).sum(1, keepdim=True)).mul_(p)
            torch.addmm(c @ embedding, p, b, out=out_h[first : first + step])
            out_e.addmm_(c.T, rows).addmm_(p.T, direction)
        return out_h * scale, out_e * scale, None, None, (a * dh).sum() + (b * de).sum()
