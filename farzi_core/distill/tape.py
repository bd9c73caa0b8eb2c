"""Walking T optimiser steps backwards with few states in memory: one mechanism for every memory mode.

The T steps are cut into segments of `leaf` steps. The forward pass keeps some segments' first states (`states`, placed
by the binomial schedule) and the gradients of the last segment. Backwards, a segment whose gradients are not in memory
is run again from the nearest kept state; inside it theta and the optimiser's state are replayed from its gradients,
element by element, without a model in sight: bit for bit those of the forward pass.

    g-tape            states=1, leaf=T         every gradient kept, nothing evaluated twice
    full tape         the same, replay=T       every state kept too
    checkpoints       states=T/leaf            every segment's start kept, each gradient evaluated twice
    binomial          anything else            fewer bytes, more evaluations
"""

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple

import torch
from torch import Tensor

from farzi_core.device import CPU
from farzi_core.distill.optimizer import State
from farzi_core.distill.revolve import Schedule, middle


class Point(NamedTuple, Generic[State]):
    """Weights [n] and optimiser state between two steps."""

    theta: Tensor
    state: State


class Step(NamedTuple, Generic[State]):
    """One inner step i (from 0): what was before, what was after, and its gradient [n]."""

    i: int
    before: Point[State]
    after: Point[State]
    gradient: Tensor


class _Segment(NamedTuple, Generic[State]):
    first: int
    start: Point[State]
    gradients: Tensor  # [steps, n]
    end: Point[State]


class Walk(Generic[State]):
    """A forward pass of `steps` steps that can be walked backwards once.

    gradient(theta, i) -> g_i [n]           evaluated again where the schedule does not keep it
    update(point, g_i, i) -> point          elementwise
    on_host                                 gradients are kept in the machine's pinned memory, not in the device's
    """

    def __init__(
        self,
        gradient: Callable[[Tensor, int], Tensor],
        update: Callable[[Point[State], Tensor, int], Point[State]],
        steps: int,
        schedule: Schedule,
        on_host: bool = False,
    ) -> None:
        self._gradient, self._update, self._steps, self._schedule = gradient, update, steps, schedule
        self._on_host = on_host
        self._segments = -(-steps // schedule.leaf)
        self._kept: list[tuple[int, Point[State]]] = []  # (segment, its first state), innermost last
        self._last: list[_Segment[State]] = []  # the forward pass's last segment until it is walked

    def forward(self, start: Point[State]) -> Point[State]:
        """All steps from `start`; returns the final point."""
        self._kept = [(0, start)]
        self._last = [self._descend(self._segments)]
        return self._last[0].end

    def backward(self) -> Iterator[Step[State]]:
        """The steps, last first."""
        for segment in reversed(range(self._segments)):
            yield from self._inside(self._last.pop() if self._last else self._descend(segment + 1))

    def _descend(self, end: int) -> _Segment[State]:
        """Run from the nearest kept state to segment end - 1, keeping states on the way, and record that segment."""
        at, point = self._kept[-1]
        while end - at > 1:
            free = self._schedule.states - len(self._kept)
            to = at + middle(end - at, free + 1) if free else end - 1
            point = self._record(point, at, to, keep=False).end
            at = to
            if free:
                self._kept.append((at, point))
        if self._kept[-1][0] == at:
            self._kept.pop()
        return self._record(point, at, end, keep=True)

    def _record(self, start: Point[State], first: int, last: int, keep: bool) -> _Segment[State]:
        begin, end = first * self._schedule.leaf, min(last * self._schedule.leaf, self._steps)
        # one block, so that a thousand small tensors do not scatter the heap; its pages are taken as they are written
        shape, pinned = (end - begin if keep else 0, *start.theta.shape), self._on_host and start.theta.is_cuda
        where = CPU if self._on_host else start.theta.device
        tape = torch.empty(shape, dtype=start.theta.dtype, device=where, pin_memory=pinned)
        point = start
        for i in range(begin, end):
            gradient = self._gradient(point.theta, i)
            if keep:
                tape[i - begin].copy_(gradient, non_blocking=pinned)
            point = self._update(point, gradient, i)
        return _Segment(begin, start, tape, point)

    def _inside(self, segment: _Segment[State]) -> Iterator[Step[State]]:
        """The steps of one recorded segment, last first: a walk of its own, whose gradients are known."""
        first, gradients, device = segment.first, segment.gradients, segment.start.theta.device
        if len(gradients) == 1:
            yield Step(first, segment.start, segment.end, gradients[0].to(device, non_blocking=True))
            return
        replay: Walk[State] = Walk(
            lambda _, i: gradients[i].to(device, non_blocking=True),
            lambda point, gradient, i: self._update(point, gradient, first + i),
            len(gradients),
            Schedule(states=self._schedule.replay, leaf=1, replay=1),
        )
        replay.forward(segment.start)
        for step in replay.backward():
            yield step._replace(i=first + step.i)
