"""SGD with momentum as pure functions, equal bit for bit to `torch.optim.SGD(foreach=False)`, and its adjoint.

    g <- g + wd * theta                        (L2 decay)
    b <- mu b + g                              the momentum buffer, 0 before the first step
    theta <- theta - lr * b                    nesterov: theta <- theta - lr (g + mu b)

The adjoint is linear in theta_T's: nothing is divided, so there is no singular coordinate and no eps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from farzi_core.distill.optimizer import Adjoint, Back, Number, Time, plus
from farzi_core.errors import ConfigError


class Velocity(NamedTuple):
    """SGD's state between steps: the momentum buffer [n]."""

    b: Tensor


@dataclass(frozen=True)
class SGD:
    """Settings of the inner optimiser; torch's dampening is left out.

    lr            step size, or a function of the step 0, 1, ... (a schedule)
    momentum      decay of the buffer, in [0, 1)
    nesterov      look one step ahead; needs momentum
    weight_decay  L2 decay
    """

    lr: float | Callable[[int], float] = 1e-2
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise ConfigError(f"momentum={self.momentum}: must lie in [0, 1)")
        if self.nesterov and not self.momentum:
            raise ConfigError("nesterov=True needs momentum above 0, for example momentum=0.9")
        if not self.weight_decay >= 0:
            raise ConfigError(f"weight_decay={self.weight_decay}: must be 0 or more")

    def rate(self, step: int) -> float:
        """The step size of step `step`, counted from 0."""
        return self.lr(step) if callable(self.lr) else self.lr

    def numbers(self, t: int) -> tuple[float, ...]:
        """(lr,)."""
        return (self.rate(t),)

    def init(self, theta: Tensor) -> Velocity:
        """A zero buffer for theta [n]."""
        return Velocity(torch.zeros_like(theta))

    def step(self, theta: Tensor, gradient: Tensor, state: Velocity, t: Time) -> tuple[Tensor, Velocity]:
        """One update at step t (from 0): new theta [n] and buffer; the arguments are left as they are."""
        if self.weight_decay:
            gradient = gradient.add(theta, alpha=self.weight_decay)
        b = (state.b * self.momentum).add_(gradient)
        towards = gradient.add(b, alpha=self.momentum) if self.nesterov else b
        return plus(theta, -self._lr(t), towards), Velocity(b)

    def adjoint(
        self, adjoint: Adjoint[Velocity], before: Tensor, after: Velocity, gradient: Tensor, t: Time
    ) -> Back[Velocity]:
        """Back through one update (`Optimizer.adjoint`); of its arguments only the adjoint is needed. No coordinate is
        near a singularity."""
        lr, at_end = self._lr(t), adjoint.theta
        db = plus(adjoint.state.b, -lr * (self.momentum if self.nesterov else 1.0), at_end)
        u = plus(db, -lr, at_end) if self.nesterov else db
        if self.weight_decay:
            at_end = at_end.add(u, alpha=self.weight_decay)
        return Back(Adjoint(at_end, Velocity(db * self.momentum)), u, u.new_zeros(()))

    def _lr(self, t: Time) -> Number:
        return t[0] if isinstance(t, Tensor) else self.rate(t)
