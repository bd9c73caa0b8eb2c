"""Ordinary training and validation: full-data references, students on any data, trajectories.

One training loop serves all of them: what differs is the loss of a step (`StepLoss`).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from farzi_core.data.batches import IGNORED, windows
from farzi_core.data.dataset import Sequences
from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.optimizer import Optimizer
from farzi_core.models.losses import hard_loss
from farzi_core.models.model import Model

StepLoss = Callable[[Tensors, int], Tensor]


@dataclass(frozen=True)
class State:
    """Weights after `step` training steps and `seconds` of training (without validation)."""

    step: int
    seconds: float
    weights: Tensors


def train(weights: Tensors, loss: StepLoss, optimizer: Optimizer[Any], steps: int, every: int) -> Iterator[State]:
    """Train for `steps` steps of `optimizer`; yields the states that are `looked_at`."""
    layout = Layout.of(weights)

    def gradient(theta: Tensor, t: int) -> Tensor:
        leaf = theta.detach().requires_grad_()
        return torch.autograd.grad(loss(layout.views(leaf), t), leaf)[0]

    return descend(layout, layout.flatten(weights), gradient, optimizer, steps, every)


def descend(
    layout: Layout,
    theta: Tensor,
    gradient: Callable[[Tensor, int], Tensor],
    optimizer: Optimizer[Any],
    steps: int,
    every: int,
) -> Iterator[State]:
    """`train` from flat weights theta [n], by a gradient(theta, t) [n] of any kind."""
    state, seconds, started = optimizer.init(theta), 0.0, time.perf_counter()
    for t in range(steps):
        theta, state = optimizer.step(theta, gradient(theta, t), state, t)
        if looked_at(t + 1, steps, every):
            seconds += time.perf_counter() - started
            yield State(t + 1, seconds, layout.views(theta))
            started = time.perf_counter()


def looked_at(step: int, steps: int, every: int) -> bool:
    """Whether the state after `step` steps is yielded: after every `every` steps, after the last, and after 1, 2, 4,
    ... before the first of those, since few sequences are learnt by heart in a few steps."""
    return step % every == 0 or step == steps or (step < every and step.bit_count() == 1)


def fresh(model: Model, generator: torch.Generator, device: torch.device) -> Tensors:
    """Random weights on `device`."""
    return {name: tensor.to(device) for name, tensor in model.init(generator).items()}


def epochs_loss(
    model: Model,
    train_part: Sequences,
    batch: int,
    generator: np.random.Generator,
    device: torch.device,
    dropout: float = 0.0,
) -> StepLoss:
    """Next-event loss on shuffled epochs of `train_part`, one random window a sequence, `batch` sequences a step, with
    a share `dropout` of the embedded events' numbers set to zero."""
    total = len(train_part)
    size = min(batch, total)
    per_epoch = total // size
    order = np.zeros(0, dtype=np.int64)

    def loss(weights: Tensors, t: int) -> Tensor:
        nonlocal order
        if t % per_epoch == 0:
            order = generator.permutation(total)
        rows = order[(t % per_epoch) * size : (t % per_epoch + 1) * size]
        tokens = tokens_of(train_part, rows, model.max_length, generator, device)
        shape = (tokens.shape[0], tokens.shape[1] - 1, weights["item"].shape[1])
        return hard_loss(model, weights, tokens, mask(shape, dropout, generator, device))

    return loss


def mask(shape: tuple[int, ...], dropout: float, generator: np.random.Generator, device: torch.device) -> Tensor | None:
    """`kept` on `device`; None, and nothing drawn, where nothing is dropped."""
    return kept(shape, dropout, generator).to(device) if dropout else None


def kept(shape: tuple[int, ...], dropout: float, generator: np.random.Generator) -> Tensor:
    """A mask of inverted dropout: 0 with probability `dropout`, else 1 / (1 - dropout), so that its mean is one."""
    stays = generator.random(shape, dtype=np.float32) >= dropout
    return torch.from_numpy(stays) / (1 - dropout)


def tokens_of(
    part: Sequences, rows: np.ndarray, length: int, generator: np.random.Generator, device: torch.device
) -> Tensor:
    """Random windows [B, L] of `rows`, cut to the longest one."""
    tokens = windows(part, rows, length, generator)
    width = max(2, int((tokens != IGNORED).sum(1).max()))
    return torch.from_numpy(tokens[:, :width]).to(device)
