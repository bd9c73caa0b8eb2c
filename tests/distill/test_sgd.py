"""The inner SGD is torch's SGD."""

import pytest
import torch

from farzi_core.distill.sgd import SGD
from farzi_core.errors import ConfigError


@pytest.mark.parametrize(
    ("momentum", "nesterov", "decay"), [(0.0, False, 0.0), (0.9, False, 0.0), (0.9, False, 0.1), (0.9, True, 0.1)]
)
def test_two_hundred_steps_equal_torch_bit_for_bit(momentum: float, nesterov: bool, decay: float) -> None:
    theta = torch.linspace(-1, 1, 7).requires_grad_()
    optimiser = torch.optim.SGD(
        [theta], lr=0.02, momentum=momentum, nesterov=nesterov, weight_decay=decay, foreach=False
    )
    sgd = SGD(0.02, momentum, nesterov, decay)
    ours, state, generator = theta.detach().clone(), sgd.init(theta.detach()), torch.Generator().manual_seed(1)
    for t in range(200):
        noise = torch.randn(7, generator=generator)
        theta.grad = noise + theta.detach()
        ours, state = sgd.step(ours, noise + ours, state, t)
        optimiser.step()
        assert torch.equal(ours, theta.detach()), t


def test_bad_settings_are_named() -> None:
    with pytest.raises(ConfigError, match=r"momentum=1.0: must lie in \[0, 1\)"):
        SGD(momentum=1.0)
    with pytest.raises(ConfigError, match="nesterov=True needs momentum"):
        SGD(nesterov=True)
    with pytest.raises(ConfigError, match="weight_decay=-1"):
        SGD(weight_decay=-1)
