"""Omega: short training trajectories on the real data, whose states inner loops may start from (paper, equation 2).

The paper gives only the number of trajectories; states are kept evenly along each, the random start excluded because
fresh students start there anyway. Only weights are kept: Adam's moments are zero at the start of an inner loop.
"""

import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Sequences
from farzi_core.distill.adam import Adam
from farzi_core.distill.reverse import Layout
from farzi_core.models.model import Model
from farzi_core.parallel import map_threads
from farzi_core.seeds import stream, torch_stream
from farzi_core.teacher.train import epochs_loss, fresh, train


def trajectories(model: Model, part: Sequences, config: RunConfig, device: torch.device) -> Tensor:
    """States [trajectories * states, n] as flat weight vectors; [0, n] where Omega is switched off."""
    teacher, seed = config.teacher, config.seed
    adam = Adam(teacher.lr_of(config.model.kind))
    every = max(1, teacher.trajectory_steps // teacher.states)

    def one(index: int) -> list[Tensor]:
        weights = fresh(model, torch_stream(seed, "omega weights", index), device)
        loss = epochs_loss(model, part, teacher.batch, stream(seed, "omega batches", index), device)
        states = train(weights, loss, adam, teacher.trajectory_steps, every)
        return [Layout.of(state.weights).flatten(state.weights) for state in states]

    found = [state for states in map_threads(one, range(teacher.trajectories), device) for state in states]
    if not found:
        weights = fresh(model, torch_stream(seed, "omega weights", 0), device)
        return Layout.of(weights).flatten(weights).new_zeros(0, sum(one.numel() for one in weights.values()))
    return torch.stack(found)
