"""Adam as pure functions `state -> state`, equal bit for bit to `torch.optim.Adam(foreach=False)`, and its adjoint.

    g  <- g + wd * theta                       (L2 decay; with decoupled=True: theta <- (1 - lr * wd) theta, AdamW)
    m  <- b1 m + (1 - b1) g                    v <- b2 v + (1 - b2) g g
    s  =  sqrt(v / c2 + eps_root)              c1 = 1 - b1^t,  c2 = 1 - b2^t
    theta <- theta - lr / c1 * m / (s + eps)

The paper prints the update without the square root (its Algorithm 2); its own proof B.2 has it. eps stands outside
the root as in torch: another place changes the meta-gradient by 100 % while theta_T stays the same to 1e-6.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from farzi_core.distill.optimizer import Adjoint, Back, Number, Time, plus, plus_product, plus_quotient
from farzi_core.errors import ConfigError

SINGULAR = 10  # a root below this many eps: there the update's derivative lr eps / (|g| + eps)^2 amplifies rounding


class Moments(NamedTuple):
    """Adam's state between steps: both moments, each with theta's shape [n]."""

    m: Tensor
    v: Tensor


@dataclass(frozen=True)
class Adam:
    """Settings of the inner optimiser.

    lr            step size, or a function of the step 0, 1, ... (a schedule)
    betas         decay of the first and second moment, each in [0, 1)
    eps           added to the root; the conditioning knob of the meta-gradient: below 1e-6 float32 is mostly noise
    eps_root      added inside the root (0 is torch's Adam)
    weight_decay  L2 decay, or decoupled decay (AdamW) with decoupled=True
    """

    lr: float | Callable[[int], float] = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    eps_root: float = 0.0
    weight_decay: float = 0.0
    decoupled: bool = False

    def __post_init__(self) -> None:
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas={self.betas}: both must lie in [0, 1)")
        for name, value in (("eps", self.eps), ("eps_root", self.eps_root), ("weight_decay", self.weight_decay)):
            if not value >= 0:
                raise ConfigError(f"{name}={value}: must be 0 or more")

    def rate(self, step: int) -> float:
        """The step size of step `step`, counted from 0."""
        return self.lr(step) if callable(self.lr) else self.lr

    def corrections(self, step: int) -> tuple[float, float]:
        """The bias corrections (c1, c2) after step `step`, counted from 0."""
        return 1 - self.betas[0] ** (step + 1), 1 - self.betas[1] ** (step + 1)

    def numbers(self, t: int) -> tuple[float, ...]:
        """(lr, c1, c2)."""
        return self.rate(t), *self.corrections(t)

    def root(self, v: Tensor, c2: Number) -> Tensor:
        """s = sqrt(v / c2 + eps_root) [n], a new tensor; the order of operations is torch's."""
        if self.eps_root:
            return (v / c2 + self.eps_root).sqrt_()
        return v.sqrt().div_(c2.sqrt() if isinstance(c2, Tensor) else math.sqrt(c2))

    def init(self, theta: Tensor) -> Moments:
        """Zero moments for theta [n]."""
        return Moments(torch.zeros_like(theta), torch.zeros_like(theta))

    def step(self, theta: Tensor, gradient: Tensor, state: Moments, t: Time) -> tuple[Tensor, Moments]:
        """One update at step t (from 0): new theta [n] and moments; the arguments are left as they are."""
        (lr, c1, c2), (b1, b2) = self._at(t), self.betas
        gradient = self._with_decay(gradient, theta)
        if self.weight_decay and self.decoupled:
            theta = theta * (1 - lr * self.weight_decay)
        m = state.m.lerp(gradient, 1 - b1)
        v = (state.v * b2).addcmul_(gradient, gradient, value=1 - b2)
        return plus_quotient(theta, -lr / c1, m, self.root(v, c2).add_(self.eps)), Moments(m, v)

    def adjoint(
        self, adjoint: Adjoint[Moments], before: Tensor, after: Moments, gradient: Tensor, t: Time
    ) -> Back[Moments]:
        """Back through one update (`Optimizer.adjoint`).

        Both moment adjoints are carried: the paper's line 13 folds v's into m's, which is not the gradient
        (docs/method.md). |m| / sqrt(v) is bounded, so r is safe; 1 / s alone is never formed, and s = 0 (a coordinate
        that never had a gradient) gives 0. Near-singular is a coordinate with sqrt(vhat) < 10 eps.
        """
        (lr, c1, c2), (b1, b2) = self._at(t), self.betas
        s, at_end = self.root(after.v, c2), adjoint.theta
        near = s < SINGULAR * self.eps
        moved = s > 0
        # a coordinate that never moved: the quotient 0 / 0 of eps = 0 is no derivative
        inverse = torch.where(moved, (s + self.eps).reciprocal_(), 1 / self.eps if self.eps else 0.0)
        q = at_end * inverse
        dm = plus(adjoint.state.m, -lr / c1, q)
        r = torch.where(moved, after.m / s, 0.0)
        dv = plus_product(adjoint.state.v, lr / (2 * c1 * c2), r.mul_(q), inverse)
        u = torch.mul(self._with_decay(gradient, before), dv).mul_(2 * (1 - b2)).add_(dm, alpha=1 - b1)
        if self.weight_decay and self.decoupled:
            at_end = at_end * (1 - lr * self.weight_decay)
        elif self.weight_decay:
            at_end = at_end.add(u, alpha=self.weight_decay)
        square = u.square()
        share = (square * near).sum() / square.sum().clamp_min(torch.finfo(u.dtype).tiny)
        return Back(Adjoint(at_end, Moments(dm.mul_(b1), dv.mul_(b2))), u, share)

    def _at(self, t: Time) -> tuple[Number, ...]:
        return t.unbind() if isinstance(t, Tensor) else self.numbers(t)

    def _with_decay(self, gradient: Tensor, theta: Tensor) -> Tensor:
        """The gradient that enters the moments: L2 decay included."""
        coupled = self.weight_decay and not self.decoupled
        return gradient.add(theta, alpha=self.weight_decay) if coupled else gradient
