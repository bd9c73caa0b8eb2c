"""adam_metagradient: the exact gradient of an outer loss through T steps of Adam, without holding T graphs.

Reverse-mode differentiation through Adam (Maclaurin et al. 2015, arXiv 1502.03492, for momentum; Sachdeva et al. 2023,
arXiv 2310.09983, section 3 and appendix B.2, for Adam, whose line 13 is corrected here: docs/method.md).

Cost, in gradients G of the inner loss, for T steps and n = |theta| numbers: T forward and T Hessian-vector products,
about (1 + 3) G T; memory="checkpoint" adds one G T. Memory beside one step's graph:

    "store"       T n for the gradients (the g-tape) + 3 n ceil(sqrt T) states; the rest is replayed element by element
    "checkpoint"  3 n ceil(sqrt T) states + n ceil(sqrt T) gradients of one segment

Adam is not inverted: float32 inversion is NaN after 40-60 steps. Not perfect: the graph of one step is built by
plain autograd (reverse over reverse, 3 G) where a hand-written product would need 8/3 G.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from farzi_core.distill import adam as adam_steps
from farzi_core.distill.adam import Adam, Adjoint, Moments
from farzi_core.errors import ConfigError

Tensors = dict[str, Tensor]
InnerLoss = Callable[[Tensors, Tensors, int], Tensor]
OuterLoss = Callable[[Tensors], Tensor]
Memory = Literal["store", "checkpoint"]


@dataclass(frozen=True)
class MetaGradient:
    """What one pass forward and back yields.

    outer_value   the outer loss at theta_T (scalar)
    grads         d outer / d meta_params, same keys and shapes as meta_params
    final_params  theta_T
    start_grads   d outer / d theta_0, same keys and shapes as params
    state         Adam's moments after the last step, to go on from (flat, [n])
    growth        |d outer / d theta_0| / |d outer / d theta_T|: above about 1e3 the gradient is chaos
    """

    outer_value: Tensor
    grads: Tensors
    final_params: Tensors
    start_grads: Tensors
    state: Moments
    growth: float


@dataclass(frozen=True)
class Layout:
    """How named tensors lie in one flat vector."""

    shapes: dict[str, torch.Size]

    @classmethod
    def of(cls, params: Mapping[str, Tensor]) -> "Layout":
        kinds = {(tensor.dtype, tensor.device) for tensor in params.values()}
        if len(kinds) != 1:
            raise ConfigError(f"params mix {sorted(map(str, kinds))}: they must share one dtype and one device")
        return cls({name: tensor.shape for name, tensor in params.items()})

    def flatten(self, params: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([params[name].detach().reshape(-1) for name in self.shapes])

    def views(self, theta: Tensor) -> Tensors:
        """Named views of theta [n]; differentiable."""
        parts = torch.split(theta, [shape.numel() for shape in self.shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}


class _State(NamedTuple):
    theta: Tensor
    moments: Moments


@dataclass
class _Tape:
    """States at the start of every segment and, where kept, every gradient."""

    every: int
    states: list[_State] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)


def adam_metagradient(
    inner_loss: InnerLoss,
    outer_loss: OuterLoss,
    params: Mapping[str, Tensor],
    meta_params: Mapping[str, Tensor],
    *,
    steps: int,
    optimizer: Adam | None = None,
    start_step: int = 0,
    state: Moments | None = None,
    memory: Memory = "store",
) -> MetaGradient:
    """Exact d outer_loss(theta_T) / d meta_params through `steps` updates theta <- Adam(theta, d inner_loss / d theta).

    inner_loss(params, meta_params, step) -> scalar, twice differentiable, the same at each call with the same arguments
    outer_loss(params) -> scalar
    start_step, state   go on from an earlier inner loop: steps are counted (and biases corrected) from start_step
    Raises ConfigError for steps < 1, an unknown memory mode, or mixed dtypes or devices.
    """
    if steps < 1:
        raise ConfigError(f"steps={steps}: at least 1 inner step is needed")
    if memory not in ("store", "checkpoint"):
        raise ConfigError(f"memory={memory!r}: choose 'store' or 'checkpoint'")
    problem = _Problem(inner_loss, outer_loss, Layout.of(params), dict(meta_params), optimizer or Adam(), start_step)
    theta = problem.layout.flatten(params)
    start = _State(theta, state or adam_steps.init(theta))
    tape = _Tape(math.ceil(math.sqrt(steps)))
    final = problem.forward(start, steps, tape, keep_gradients=memory == "store")
    value, at_end = problem.outer_gradient(final.theta)
    at_start, grads = problem.backward(tape, steps, at_end)
    growth = float(at_start.norm() / at_end.norm()) if float(at_end.norm()) > 0 else 0.0
    views = problem.layout.views
    return MetaGradient(value, grads, views(final.theta), views(at_start), final.moments, growth)


@dataclass(frozen=True)
class _Problem:
    inner_loss: InnerLoss
    outer_loss: OuterLoss
    layout: Layout
    meta: Tensors
    adam: Adam
    start_step: int

    def gradient(self, theta: Tensor, t: int) -> Tensor:
        """g_t [n] of the inner loss."""
        leaf = theta.detach().requires_grad_()
        constant = {name: tensor.detach() for name, tensor in self.meta.items()}
        return torch.autograd.grad(self.inner_loss(self.layout.views(leaf), constant, t), leaf)[0]

    def outer_gradient(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        leaf = theta.detach().requires_grad_()
        value = self.outer_loss(self.layout.views(leaf))
        return value.detach(), torch.autograd.grad(value, leaf)[0]

    def update(self, state: _State, gradient: Tensor, t: int) -> _State:
        return _State(*adam_steps.step(self.adam, state.theta, gradient, state.moments, t))

    def forward(self, state: _State, steps: int, tape: _Tape, keep_gradients: bool) -> _State:
        for i in range(steps):
            if i % tape.every == 0:
                tape.states.append(state)
            gradient = self.gradient(state.theta, self.start_step + i)
            if keep_gradients:
                tape.gradients.append(gradient)
            state = self.update(state, gradient, self.start_step + i)
        return state

    def backward(self, tape: _Tape, steps: int, at_end: Tensor) -> tuple[Tensor, Tensors]:
        """From d outer / d theta_T [n] to d outer / d theta_0 [n] and the gradients of the meta-parameters."""
        zero = torch.zeros_like(at_end)
        adjoint = Adjoint(at_end, zero, zero)
        grads = {name: torch.zeros_like(tensor) for name, tensor in self.meta.items()}
        for segment in reversed(range(len(tape.states))):
            first = segment * tape.every
            states, gradients = self._replay(tape, first, min(first + tape.every, steps))
            for i in reversed(range(len(gradients))):
                adjoint = self._step_back(
                    adjoint, states[i], states[i + 1], gradients[i], self.start_step + first + i, grads
                )
        return adjoint.theta, grads

    def _replay(self, tape: _Tape, first: int, last: int) -> tuple[list[_State], list[Tensor]]:
        """States before and after each step of a segment, bit for bit those of the forward pass."""
        states, gradients = [tape.states[first // tape.every]], tape.gradients[first:last]
        for i in range(last - first):
            t = self.start_step + first + i
            if len(gradients) <= i:
                gradients.append(self.gradient(states[i].theta, t))
            states.append(self.update(states[i], gradients[i], t))
        return states, gradients

    def _step_back(
        self, adjoint: Adjoint, before: _State, after: _State, gradient: Tensor, t: int, grads: Tensors
    ) -> Adjoint:
        if self.adam.weight_decay and not self.adam.decoupled:
            gradient = gradient.add(before.theta, alpha=self.adam.weight_decay)
        adjoint, u = adam_steps.adjoint_of_update(self.adam, adjoint, after.moments, gradient, t)
        products = self._hessian_vector_product(before.theta, u, t)
        for name, product in zip(grads, products[1:], strict=True):
            grads[name] += product
        return Adjoint(adjoint.theta + products[0], adjoint.m, adjoint.v)

    def _hessian_vector_product(self, theta: Tensor, u: Tensor, t: int) -> list[Tensor]:
        """d <g_t, u> / d (theta, *meta): reverse over reverse."""
        leaf = theta.detach().requires_grad_()
        metas = {name: tensor.detach().requires_grad_() for name, tensor in self.meta.items()}
        loss = self.inner_loss(self.layout.views(leaf), metas, t)
        (gradient,) = torch.autograd.grad(loss, leaf, create_graph=True)
        inputs = [leaf, *metas.values()]
        if not gradient.requires_grad:  # an inner loss that is linear in theta and free of meta-parameters
            return [torch.zeros_like(one) for one in inputs]
        products = torch.autograd.grad(gradient, inputs, u, allow_unused=True)
        return [
            torch.zeros_like(one) if product is None else product for one, product in zip(inputs, products, strict=True)
        ]
