"""What a window of a student is held against, one class an objective: the paper's table 2 (docs/method.md, section 6).

    Meta        L_D(theta_T), the loss on real data at its end: Farzi, and MM where no student starts from Omega; or the
                loss against what an ensemble of full-data models expects on them
    Gradient    Dist(grad L_D, grad L_syn) at states on the way: gradient matching, DC (arXiv 2006.05929)
    Trajectory  |theta_T - theta*|^2 / |theta_0 - theta*|^2 for theta_0 and a later theta* of one trajectory of Omega:
                trajectory matching, MTT (arXiv 2203.11932)

Each finds its exact gradient with respect to the meta-parameters (`outer.meta_parameters`) with the same engine.

Legend: D real data, syn synthetic data, T steps of a window, n weights of a student.
"""

from dataclasses import dataclass
from typing import Any, Protocol, assert_never

import numpy as np
import torch
from torch import Tensor

from farzi_core.distill.flight import Flight, Runner
from farzi_core.distill.gradient_matching import Gradient
from farzi_core.distill.guard import EXPLODED
from farzi_core.distill.inner_loss import SyntheticLoss
from farzi_core.distill.layout import Tensors
from farzi_core.distill.reverse import MetaGradient, OuterLoss, adam_metagradient
from farzi_core.distill.synthetic import Synthetic
from farzi_core.distill.windows import Found
from farzi_core.models.losses import hard_loss, taught_loss
from farzi_core.teacher.ensemble import Ensemble


class Objective(Protocol):
    """One way to judge a window."""

    @property
    def lifetime(self) -> int:
        """Steps after which a student is replaced."""

    @property
    def exploded(self) -> float:
        """How far above the best mean of its age an outer value is divergence (`guard`), in the value's unit."""

    def window(self, runner: Runner, synthetic: Synthetic, meta: Tensors, generator: np.random.Generator) -> Found:
        """The outer value of `runner`'s next T steps and its gradient with respect to `meta`, made of `synthetic`."""


def objective_of(flight: Flight, teachers: Tensor) -> Objective:
    """The configured one; meta-matching is held against `teachers` [E, n] where there are any."""
    match flight.config.objective.kind:
        case "meta":
            if len(teachers) != flight.config.objective.ensemble:
                raise ValueError(
                    f"objective.teachers = {flight.config.objective.teachers} and {len(teachers)} models are there; "
                    "train them (teacher.ensemble), or set it to 0"
                )
            some = Ensemble.of(flight.config, flight.model.items, teachers) if len(teachers) else None
            return Meta(flight, some)
        case "gradient":
            return Gradient(flight)
        case "trajectory":
            return Trajectory(flight)
    assert_never(flight.config.objective.kind)


@dataclass(frozen=True)
class Meta:
    """Meta-matching: the outer loss, in nats an event, differentiated through all steps of the window. It is the loss
    on the next real events, or on what `teachers` expect there."""

    flight: Flight
    teachers: Ensemble | None
    exploded = EXPLODED

    @property
    def lifetime(self) -> int:
        return self.flight.config.inner.lifetime

    def window(self, runner: Runner, synthetic: Synthetic, meta: Tensors, generator: np.random.Generator) -> Found:
        tokens, model = self.flight.tokens(generator), self.flight.model
        loss = self.flight.window_loss(synthetic, runner.age, generator)
        if self.teachers is None:
            return _through(self.flight, runner, loss, lambda weights: hard_loss(model, weights, tokens), meta)
        wanted = self.teachers.targets(tokens)
        return _through(self.flight, runner, loss, lambda weights: taught_loss(model, weights, tokens, wanted), meta)


@dataclass(frozen=True)
class Trajectory:
    """Trajectory matching: the window starts at a state of Omega drawn for it, and its student ends there."""

    flight: Flight
    exploded = 3.0  # squared distances to the goal at the start of the window

    @property
    def lifetime(self) -> int:
        return self.flight.config.inner.steps

    def window(self, _runner: Runner, synthetic: Synthetic, meta: Tensors, generator: np.random.Generator) -> Found:
        start, goal = self.flight.omega.stretch(self.flight.config.objective.ahead, generator)
        loss = self.flight.window_loss(synthetic, 0, generator)
        wanted, far = self.flight.layout.views(goal), (start - goal).square().sum()

        def outer(weights: Tensors) -> Tensor:
            parts = [(weights[name] - one).square().sum() for name, one in wanted.items()]
            return torch.stack(parts).sum() / far

        return _through(self.flight, self.flight.beginning(start), loss, outer, meta)


def _through(
    flight: Flight, runner: Runner, loss: SyntheticLoss, outer_loss: OuterLoss, meta: Tensors
) -> MetaGradient[Any]:
    """The meta-gradient of an outer loss through the window."""
    return adam_metagradient(
        loss, outer_loss, flight.layout.views(runner.theta), meta,
        steps=flight.config.inner.steps, optimizer=flight.optimizer, start_step=runner.age, state=runner.moments,
        memory="auto", hvp=flight.hvp,
    )  # fmt: skip
