"""Who computes what when several processes distil one run: `torchrun --nproc-per-node=K -m farzi_core distill`.

A student in flight belongs to one rank, which trains it and differentiates its windows. An outer step needs one
all-reduce, of (dZ, dM) and a few numbers a window; every rank then takes the same step of Z and M. Which windows there
are, and their random streams, depend on (seed, step, slot) only, so any number of ranks computes the same step.
"""

from typing import Protocol

from torch import Tensor


class Ranks(Protocol):
    """The processes of one distillation; this one is rank `rank` of `size`."""

    rank: int
    size: int

    def owns(self, slot: int) -> bool:
        """Does this process train the student of `slot`?"""

    def sum(self, vector: Tensor) -> Tensor:
        """The sum over all ranks of a flat vector, the same bits on every rank."""


class Alone:
    """One process: everything is its own."""

    rank, size = 0, 1

    def owns(self, _slot: int) -> bool:
        return True

    def sum(self, vector: Tensor) -> Tensor:
        return vector
