"""The inner Adam is torch's Adam."""

import pytest
import torch

from farzi_core.distill.adam import Adam
from farzi_core.errors import ConfigError


def _follow(adam: Adam, optimiser: torch.optim.Optimizer, theta: torch.Tensor, steps: int) -> float:
    """Largest difference between our Adam and torch's over `steps` steps of a noisy quadratic with a dead entry."""
    generator = torch.Generator().manual_seed(1)
    ours, moments, worst = theta.detach().clone(), adam.init(theta.detach()), 0.0
    for t in range(steps):
        noise = torch.randn(theta.shape, generator=generator, dtype=theta.dtype)
        gradient = torch.where(torch.arange(len(theta)) == 0, 0.0, noise + theta.detach())
        theta.grad = gradient.clone()
        optimiser.step()
        ours, moments = adam.step(ours, torch.where(torch.arange(len(ours)) == 0, 0.0, noise + ours), moments, t)
        worst = max(worst, float((ours - theta.detach()).abs().max()))
    return worst


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_two_hundred_steps_equal_torch_bit_for_bit(decay: float, decoupled: bool) -> None:
    theta = torch.linspace(-1, 1, 7).requires_grad_()
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    optimiser = kind([theta], lr=0.02, eps=1e-3, weight_decay=decay, foreach=False)
    adam = Adam(0.02, eps=1e-3, weight_decay=decay, decoupled=decoupled)
    assert _follow(adam, optimiser, theta, 200) == 0.0


def test_a_schedule_is_read_at_every_step() -> None:
    theta = torch.linspace(-1, 1, 7).requires_grad_()
    optimiser = torch.optim.Adam([theta], lr=0.1, foreach=False)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.9**step)
    adam = Adam(lambda step: 0.1 * 0.9**step)
    ours, moments = theta.detach().clone(), adam.init(theta.detach())
    for t in range(20):
        theta.grad = theta.detach() * 2
        gradient = ours * 2
        optimiser.step()
        schedule.step()
        ours, moments = adam.step(ours, gradient, moments, t)
    torch.testing.assert_close(ours, theta.detach(), rtol=1e-6, atol=1e-7)


def test_betas_outside_their_range_are_named() -> None:
    with pytest.raises(ConfigError, match=r"betas=\(1.0, 0.9\): both must lie in \[0, 1\)"):
        Adam(betas=(1.0, 0.9))
