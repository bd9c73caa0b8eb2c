"""Does float32 carry the meta-gradient of a run? One window of its own settings in float32 and again in float64.

Both start from the same numbers: the synthetic data, a student before its first window, its batches and the real users
of the outer loss. What differs is rounding alone, so the angle between the two gradients is what rounding does to the
direction of the outer step (reference: docs/engine.md, "Health").
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Sequences
from farzi_core.distill.flight import Runner
from farzi_core.distill.outer import OuterProblem, latent_gradients, meta_parameters
from farzi_core.distill.synthetic import Synthetic
from farzi_core.seeds import stream

TRUSTED = 0.14  # error up to which the direction is within 8 degrees (cosine .99), and the length within as much


@dataclass(frozen=True)
class Precision:
    """float32 against float64.

    cosine   of the angle between the two (dZ, dM)
    error    |float32 - float64| / |float64|
    growth   adjoint growth of the window, from float64
    """

    cosine: float
    error: float
    growth: float
    singular_share: float

    @property
    def trusted(self) -> bool:
        return self.error <= TRUSTED  # False for NaN; a cosine of 1 alone may be one exploded coordinate in both


def precision(config: RunConfig, train: Sequences, items: int, synthetic: Synthetic, device: torch.device) -> Precision:
    """Compare a student's first window, by the loss on real data whatever the objective is. It begins at random weights
    or, after a burn-in in float32, at the same state for both.

    Costs about three windows; memory is `auto`'s.
    """
    config = with_settings(config.untaught, {"objective.kind": "meta"})
    problem = OuterProblem(config, train, items, torch.zeros(0), device)
    meta, rows = meta_parameters(synthetic), stream(config.seed, "precision")
    runner = problem.flight.grown(problem.flight.random_runner(0), config.burn_in, synthetic, meta, rows)
    single, double = (_gradient(problem, synthetic, runner, dtype) for dtype in (torch.float32, torch.float64))
    found, wanted = single[0].double(), double[0]
    cosine = float(torch.dot(found, wanted) / (found.norm() * wanted.norm()).clamp_min(torch.finfo(torch.float64).tiny))
    error = float((found - wanted).norm() / wanted.norm().clamp_min(torch.finfo(torch.float64).tiny))
    return Precision(cosine, error, double[1], double[2])


def _gradient(
    problem: OuterProblem, synthetic: Synthetic, runner: Runner, dtype: torch.dtype
) -> tuple[Tensor, float, float]:
    """(dZ, dM) as one vector, growth and singular share, all computed in `dtype`."""
    state = problem.start(replace(synthetic, latent=synthetic.latent.to(dtype), decoder=synthetic.decoder.to(dtype)))
    theta = runner.theta.to(dtype)
    moments = problem.flight.optimizer.init(theta)._make(one.to(dtype) for one in runner.moments)
    exact = replace(runner, theta=theta, moments=moments)
    state = replace(state, runners=(exact, *state.runners[1:]))
    meta = meta_parameters(state.synthetic)
    found = problem.window(state, 0, meta)
    parts = latent_gradients(state.synthetic, meta, found.grads)
    return torch.cat([part.flatten() for part in parts]).cpu(), found.growth, found.singular_share
