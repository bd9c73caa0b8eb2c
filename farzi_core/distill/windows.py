"""What the windows of one outer step measured, as rows of numbers that ranks can add up, and their report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from farzi_core.distill.layout import Tensors


class Found(Protocol):
    """What an objective finds in a window: its value, gradients and health numbers (`MetaGradient`), and where the
    student stands after it."""

    @property
    def outer_value(self) -> Tensor: ...

    @property
    def grads(self) -> Tensors: ...

    @property
    def final_params(self) -> Tensors: ...

    @property
    def state(self) -> Any: ...

    @property
    def growth(self) -> float: ...

    @property
    def singular_share(self) -> float: ...

    @property
    def cost_ratio(self) -> float: ...

    @property
    def tape_bytes(self) -> int: ...


class Window(NamedTuple):
    """One student's window: its age at the end, the outer value, the numbers of `Found`; `good`: finite."""

    age: int
    loss: float
    growth: float
    singular_share: float
    cost_ratio: float
    tape_bytes: int
    good: bool


@dataclass(frozen=True)
class StepReport:
    """What one outer step measured over its `windows`; those that were not finite are skipped.

    loss            mean outer value in the objective's unit; NaN where no window was finite
    grad_norm       norm of (dZ, dM) before clipping
    growth          the largest adjoint growth of a window
    singular_share  the largest share from near-singular coordinates (`MetaGradient`)
    cost_ratio      mean of the windows' times over those of T plain training steps
    tape_bytes      largest tape of a window, by its memory plan
    """

    loss: float
    grad_norm: float
    growth: float
    lr: float
    singular_share: float
    cost_ratio: float
    tape_bytes: int
    windows: tuple[Window, ...]

    @property
    def skipped(self) -> int:
        """Windows whose meta-gradient was not finite: they have weight 0 in the mean."""
        return sum(not window.good for window in self.windows)

    def finite(self) -> bool:
        return all(math.isfinite(value) for value in (self.loss, self.grad_norm, self.growth))


def step_report(windows: Sequence[Window], norm: float, lr: float) -> StepReport:
    """What the windows of one outer step measured, over those that are finite."""
    good = [window for window in windows if window.good]
    if not good:
        return StepReport(math.nan, norm, math.nan, lr, math.nan, math.nan, 0, tuple(windows))
    return StepReport(
        sum(window.loss for window in good) / len(good), norm, max(window.growth for window in good), lr,
        max(window.singular_share for window in good), sum(window.cost_ratio for window in good) / len(good),
        max(window.tape_bytes for window in good), tuple(windows),
    )  # fmt: skip


def _numbers(one: Found) -> list[float]:
    return [float(one.outer_value), one.growth, one.singular_share, one.cost_ratio, float(one.tape_bytes)]


def row_of(one: Found, good: bool) -> list[float]:
    """A window as numbers; what is added to it by other ranks is NO_ROW."""
    return [*_numbers(one), float(good)]


NO_ROW = [0.0] * (len(Window._fields) - 1)  # of a window that another rank computes


def window_of(age: int, row: list[float]) -> Window:
    """`row_of` backwards, with the age that every rank knows."""
    loss, growth, singular_share, cost_ratio, tape_bytes, good = row
    return Window(age, loss, growth, singular_share, cost_ratio, int(tape_bytes), good > 0)


def is_finite(one: Found) -> bool:
    """Are its numbers and gradients all finite?"""
    numbers = all(math.isfinite(value) for value in _numbers(one))
    return numbers and all(bool(grad.isfinite().all()) for grad in one.grads.values())
