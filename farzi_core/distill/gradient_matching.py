"""Gradient matching, DC (Zhao, Mopuri & Bilen 2021, arXiv 2006.05929): synthetic data that pull a student the same way.

At states theta_t of a student that trains on synthetic data, its gradient there is compared with the one on real data:

    Dist(g, h) = mean over output rows r of  1 - <g_r, h_r> / (|g_r| |h_r|)

With dropout both gradients have masks of their own: the one on real data is that of a training step, too.

A row is what leads to one output: a column of a matrix [in, out], and a row of a table (an embedding, an output head).
The authors add rows up instead of taking their mean, a constant factor that only clipping would see; vectors
(biases, gains) are left out as in their code, and so is how theta_t depends on the synthetic data. A row without a
gradient in one of them is at distance 1, without a slope.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from farzi_core.device import seconds
from farzi_core.distill.differentiate import optimizer_of, products_of
from farzi_core.distill.flight import Flight, Runner
from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.synthetic import Synthetic
from farzi_core.models.losses import hard_loss

TABLES = ("item", "head", "position")  # weights with one row an item or a place


@dataclass(frozen=True)
class Compared:
    """What a window yields (`windows.Found`). Nothing is carried back through its steps, so nothing can grow."""

    outer_value: Tensor
    grads: Tensors
    final_params: Tensors
    state: Any
    cost_ratio: float
    tape_bytes: int
    growth: float = 0.0
    singular_share: float = 0.0


@dataclass(frozen=True)
class Gradient:
    """The mean distance over `matches` states of a window (`objective.Objective`).

    Its derivative by the data is d <g_t, u> / d meta with u = d Dist / d g_t: the engine's Hessian-vector product.
    Cost: T gradients, and for each state compared one gradient of the real batch and one product.
    """

    flight: Flight
    exploded = 0.5  # of a mean of 1 - cosine: 1 is a direction that has nothing to do with the wanted one

    @property
    def lifetime(self) -> int:
        return self.flight.config.inner.lifetime

    def window(self, runner: Runner, synthetic: Synthetic, meta: Tensors, generator: np.random.Generator) -> Compared:
        flight, device = self.flight, self.flight.device
        tokens = flight.tokens(generator)
        keep = flight.mask(tuple(tokens[:, 1:].shape), generator)
        loss = flight.window_loss(synthetic, runner.age, generator)
        products = products_of(loss, flight.layout, meta, device, flight.hvp)
        optimizer = optimizer_of(flight.optimizer, flight.hvp)
        began = seconds(device)
        theta, state, chosen, kept = runner.theta, runner.moments, self._chosen(), []
        for t in range(runner.age, runner.age + flight.config.inner.steps):
            _, gradient = products.gradient(theta, t)
            if t - runner.age in chosen:
                kept.append((t, theta, gradient))
            theta, state = optimizer.step(theta, gradient, state, t)
        trained = seconds(device) - began
        values = []
        for t, before, gradient in kept:
            value, u = slope(flight.layout, gradient, self._real(before, tokens, keep))
            products.product(before, u / len(kept), t)
            values.append(value)
        return Compared(
            torch.stack(values).mean(), products.grads, flight.layout.views(theta), state,
            cost_ratio=(seconds(device) - began) / max(trained, 1e-9),
            tape_bytes=2 * len(kept) * theta.numel() * theta.itemsize,
        )  # fmt: skip

    def _chosen(self) -> set[int]:
        """Steps of a window, from 0, before which gradients are compared."""
        steps = self.flight.config.inner.steps
        count = min(steps, self.flight.config.objective.matches)
        return {i * steps // count for i in range(count)}

    def _real(self, theta: Tensor, tokens: Tensor, keep: Tensor | None) -> Tensor:
        """The gradient [n] of the loss on real tokens, under a mask of their inputs."""
        leaf = theta.detach().requires_grad_()
        value = hard_loss(self.flight.model, self.flight.layout.views(leaf), tokens, keep)
        return torch.autograd.grad(value, leaf)[0]


def slope(layout: Layout, made: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Dist of two flat gradients [n], and its derivative by the first [n]."""
    leaf = made.detach().requires_grad_()
    value = distance(layout.views(leaf), layout.views(real))
    return value.detach(), torch.autograd.grad(value, leaf)[0]


def distance(made: Tensors, real: Tensors) -> Tensor:
    """Dist of two gradients with a student's names and shapes: a scalar in [0, 2]."""
    return torch.cat([_rows(name, one, real[name]) for name, one in made.items() if one.ndim > 1]).mean()


def _rows(name: str, made: Tensor, real: Tensor) -> Tensor:
    axis = 1 if name in TABLES else 0
    norms = torch.linalg.vector_norm(made, dim=axis) * torch.linalg.vector_norm(real, dim=axis)
    seen = norms > 0
    return 1 - torch.where(seen, (made * real).sum(axis) / torch.where(seen, norms, 1.0), 0.0)
