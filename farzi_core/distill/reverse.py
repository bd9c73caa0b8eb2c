"""adam_metagradient: the exact gradient of an outer loss through T optimiser steps, without holding T graphs.

Reverse-mode differentiation through an optimiser (Maclaurin et al. 2015, arXiv 1502.03492, for momentum; Sachdeva et
al. 2023, arXiv 2310.09983, section 3 and appendix B.2, for Adam, whose line 13 is corrected here: docs/method.md).

Cost, in gradients G of the inner loss, for T steps: T gradients forward and T Hessian-vector products, about
(1 + 3) G T by plain autograd, less for a `SplitLoss`. What is kept beside one step's graph is a memory mode's choice
(`plan.memory_plan` prints bytes and cost of each). The optimiser is never inverted: float32 inversion of Adam is NaN
after 40-60 steps.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, get_args

import torch
from torch import Tensor

from farzi_core.device import seconds
from farzi_core.distill.adam import Adam
from farzi_core.distill.differentiate import Hvp, optimizer_of, products_of
from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.optimizer import Adjoint, Optimizer, State
from farzi_core.distill.plan import MODES, Memory, Row, default_budget, memory_plan
from farzi_core.distill.products import InnerLoss, Products
from farzi_core.distill.split import SplitLoss
from farzi_core.distill.tape import Point, Step, Walk
from farzi_core.errors import ConfigError

OuterLoss = Callable[[Tensors], Tensor]
Tape = Literal["device", "host"]


@dataclass(frozen=True)
class Trace:
    """Per inner step: the inner loss before it and |d outer / d theta| before it, each [T] (stacked: [T, K])."""

    losses: Tensor
    adjoint_norms: Tensor


@dataclass(frozen=True)
class MetaGradient(Generic[State]):
    """What one pass forward and back yields. Of K stacked students all but grads has a leading axis K; grads are summed
    over them, growth is the largest.

    outer_value     the outer loss at theta_T (scalar)
    grads           d outer / d meta_params, same keys and shapes as meta_params
    final_params    theta_T
    start_grads     d outer / d theta_0, same keys and shapes as params
    state           the optimiser's state after the last step, to go on from (flat, [n])
    growth          |d outer / d theta_0| / |d outer / d theta_T|: above about 1e3 the gradient is chaos
    singular_share  mean over steps of the share of |u|^2 from coordinates with sqrt(vhat) < 10 eps: near 1 the gradient
                    rests on coordinates whose own gradient is rounding noise; a larger eps cures it
    cost_ratio      seconds of the whole meta-gradient over those of its forward pass, which is T plain training steps
    tape_bytes      what the chosen memory mode keeps beside one step's graph, by its plan
    trace           losses and adjoint norms of every step where asked for
    """

    outer_value: Tensor
    grads: Tensors
    final_params: Tensors
    start_grads: Tensors
    state: State
    growth: float
    singular_share: float
    cost_ratio: float
    tape_bytes: int
    trace: Trace | None = None


def adam_metagradient(
    inner_loss: InnerLoss | SplitLoss,
    outer_loss: OuterLoss | Sequence[OuterLoss],
    params: Mapping[str, Tensor],
    meta_params: Mapping[str, Tensor],
    *,
    steps: int,
    optimizer: Optimizer[State] | None = None,
    start_step: int = 0,
    state: State | None = None,
    memory: Memory = "store",
    budget_bytes: int | None = None,
    hvp: Hvp = "eager",
    tape: Tape = "device",
    trace: bool = False,
) -> MetaGradient[State]:
    """Exact d outer_loss(theta_T) / d meta_params through `steps` updates theta <- Adam(theta, d inner_loss / d theta).

    inner_loss(params, meta_params, step) -> scalar, twice differentiable, the same at each call with the same
                        arguments; a `SplitLoss` is differentiated by its parts, in less time and memory
    outer_loss(params) -> scalar; or K of them for K stacked students: params then hold K first weights along a first
                        axis, and every operation serves all of them (a GPU's lever: on a CPU no faster than in turn)
    optimizer           `Adam` (the default) or `SGD`
    start_step, state   go on from an earlier inner loop: steps are counted (and biases corrected) from start_step
    memory              "store" (gradients), "full" (states too), "checkpoint" (sqrt T states), "revolve" (what fits
                        into budget_bytes), "auto" (the fastest that fits); all give the same bits
    budget_bytes        for "revolve" and "auto"; None takes a quarter of the free memory
    hvp                 "eager"; "compiled" (torch.compile, minutes once, then cached); "captured" (CUDA graphs);
                        "compiled-captured" (both)
    tape                "device", or "host": gradients are kept in the machine's memory, pinned, and copied back in time
    trace               keep losses and adjoint norms of every step
    Raises ConfigError for steps < 1, unknown modes, a budget that is too small, or mixed dtypes or devices.
    """
    if steps < 1:
        raise ConfigError(f"steps={steps}: at least 1 inner step is needed")
    if tape not in get_args(Tape):
        raise ConfigError(f"tape={tape!r}: choose one of {', '.join(get_args(Tape))}")
    if memory not in MODES:
        raise ConfigError(f"memory={memory!r}: choose one of {', '.join(MODES)}")
    chosen: Optimizer[Any] = optimizer if optimizer is not None else Adam()
    outer = outer_loss if callable(outer_loss) else tuple(outer_loss)
    layout = Layout.of(params, len(outer) if isinstance(outer, tuple) else None)
    theta = layout.flatten(params)
    start = Point(theta, chosen.init(theta) if state is None else state)
    products = products_of(inner_loss, layout, dict(meta_params), theta.device, hvp, theta.dim() == 2)
    engine = _Engine(products, optimizer_of(chosen, hvp), start_step, trace)
    plan = _planned(start, steps, memory, budget_bytes)
    walk = Walk(engine.gradient, engine.update, steps, plan.schedule, tape == "host")
    began = seconds(theta.device)
    final = walk.forward(start)
    trained = seconds(theta.device) - began
    value, at_end = _outer_gradient(outer, layout, final.theta)
    at_start = engine.backward(walk, at_end)
    cost_ratio = (seconds(theta.device) - began) / max(trained, 1e-9)
    ended = at_end.norm(dim=-1)
    growth = float(torch.where(ended > 0, at_start.norm(dim=-1) / ended, 0.0).max())
    return MetaGradient(
        value, engine.products.grads, layout.views(final.theta), layout.views(at_start), final.state,
        growth, engine.singular_share(steps), cost_ratio, plan.bytes, engine.trace(steps),
    )  # fmt: skip


def _planned(start: Point[Any], steps: int, memory: Memory, budget_bytes: int | None) -> Row:
    theta = start.theta
    if budget_bytes is None and memory in ("revolve", "auto"):
        budget_bytes = default_budget(theta.device)
    plan = memory_plan(
        theta.numel(), steps, budget_bytes=budget_bytes, itemsize=theta.itemsize, moments=len(start.state)
    )
    if memory == "auto" and theta.is_cuda and plan.row("full").bytes <= (budget_bytes or 0):
        return plan.row("full")  # equal by the plan, but replaying a state costs launches, the dear thing on a GPU
    return plan.row(memory)


def _outer_gradient(
    outer_loss: OuterLoss | tuple[OuterLoss, ...], layout: Layout, theta: Tensor
) -> tuple[Tensor, Tensor]:
    if isinstance(outer_loss, tuple):  # one after the other: a single step of T, and each has data of its own
        found = [_outer_gradient(one, layout, row) for one, row in zip(outer_loss, theta, strict=True)]
        values, gradients = zip(*found, strict=True)
        return torch.stack(values), torch.stack(gradients)
    leaf = theta.detach().requires_grad_()
    value = outer_loss(layout.views(leaf))
    return value.detach(), torch.autograd.grad(value, leaf)[0]


class _Engine(Generic[State]):
    """The inner loop's two directions, and what is measured on the way."""

    def __init__(self, products: Products, optimizer: Optimizer[State], start_step: int, trace: bool) -> None:
        self.products, self._optimizer, self._start_step, self._trace = products, optimizer, start_step, trace
        self._losses: dict[int, Tensor] = {}
        self._norms: dict[int, Tensor] = {}
        self._singular: Tensor | float = 0.0

    def gradient(self, theta: Tensor, i: int) -> Tensor:
        value, gradient = self.products.gradient(theta, self._start_step + i)
        if self._trace:
            self._losses[i] = value
        return gradient

    def update(self, point: Point[State], gradient: Tensor, i: int) -> Point[State]:
        return Point(*self._optimizer.step(point.theta, gradient, point.state, self._start_step + i))

    def backward(self, walk: Walk[State], at_end: Tensor) -> Tensor:
        """From d outer / d theta_T [n] to d outer / d theta_0 [n]; gradients of meta_params add up in `products`."""
        adjoint = Adjoint(at_end, self._optimizer.init(at_end))
        for step in walk.backward():
            adjoint = self._step_back(adjoint, step)
            if self._trace:
                self._norms[step.i] = adjoint.theta.norm(dim=-1)
        return adjoint.theta

    def _step_back(self, adjoint: Adjoint[State], step: Step[State]) -> Adjoint[State]:
        t = self._start_step + step.i
        back = self._optimizer.adjoint(adjoint, step.before.theta, step.after.state, step.gradient, t)
        self._singular = self._singular + back.share
        product = self.products.product(step.before.theta, back.u, t)
        return Adjoint(product.add_(back.adjoint.theta), back.adjoint.state)

    def singular_share(self, steps: int) -> float:
        return float(self._singular) / steps

    def trace(self, steps: int) -> Trace | None:
        if not self._trace:
            return None
        losses, norms = ([table[i] for i in range(steps)] for table in (self._losses, self._norms))
        return Trace(torch.stack(losses), torch.stack(norms))
