"""Who computes what when several processes distil one run: `torchrun --nproc-per-node=K -m farzi_core distill`.

A student in flight belongs to one rank, which trains it and differentiates its windows. An outer step needs one
all-reduce, of (dZ, dM) and a few numbers a window; every rank then takes the same step of Z and M. Which windows there
are, and their random streams, depend on (seed, step, slot) only, so any number of ranks computes the same step. Rank 0
leads: it owns the run folder, validates, and says when to save and to stop. torch.distributed is imported under
torchrun only.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

import torch
from torch import Tensor

from farzi_core.errors import RunError
from farzi_core.recorder import Saved
from farzi_core.runs import checkpoint
from farzi_core.runs.environment import world_size

WAIT = timedelta(days=1)  # for rank 0's stages and validations; a rank that dies is noticed at once, by its connection


class Ranks(Protocol):
    """The processes of one distillation; this one is rank `rank` of `size`."""

    rank: int
    size: int

    def owns(self, slot: int) -> bool:
        """Does this process train the student of `slot`?"""

    def sum(self, vector: Tensor) -> Tensor:
        """The sum over all ranks of a flat vector, the same bits on every rank."""

    def of_leader(self, flags: tuple[bool, ...]) -> tuple[bool, ...]:
        """What rank 0 said."""

    def share(self, saved: Saved | None) -> Saved | None:
        """What rank 0 has, for all."""


class Alone:
    """One process: everything is its own."""

    rank, size = 0, 1

    def owns(self, _slot: int) -> bool:
        return True

    def sum(self, vector: Tensor) -> Tensor:
        return vector

    def of_leader(self, flags: tuple[bool, ...]) -> tuple[bool, ...]:
        return flags

    def share(self, saved: Saved | None) -> Saved | None:
        return saved


class Several:
    """This process among those torchrun started; make it by `joined`."""

    def __init__(self, device: torch.device) -> None:
        from torch import distributed

        self._distributed, self._device = distributed, device
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()

    def owns(self, slot: int) -> bool:
        return slot % self.size == self.rank

    def sum(self, vector: Tensor) -> Tensor:
        total = vector.clone()
        with _together():
            self._distributed.all_reduce(total)
        return total

    def of_leader(self, flags: tuple[bool, ...]) -> tuple[bool, ...]:
        said = torch.tensor(flags, dtype=torch.uint8, device=self._device)
        with _together():
            self._distributed.broadcast(said, 0)
        return tuple(bool(flag) for flag in said.tolist())

    def share(self, saved: Saved | None) -> Saved | None:
        content = checkpoint.pack("What ranks share", *saved) if saved is not None else b""
        length = torch.tensor([len(content)], device=self._device)
        with _together():
            self._distributed.broadcast(length, 0)
        if not int(length):
            return None
        data = torch.zeros(int(length), dtype=torch.uint8, device=self._device)
        if self.rank == 0:
            data.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        with _together():
            self._distributed.broadcast(data, 0)
        return checkpoint.unpack("What ranks share", data.cpu().numpy().tobytes())


@contextmanager
def _together() -> Iterator[None]:
    """A collective: where another rank is gone, gloo and nccl raise a RuntimeError about sockets."""
    try:
        yield
    except RuntimeError:
        raise RunError("Another process of this job ended; resume goes on from the last checkpoint") from None


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """This process's place: with the others that torchrun started, or alone."""
    if world_size() == 1:
        yield Alone()
        return
    import torch.distributed.nn  # now: its defaults would keep a group that exists, and torch.compile imports it later
    from torch import distributed

    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=WAIT)
    try:
        yield Several(device)
    finally:
        distributed.destroy_process_group()
