"""A tiny problem in float64 whose gradients are held against other roads: for the tests of every objective."""

from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.device import CPU
from farzi_core.distill.flight import Runner
from farzi_core.distill.outer import OuterProblem, OuterState, latent_gradients, meta_parameters
from farzi_core.distill.synthetic import Synthetic
from farzi_core.models.model import build

TINY: dict[str, Any] = {
    "model.hidden": 4, "synthetic.mu": 4, "synthetic.xi": 4, "synthetic.d": 3, "teacher.states": 3,
    "inner.steps": 3, "inner.batch": 4, "inner.lifetime": 6, "inner.students": 2, "inner.omega_share": 0,
    "outer.batch": 6, "outer.starts": 1, "objective.matches": 3, "objective.ahead": 2,
}  # fmt: skip


@cache
def data() -> Dataset:
    return prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)


def doubled(runner: Runner) -> Runner:
    kept = runner.moments._asdict().values()
    return replace(runner, theta=runner.theta.double(), moments=type(runner.moments)(*(one.double() for one in kept)))


def exact(**settings: Any) -> tuple[OuterProblem, OuterState]:
    """A tiny problem in float64 from random Z, M, Omega and teachers."""
    chosen = {key.replace("__", "."): value for key, value in settings.items()}
    config = with_settings(RunConfig(), {**TINY, **chosen})
    items, generator = len(data().vocab), torch.Generator().manual_seed(0)
    sizes = config.synthetic

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    faces = (2,) if sizes.labelled else ()
    synthetic = Synthetic(draw(sizes.mu, *faces, sizes.xi, sizes.d), draw(sizes.d, items), 0.8)
    n, more = (
        sum(weight.numel() for weight in build(config.model, items, length).init(torch.Generator()).values())
        for length in (config.student_length, config.model.max_length)
    )
    omega, teachers = 0.3 * draw(2, 4, n), draw(config.objective.ensemble, more)
    problem = OuterProblem(config, data().part("train"), items, omega, CPU, teachers=teachers)
    state = problem.start(synthetic)
    return problem, replace(state, runners=tuple(map(doubled, state.runners)))


def gradients(problem: OuterProblem, state: OuterState) -> tuple[float, Tensor]:
    """The outer value of slot 0's window, and (dZ, dM) as one vector."""
    meta = meta_parameters(state.synthetic)
    found = problem.window(state, 0, meta)
    parts = latent_gradients(state.synthetic, meta, found.grads)
    return float(found.outer_value), torch.cat([part.flatten() for part in parts])


def moved(state: OuterState, by: Tensor) -> OuterState:
    old = state.synthetic
    of_latent, of_decoder = by.split([old.latent.numel(), old.decoder.numel()])
    new = replace(
        old, latent=old.latent + of_latent.view_as(old.latent), decoder=old.decoder + of_decoder.view_as(old.decoder)
    )
    return replace(state, synthetic=new)
