"""Omega: short training trajectories on the real data, whose states inner loops may start from (paper, equation 2).

The paper gives only the number of trajectories; states are kept evenly along each, in order, its random start first:
students of meta-matching begin at the others (fresh ones begin at random weights anyway), and those of trajectory
matching at any state that has one to reach. Only weights are kept: the optimiser begins an inner loop anew.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Sequences
from farzi_core.distill.adam import Adam
from farzi_core.distill.layout import Layout
from farzi_core.models.model import Model
from farzi_core.parallel import map_threads
from farzi_core.seeds import stream, torch_stream
from farzi_core.teacher.train import epochs_loss, fresh, train


@dataclass(frozen=True)
class Omega:
    """states [trajectories, 1 + kept, n]: flat weights in the order of training; without trajectories it is empty."""

    states: Tensor

    def __len__(self) -> int:
        """States that training has reached: all but the random starts."""
        return len(self.states) * (self.states.shape[1] - 1) if len(self.states) else 0

    def trained(self, index: int) -> Tensor:
        """One of the `len(self)` states [n], counted along one trajectory after the other."""
        trajectory, place = divmod(index, self.states.shape[1] - 1)
        return self.states[trajectory, 1 + place]

    def stretch(self, ahead: int, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Two states [n] of a random trajectory, the second `ahead` kept states after the first."""
        trajectory = int(generator.integers(len(self.states)))
        first = int(generator.integers(self.states.shape[1] - ahead))
        return self.states[trajectory, first], self.states[trajectory, first + ahead]


def trajectories(
    model: Model, part: Sequences, config: RunConfig, device: torch.device, between: Callable[[], None] = lambda: None
) -> Tensor:
    """The states of `Omega`, by Adam on the real data; [0, 1, n] where Omega is switched off.

    `between` is called before each trajectory; what it raises ends them all.
    """
    teacher, seed = config.teacher, config.seed
    adam = Adam(teacher.lr_of(config.model.kind))
    kept = min(teacher.states, teacher.trajectory_steps)
    wanted = {teacher.trajectory_steps * (place + 1) // kept for place in range(kept)}

    def one(index: int) -> Tensor:
        between()
        weights = fresh(model, torch_stream(seed, "omega weights", index), device)
        loss = epochs_loss(model, part, teacher.batch, stream(seed, "omega batches", index), device)
        states = train(weights, loss, adam, teacher.trajectory_steps, 1)
        layout = Layout.of(weights)
        trained = [layout.flatten(state.weights) for state in states if state.step in wanted]
        return torch.stack([layout.flatten(weights), *trained])

    found = map_threads(one, range(teacher.trajectories), device)
    if not found:
        start = fresh(model, torch_stream(seed, "omega weights", 0), device)
        return Layout.of(start).flatten(start).new_zeros(0, 1, sum(weight.numel() for weight in start.values()))
    return torch.stack(found)
