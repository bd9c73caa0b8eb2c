"""First and second derivatives of an inner loss, one step at a time, for any loss and for `SplitLoss` by its parts.

Two layers. A `Differentiator` takes f(theta, inputs, at) and knows how: plain autograd (`Eager`), or the same compiled
(`compiled`). `Products` knows what: which inputs f has and where their gradients belong.

Legend: n weights; theta, u, Hu [n], or [K, n] of K stacked students (`functional`); inputs are tensors f is
differentiated by beside theta.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.split import Core, Reading, Rows, SplitLoss
from farzi_core.models.head import LogSumExp

Inputs = tuple[Tensor, ...]
At = Any  # what else differs from step to step: its number, or of a `SplitLoss` the mask of its inputs
Function = Callable[[Tensor, Inputs, At], Tensor]  # theta, inputs, at -> scalar
InnerLoss = Callable[[Tensors, Tensors, int], Tensor]


class Second(NamedTuple):
    """Derivatives of <first derivatives, directions> by theta and by each input, and the first ones by the inputs."""

    theta: Tensor
    inputs: Inputs
    first: Inputs


class Differentiator(Protocol):
    """One way to differentiate one function."""

    def gradient(self, theta: Tensor, inputs: Inputs, at: At, of_inputs: bool) -> tuple[Tensor, Tensor, Inputs]:
        """Value, d f / d theta, and d f / d inputs where asked for (else none)."""

    def product(self, theta: Tensor, inputs: Inputs, at: At, u: Tensor, along: Inputs) -> Second:
        """The Hessian-vector product in direction (u, along); without `along` the inputs stand still."""


class Eager:
    """Plain autograd, reverse over reverse. `second` is f in a form of which only second derivatives are asked."""

    def __init__(self, function: Function, second: Function | None = None) -> None:
        self._function, self._second = function, second or function

    def gradient(self, theta: Tensor, inputs: Inputs, at: At, of_inputs: bool) -> tuple[Tensor, Tensor, Inputs]:
        leaf, inputs = theta.detach().requires_grad_(), tuple(one.detach() for one in inputs)
        if of_inputs:
            inputs = tuple(one.requires_grad_() for one in inputs)
        value = self._function(leaf, inputs, at)
        found = torch.autograd.grad(value, [leaf, *inputs] if of_inputs else [leaf])
        return value.detach(), found[0], found[1:]

    def product(self, theta: Tensor, inputs: Inputs, at: At, u: Tensor, along: Inputs) -> Second:
        leaves = [one.detach().requires_grad_() for one in (theta, *inputs)]
        value = self._second(leaves[0], tuple(leaves[1:]), at)
        first = torch.autograd.grad(value, leaves if along else leaves[:1], create_graph=True)
        pairs = [pair for pair in zip(first, (u, *along), strict=True) if pair[0].requires_grad]
        if not pairs:  # a loss that is linear in everything
            return Second(torch.zeros_like(theta), tuple(map(torch.zeros_like, inputs)), first[1:])
        outputs, directions = zip(*pairs, strict=True)
        found = torch.autograd.grad(outputs, leaves, directions, allow_unused=True)
        full = [torch.zeros_like(one) if one_found is None else one_found
                for one, one_found in zip(leaves, found, strict=True)]  # fmt: skip
        return Second(full[0], tuple(full[1:]), tuple(one.detach() for one in first[1:]))


class Products(Protocol):
    """What the engine needs of an inner loss; meta-gradients add up in `grads`."""

    @property
    def grads(self) -> Tensors: ...

    def gradient(self, theta: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """Value and g_t [n]."""

    def product(self, theta: Tensor, u: Tensor, t: int) -> Tensor:
        """d <g_t, u> / d theta [n], a new tensor; d <g_t, u> / d meta is added to `grads`."""


class WholeLoss:
    """Any inner_loss(params, meta, step)."""

    def __init__(self, differentiator: Differentiator, meta: Tensors) -> None:
        self._how, self._meta = differentiator, tuple(meta.values())
        self.grads = {name: torch.zeros_like(tensor) for name, tensor in meta.items()}

    @staticmethod
    def function(loss: InnerLoss, layout: Layout, names: tuple[str, ...]) -> Function:
        return lambda theta, inputs, t: loss(layout.views(theta), dict(zip(names, inputs, strict=True)), t)

    def gradient(self, theta: Tensor, t: int) -> tuple[Tensor, Tensor]:
        value, gradient, _ = self._how.gradient(theta, self._meta, t, of_inputs=False)
        return value, gradient

    def product(self, theta: Tensor, u: Tensor, t: int) -> Tensor:
        second = self._how.product(theta, self._meta, t, u, ())
        for grad, found in zip(self.grads.values(), second.inputs, strict=True):
            grad += found if theta.dim() == 1 else found.sum(0)
        return second.theta


class SplitProducts:
    """A `SplitLoss` by its parts (equations in `split`). Tables of K stacked students lie side by side, [V, K k], so
    that X is read once for all of them; the core knows no step, so that it is compiled once."""

    def __init__(self, differentiator: Differentiator, loss: SplitLoss, layout: Layout, meta: Tensors) -> None:
        self._how, self._loss, self._layout = differentiator, loss, layout
        self._meta = {name: tensor.detach() for name, tensor in meta.items()}
        self.grads = {name: torch.zeros_like(tensor) for name, tensor in meta.items()}

    @staticmethod
    def function(core: Core, layout: Layout, head: LogSumExp) -> Function:
        return lambda theta, inputs, keep: core(layout.views(theta), inputs[0], head, keep)

    def gradient(self, theta: Tensor, t: int) -> tuple[Tensor, Tensor]:
        return self.gradient_on(theta, self._loss.reading(t))

    def product(self, theta: Tensor, u: Tensor, t: int) -> Tensor:
        return self.product_on(theta, u, self._loss.reading(t))

    def gradient_on(self, theta: Tensor, read: Reading) -> tuple[Tensor, Tensor]:
        """`gradient` of a step that reads this."""
        rows = self._loss.rows(self._meta, read.chosen)
        products = _apart(rows.times(self._tables(theta)), theta)
        value, gradient, (left,) = self._how.gradient(theta, (products,), read.keep, of_inputs=True)
        self._add_transposed(rows, left, gradient)
        return value, gradient

    def product_on(self, theta: Tensor, u: Tensor, read: Reading) -> Tensor:
        """`product` of a step that reads this."""
        rows, tables = self._loss.rows(self._meta, read.chosen), self._tables(theta)
        both = torch.cat([tables, self._tables(u)], 1)
        products, along = (_apart(part, theta) for part in torch.split(rows.times(both), tables.shape[1], -1))
        second = self._how.product(theta, (products,), read.keep, u, (along,))
        self._add_transposed(rows, second.inputs[0], second.theta)
        left = [_side_by_side(part, theta) for part in (second.inputs[0], second.first[0])]
        rows.pull(torch.cat(left, -1), both, self.grads)
        return second.theta

    def _tables(self, theta: Tensor) -> Tensor:
        chosen = [column for one in _students(theta) for column in self._columns(one)]
        return chosen[0] if len(chosen) == 1 else torch.cat(chosen, 1)

    def _columns(self, theta: Tensor) -> list[Tensor]:
        """Views [V, .] of the tables; a bias [V] is one column."""
        views = self._layout.views(theta)
        return [views[name].view(len(views[name]), -1) for name in self._loss.core.tables]

    def _add_transposed(self, rows: Rows, left: Tensor, into: Tensor) -> None:
        """into += (d X B / d theta)^T left, table by table."""
        for student, own in zip(_students(into), left if into.dim() == 2 else (left,), strict=True):
            columns = self._columns(student)
            widths = [column.shape[1] for column in columns]
            for column, part in zip(columns, torch.split(own, widths, -1), strict=True):
                rows.add_transposed(part, column)


def _students(theta: Tensor) -> tuple[Tensor, ...]:
    """Views [n] of each student."""
    return theta.unbind(0) if theta.dim() == 2 else (theta,)


def _apart(products: Tensor, theta: Tensor) -> Tensor:
    """[b, L, K k] -> [K, b, L, k] for K stacked students."""
    if theta.dim() == 2:
        products = products.view(*products.shape[:-1], len(theta), -1).movedim(-2, 0)
    return products.contiguous()


def _side_by_side(parts: Tensor, theta: Tensor) -> Tensor:
    """[K, b, L, k] -> [b, L, K k]."""
    return parts.movedim(0, -2).flatten(-2) if theta.dim() == 2 else parts
