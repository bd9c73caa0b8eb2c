"""What the engine asks of an inner optimiser: a first state, one update, and that update's adjoint.

Everything is a pure function of flat vectors [n]: arguments are never changed. `Adam` and `SGD` are the two kinds.
"""

from typing import Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

State = TypeVar("State", bound=tuple[Tensor, ...])  # what an optimiser remembers between steps, each tensor [n]
Time = int | Tensor  # a step, counted from 0, or its `numbers` [k]: a CUDA graph is the same for every step
Number = float | Tensor  # a scalar


class Adjoint(NamedTuple, Generic[State]):
    """Gradients of the outer loss with respect to theta_t [n] and to the optimiser's state after step t."""

    theta: Tensor
    state: State


class Back(NamedTuple, Generic[State]):
    """What one update's adjoint gives.

    adjoint  before the update
    u        d outer / d g_t [n]
    share    of |u|^2 from coordinates whose derivative du / dg is near a singularity (scalar)
    """

    adjoint: Adjoint[State]
    u: Tensor
    share: Tensor


class Optimizer(Protocol[State]):
    """One kind of update theta <- theta(g) with its exact reverse."""

    def __hash__(self) -> int: ...

    def numbers(self, t: int) -> tuple[float, ...]:
        """All that an update knows of its step."""

    def init(self, theta: Tensor) -> State:
        """The state before the first step; zeros, so it is also the adjoint of a state nobody reads later."""

    def step(self, theta: Tensor, gradient: Tensor, state: State, t: Time) -> tuple[Tensor, State]:
        """One update: new theta [n] and state."""

    def adjoint(self, adjoint: Adjoint[State], before: Tensor, after: State, gradient: Tensor, t: Time) -> Back[State]:
        """Back through one update, up to its gradient.

        `before` is theta_{t-1}, `after` the state after the step, `gradient` the g_t of the inner loss. What theta
        receives through g_t, a Hessian-vector product with u, is the caller's to add.
        """


def plus(x: Tensor, k: Number, y: Tensor) -> Tensor:
    """x + k y."""
    return torch.addcmul(x, y, k) if isinstance(k, Tensor) else x.add(y, alpha=k)


def plus_product(x: Tensor, k: Number, a: Tensor, b: Tensor) -> Tensor:
    """x + k a b."""
    return torch.addcmul(x, k * a, b) if isinstance(k, Tensor) else x.addcmul(a, b, value=k)


def plus_quotient(x: Tensor, k: Number, a: Tensor, b: Tensor) -> Tensor:
    """x + k a / b."""
    return torch.addcdiv(x, k * a, b) if isinstance(k, Tensor) else x.addcdiv(a, b, value=k)
