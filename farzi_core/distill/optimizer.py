"""What the engine asks of an inner optimiser: a first state, one update, and that update's adjoint.

Everything is a pure function of flat vectors [n]: arguments are never changed. `Adam` and `SGD` are the two kinds.
"""

from typing import Generic, NamedTuple, Protocol, TypeVar

from torch import Tensor

State = TypeVar("State", bound=tuple[Tensor, ...])  # what an optimiser remembers between steps, each tensor [n]


class Adjoint(NamedTuple, Generic[State]):
    """Gradients of the outer loss with respect to theta_t [n] and to the optimiser's state after step t."""

    theta: Tensor
    state: State


class Optimizer(Protocol[State]):
    """One kind of update theta <- theta(g) with its exact reverse. Steps t are counted from 0."""

    def init(self, theta: Tensor) -> State:
        """The state before the first step; zeros, so it is also the adjoint of a state nobody reads later."""

    def step(self, theta: Tensor, gradient: Tensor, state: State, t: int) -> tuple[Tensor, State]:
        """One update: new theta [n] and state."""

    def adjoint(
        self, adjoint: Adjoint[State], before: Tensor, after: State, gradient: Tensor, t: int
    ) -> tuple[Adjoint[State], Tensor]:
        """Back through one update, up to its gradient: the adjoints before step t and u = d outer / d g_t [n].

        `before` is theta_{t-1}, `after` the state after the step, `gradient` the g_t of the inner loss. What theta
        receives through g_t, a Hessian-vector product with u, is the caller's to add.
        """

    def singular(self, after: State, t: int) -> Tensor | None:
        """Coordinates [n] whose derivative du / dg is near a singularity (bool), None where there is none."""
