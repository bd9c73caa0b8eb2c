"""Students in flight: how one begins, and what its next window of T steps trains on.

A student is trained on synthetic data for `lifetime` steps in windows of T; each window is differentiated through all
of its steps (a moving window, as in RaT-BPTT, arXiv 2311.07025), and the student goes on where its window ended. So
every age is covered but the first `burn_in` steps: what they say of the data is mostly the noise of random weights.

Legend: mu sequences, xi positions, n weights of a student.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Sequences
from farzi_core.distill.adam import Moments
from farzi_core.distill.differentiate import hvp_on, optimizer_of, products_of
from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.optimizer import Optimizer
from farzi_core.distill.sgd import Velocity
from farzi_core.distill.split import Reading
from farzi_core.distill.stretches import Stretches
from farzi_core.distill.synthetic import Synthetic
from farzi_core.evaluation.recipe import inner_optimizer
from farzi_core.models.losses import tables_of
from farzi_core.models.model import build
from farzi_core.seeds import stream, torch_stream
from farzi_core.teacher.omega import Omega
from farzi_core.teacher.train import fresh, mask, tokens_of


@dataclass(frozen=True)
class Runner:
    """A student in flight: weights [n], the optimiser's state [n] each, and the steps behind it."""

    theta: Tensor
    moments: Moments | Velocity
    age: int


class Flight:
    """What all students of a run share: the architecture, the optimiser, the real data and Omega."""

    def __init__(self, config: RunConfig, train: Sequences, items: int, omega: Omega, device: torch.device) -> None:
        self.config, self.train, self.omega, self.device = config, train, omega, device
        self.model = build(config.model, items, config.student_length)
        self.optimizer: Optimizer[Any] = inner_optimizer(config)
        self.hvp = hvp_on(device, config.runtime.hvp)
        self.layout = Layout.of(self.model.init(torch_stream(0, "layout")))

    def new_runner(self, *indices: int) -> Runner:
        """A fresh student: random weights, or with probability `omega_share` a state of Omega."""
        chance = stream(self.config.seed, "runner", *indices)
        if len(self.omega) and chance.random() < self.config.inner.omega_share:
            return self.beginning(self.omega.trained(int(chance.integers(len(self.omega)))))
        return self.random_runner(*indices)

    def random_runner(self, *indices: int) -> Runner:
        """A fresh student with random weights."""
        weights = fresh(self.model, torch_stream(self.config.seed, "runner weights", *indices), self.device)
        return self.beginning(self.layout.flatten(weights))

    def beginning(self, theta: Tensor) -> Runner:
        """A student that begins at theta [n]."""
        return Runner(theta, self.optimizer.init(theta), 0)

    def tokens(self, generator: np.random.Generator) -> Tensor:
        """`outer.batch` real sequences [B, L], one random window of each."""
        users = generator.choice(len(self.train), min(self.config.outer.batch, len(self.train)), replace=False)
        return tokens_of(self.train, users, self.model.max_length, generator, self.device)

    def mask(self, inputs: tuple[int, ...], generator: np.random.Generator) -> Tensor | None:
        """Of dropout: [*inputs, H] for so many inputs of a student, None where it has none."""
        shape = (*inputs, self.layout.shapes["item"][1])
        return mask(shape, self.config.inner.dropout, generator, self.device)

    def grown(
        self, runner: Runner, age: int, synthetic: Synthetic, meta: Tensors, generator: np.random.Generator
    ) -> Runner:
        """`runner` at `age`, that of its first window, up to which nothing is differentiated; an older one as it is."""
        if runner.age >= age:
            return runner
        loss = self.loss(synthetic, runner.age, generator, age - runner.age)
        products = products_of(loss, self.layout, meta, self.device, self.hvp)
        optimizer, theta, moments = optimizer_of(self.optimizer, self.hvp), runner.theta, runner.moments
        for t in range(runner.age, age):
            theta, moments = optimizer.step(theta, products.gradient(theta, t)[1], moments, t)
        return Runner(theta, moments, age)

    def window_loss(self, synthetic: Synthetic, age: int, generator: np.random.Generator) -> SyntheticLoss:
        """The inner loss of the T steps age, age + 1, ..."""
        return self.loss(synthetic, age, generator, self.config.inner.steps)

    def loss(self, synthetic: Synthetic, age: int, generator: np.random.Generator, steps: int) -> SyntheticLoss:
        """The same of `steps` steps: soft loss on what each draws of the synthetic sequences (`Stretches`)."""
        stretches = Stretches.of(self.config, synthetic.mu)
        drawn = np.stack([stretches.draw(generator) for _ in range(steps)])
        rows = torch.from_numpy(drawn).to(self.device)  # one transfer for all steps
        seed = int(generator.integers(2**63)) if self.config.inner.dropout else None

        def of_step(t: int) -> Reading:
            chosen = None if stretches.everything else rows[t - age]
            if seed is None:
                return Reading(chosen)
            # The mask is drawn again at each call, of which a step has a few: those of a whole window may be large
            return Reading(chosen, self.mask(stretches.inputs, np.random.default_rng((seed, t))))

        return SyntheticLoss(StudentCore(self.model, tables_of(self.layout.shapes)), synthetic.tau, of_step)
