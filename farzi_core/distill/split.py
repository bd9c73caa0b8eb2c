"""Losses that read their meta-parameters only through products with tables of weights, and what that saves.

    L(theta, meta, t) = core(theta, X_t B(theta), mask_t),     X_t rows of the simplex made from meta,  B = [tables]

Sequence models are of this kind: X E is the input and, with a tied head, also the target. With xe = X B held as a leaf

    gradient   g = d core / d theta,   g_B += X^T dl,              dl = d core / d xe
    product    with direction u: xu = X u_B;  (Hu, dd) = second derivative of core in direction (u, xu);
               Hu_B += X^T dd,         dX += [dd, dl] [B, u_B]^T

so nothing of the size of X is formed except dX itself, by one matrix product, and not even that where X is a softmax of
thin factors (`LatentRows`).

Legend: b sequences, L positions, N = b L rows, V items, k columns of all tables side by side.
"""

from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from farzi_core.distill.layout import Tensors
from farzi_core.models.head import LogSumExp


class Reading(NamedTuple):
    """What a step reads of the data.

    chosen  indices of its sequences or positions (`rows.part_of`), None for all of them
    keep    [b, L - 1, H], of positions with labels [b, L, H], multiplied into what the student embeds: a mask of
            dropout; None keeps everything
    """

    chosen: Tensor | None = None
    keep: Tensor | None = None

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """The tensors of it."""
        return tuple(one for one in self if one is not None)

    def like(self, parts: tuple[Tensor, ...]) -> "Reading":
        """The same with other tensors."""
        left = iter(parts)
        return Reading(*(None if one is None else next(left) for one in self))


class Core(Protocol):
    """The part of a loss behind X B. Hashable and free of data and step: compiled once, captured once."""

    def __hash__(self) -> int: ...

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the weights [V, .] or [V] that are multiplied by X; a table used twice is named once."""

    def __call__(self, params: Tensors, products: Tensor, head: LogSumExp, keep: Tensor | None = None) -> Tensor:
        """The loss (scalar) given X B [b, L, k]; `head` is the log-sum-exp to use, `keep` the mask of the step."""


class Rows(Protocol):
    """X [N, V] of one step, in the shape [b, L]."""

    def times(self, table: Tensor) -> Tensor:
        """X B [b, L, k] for B [V, k]."""

    def add_transposed(self, left: Tensor, into: Tensor) -> None:
        """into [V, k] += X^T D for D [b, L, k]."""

    def pull(self, left: Tensor, right: Tensor, grads: Tensors) -> None:
        """Add to `grads` what d outer / d X = D B^T means for the meta-parameters; D [b, L, k], B [V, k]."""


@runtime_checkable
class SplitLoss(Protocol):
    """An inner loss the engine differentiates by its parts. The call itself is the plain definition."""

    def __hash__(self) -> int: ...

    @property
    def core(self) -> Core: ...

    def reading(self, step: int) -> Reading:
        """What a step reads, the same at each call; nothing else of the loss depends on the step."""

    def rows(self, meta: Tensors, chosen: Tensor | None) -> Rows: ...

    def still(self) -> "SplitLoss":
        """The same without what its steps read, hashable: what CUDA graphs are captured of, once."""

    def __call__(self, params: Tensors, meta: Tensors, step: int) -> Tensor: ...
