"""Adam as pure functions `state -> state`, equal bit for bit to `torch.optim.Adam(foreach=False)`.

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

from farzi_core.errors import ConfigError


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

    def root(self, v: Tensor, step: int) -> Tensor:
        """s = sqrt(v / c2 + eps_root) [n]; the order of operations is torch's."""
        _, c2 = self.corrections(step)
        return (v / c2 + self.eps_root).sqrt() if self.eps_root else v.sqrt() / math.sqrt(c2)


def init(theta: Tensor) -> Moments:
    """Zero moments for theta [n]."""
    return Moments(torch.zeros_like(theta), torch.zeros_like(theta))


def step(adam: Adam, theta: Tensor, gradient: Tensor, moments: Moments, t: int) -> tuple[Tensor, Moments]:
    """One update at step t (from 0): new theta [n] and moments; the arguments are left as they are."""
    lr, (b1, b2), (c1, _) = adam.rate(t), adam.betas, adam.corrections(t)
    if adam.weight_decay and adam.decoupled:
        theta = theta * (1 - lr * adam.weight_decay)
    elif adam.weight_decay:
        gradient = gradient.add(theta, alpha=adam.weight_decay)
    m = moments.m.lerp(gradient, 1 - b1)
    v = (moments.v * b2).addcmul_(gradient, gradient, value=1 - b2)
    return theta.addcdiv(m, adam.root(v, t).add_(adam.eps), value=-lr / c1), Moments(m, v)


class Adjoint(NamedTuple):
    """Gradients of the outer loss with respect to theta_t, m_t, v_t, each [n]."""

    theta: Tensor
    m: Tensor
    v: Tensor


def adjoint_of_update(adam: Adam, adjoint: Adjoint, after: Moments, gradient: Tensor, t: int) -> tuple[Adjoint, Tensor]:
    """Back through one update at step t, up to its gradient: the new (theta, m, v) adjoints and u = d outer / d g_t.

    `after` holds m_t, v_t and `gradient` the g_t that entered the moments (L2 decay included). Both moment adjoints
    are carried: the paper's line 13 folds v's into m's, which is not the gradient (docs/method.md). |m| / sqrt(v)
    is bounded, so r is safe; 1 / s alone is never formed, and s = 0 (a coordinate that never had a gradient) gives 0.
    The Hessian-vector product with u is the caller's; theta's adjoint already includes weight decay.
    """
    lr, (b1, b2), (c1, c2) = adam.rate(t), adam.betas, adam.corrections(t)
    s = adam.root(after.v, t)
    inverse = torch.where(s > 0, 1 / (s + adam.eps), 1 / adam.eps if adam.eps else 0.0)
    q = adjoint.theta * inverse
    r = torch.where(s > 0, after.m / s, 0.0)
    dm = adjoint.m.add(q, alpha=-lr / c1)
    dv = adjoint.v.addcmul(r * q, inverse, value=lr / (2 * c1 * c2))
    u = (1 - b1) * dm + (2 * (1 - b2)) * gradient * dv
    theta = adjoint.theta
    if adam.weight_decay:
        theta = theta * (1 - lr * adam.weight_decay) if adam.decoupled else theta.add(u, alpha=adam.weight_decay)
    return Adjoint(theta, b1 * dm, b2 * dv), u
