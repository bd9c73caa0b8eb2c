"""The softmax head, factored: sum_n LSE(h_n W^T) with hand-written first and second derivatives, in row chunks.

The cross-entropy to rows x_n of the simplex is  sum_n LSE(h_n W^T) - h_n . (x_n W). With a tied embedding x_n W is
needed at the input anyway, so the N x V product with the targets disappears, and at most one array of size N x V
survives a chunk of rows. Plain autograd keeps about seven for a Hessian-vector product.

Legend: N rows, V items, H width; h [N, H] hidden states, W [V, H] output table (the item embedding where it is tied);
S = exp(h W^T - top), w = 1 / sum(S), P = w S = softmax(h W^T) [N, V]. Rows are scaled in [N, H], never in [N, V].
    first   dh = P W                              dW = P^T h
    second  in direction (a, b):  C = [a, h] [W, b]^T,  k = <P, C> = a . dh + h . P b,  Q = P * C
            dh = Q W - k dh + P b                 dW = Q^T h + P^T (a - k h)
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK_NUMBERS = 1 << 19  # numbers of one chunk of P: 2 MB in float32, so that its passes stay in cache
CHUNK_ROWS = 64  # but no fewer rows than this: below it reading W dominates
KEPT_NUMBERS = 1 << 23  # numbers of P up to which it is kept for the second derivative: 32 MB in float32
ON_GPU = 1 << 26  # both on a GPU, 256 MB: a chunk there costs launches, and the cache holds none of this size anyway

LogSumExp = Callable[[Tensor, Tensor], Tensor]


def log_sum_exp(hidden: Tensor, table: Tensor) -> Tensor:
    """sum_n logsumexp(h_n W^T), a scalar; differentiable twice in both arguments."""
    value: Tensor = _LogSumExp.apply(hidden, table, False)  # type: ignore[no-untyped-call]
    return value


def log_sum_exp_for_products(hidden: Tensor, table: Tensor) -> Tensor:
    """The same for a Hessian-vector product only: its first derivative in W is left out and reads as zero.

    The product never looks at that number, and forming it is one N V H product of about nine; P is kept if it is small.
    """
    value: Tensor = _LogSumExp.apply(hidden, table, True)  # type: ignore[no-untyped-call]
    return value


def plain_log_sum_exp(hidden: Tensor, table: Tensor) -> Tensor:
    """The same by plain operations, for compilers and forward-mode derivatives, which see no custom function."""
    return torch.logsumexp(hidden @ table.T, 1).sum()


def row_chunks(rows: int, items: int, device: torch.device) -> Iterator[slice]:
    """Slices of rows such that a [chunk, V] array stays near CHUNK_NUMBERS, on a GPU near ON_GPU."""
    step = max(CHUNK_ROWS, _on(device, CHUNK_NUMBERS) // items)
    return (slice(first, min(first + step, rows)) for first in range(0, rows, step))


def _on(device: torch.device, numbers: int) -> int:
    """`numbers` of the CPU, or what a GPU may hold instead."""
    return numbers if device.type == "cpu" else ON_GPU


def readout(weights: Mapping[str, Tensor], hidden: Tensor) -> tuple[Tensor, Tensor]:
    """(h, E) such that the scores of the next item are h E^T, for hidden [..., H].

    Tied: the hidden states and the item embedding. Untied (weights "head" [V, H] and "head_bias" [V]): the bias is a
    last column of E, beside a one in h, so that one derivation serves both.
    """
    if "head" not in weights:
        return hidden, weights["item"]
    table = torch.cat([weights["head"], weights["head_bias"][:, None]], 1)
    return torch.cat([hidden, torch.ones_like(hidden[..., :1])], -1), table


class _LogSumExp(torch.autograd.Function):
    """Value and first derivatives in one pass, so that P is computed once a step."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, table: Tensor, second_only: bool) -> Tensor:
        rows, items = hidden.shape[0], table.shape[0]
        value, dh = hidden.new_zeros(()), torch.empty_like(hidden)
        dw = table.new_zeros(()).expand_as(table) if second_only else torch.zeros_like(table)
        keep = second_only and rows * items <= _on(hidden.device, KEPT_NUMBERS)
        kept, weights = hidden.new_empty((rows, items) if keep else 0), hidden.new_empty((rows, 1) if keep else 0)
        for part in row_chunks(rows, items, hidden.device):
            scores, top = _exponentials(hidden[part], table, kept[part] if keep else None)
            total = scores.sum(1, keepdim=True)
            value += (total.log() + top).sum()
            weight = total.reciprocal_()
            torch.mm(scores, table, out=dh[part]).mul_(weight)
            if not second_only:
                dw.addmm_(scores.T, hidden[part] * weight)
            if keep:
                weights[part] = weight
        ctx.save_for_backward(hidden, table, dh, dw, kept, weights)
        ctx.second_only = second_only
        return value

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, Tensor, None]:
        hidden, table, dh, dw, kept, weights = ctx.saved_tensors
        if ctx.second_only and (scale.requires_grad or not torch.is_grad_enabled()):
            dw = _first_in_table(hidden, table)  # a curved function of the value: its slope meets the first derivative
        if torch.is_grad_enabled():
            both: tuple[Tensor, Tensor]
            both = _Gradient.apply(hidden, table, dh, dw, kept, weights, scale)  # type: ignore[no-untyped-call]
            return *both, None
        return dh * scale, dw * scale, None


class _Gradient(torch.autograd.Function):
    """(h, W) -> scale * (P W, P^T h), given both from the first pass; its backward is the Hessian-vector product."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, table: Tensor, dh: Tensor, dw: Tensor, kept: Tensor, weights: Tensor, scale: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(hidden, table, dh, dw, kept, weights, scale)
        return dh * scale, dw * scale

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, a: Tensor, b: Tensor) -> tuple[Tensor | None, ...]:
        hidden, table, dh, dw, kept, weights, scale = ctx.saved_tensors
        out_h, out_w = torch.empty_like(hidden), torch.zeros_like(table)
        right = torch.cat([table, b], 1)
        for part in row_chunks(hidden.shape[0], table.shape[0], hidden.device):
            rows, direction, first = hidden[part], a[part], dh[part]
            if len(kept):
                scores, weight = kept[part], weights[part]
            else:
                scores, _ = _exponentials(rows, table)
                weight = scores.sum(1, keepdim=True).reciprocal_()
            moved = (scores @ b).mul_(weight)
            k = (direction * first).sum(1, keepdim=True) + (rows * moved).sum(1, keepdim=True)
            out_w.addmm_(scores.T, (direction - k * rows).mul_(weight))
            q = (torch.cat([direction, rows], 1) @ right.T).mul_(scores)
            torch.mm(q, table, out=out_h[part]).mul_(weight).add_(moved).addcmul_(k, first, value=-1)
            out_w.addmm_(q.T, rows * weight)
        of_scale = (a * dh).sum() + (b * dw).sum() if ctx.needs_input_grad[-1] else None
        return out_h.mul_(scale), out_w.mul_(scale), None, None, None, None, of_scale


def _first_in_table(hidden: Tensor, table: Tensor) -> Tensor:
    """P^T h [V, H]."""
    dw = torch.zeros_like(table)
    for part in row_chunks(hidden.shape[0], table.shape[0], hidden.device):
        dw.addmm_(torch.softmax(hidden[part] @ table.T, 1).T, hidden[part])
    return dw


def _exponentials(rows: Tensor, table: Tensor, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """exp(h W^T - top) [n, V] and top [n, 1], each row's largest score."""
    scores = torch.mm(rows, table.T, out=out)
    top = scores.amax(1, keepdim=True)
    return scores.sub_(top).exp_(), top
