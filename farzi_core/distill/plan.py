"""What each memory mode of `adam_metagradient` keeps and costs, and the choice of one by a byte budget.

Cost in G = one gradient of the inner loss. Every mode pays T Hessian-vector products of 3 G (reverse over reverse by
plain autograd; `SplitLoss` needs less); what differs is how often gradients are evaluated. Replays are elementwise:
with 3 of them a step they stay below 1 % of a gradient for the models here. Only arithmetic: pages plan without torch.

Legend: n weights, T steps, s states the optimiser and theta hold (3 n numbers for Adam, 2 n for SGD).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import psutil

from farzi_core.distill.revolve import Schedule, advances, states_for
from farzi_core.errors import ConfigError

if TYPE_CHECKING:
    import torch

Memory = Literal["store", "full", "checkpoint", "revolve", "auto"]
MODES = get_args(Memory)
REPLAYS = 3  # elementwise replays of a step that are worth the states they save
PRODUCT = 3.0  # gradients that one Hessian-vector product costs
SHARE = 0.25  # of the free memory that "revolve" and "auto" may take where no budget is given


@dataclass(frozen=True)
class Row:
    """One mode: bytes kept beside one step's graph at the peak, and the cost of the meta-gradient in G T."""

    mode: Memory
    bytes: int
    cost: float
    schedule: Schedule


@dataclass(frozen=True)
class MemoryPlan:
    """The modes side by side; `print(plan)` is a table."""

    n_params: int
    steps: int
    rows: tuple[Row, ...]

    def row(self, mode: Memory) -> Row:
        """The row of one mode; "auto" is the cheapest one in time, then in bytes, of those within the budget."""
        return next(row for row in self.rows if row.mode == mode)

    def __str__(self) -> str:
        head = f"{self.n_params:,} weights, {self.steps:,} steps\n{'mode':<12}{'kept':>12}{'cost':>14}"
        lines = [f"{row.mode:<12}{row.bytes / 1e6:>9,.1f} MB{row.cost:>9.2f} G T" for row in self.rows]
        return "\n".join([head, *lines])


def memory_plan(
    n_params: int, steps: int, *, budget_bytes: int | None = None, itemsize: int = 4, moments: int = 2
) -> MemoryPlan:
    """Bytes and cost of every memory mode for `steps` steps on `n_params` weights.

    budget_bytes  for "revolve" and "auto"; None takes a quarter of this machine's free memory
    itemsize      bytes of a number: 4 in float32, 8 in float64
    moments       vectors the optimiser keeps: 2 for Adam, 1 for SGD
    Raises ConfigError where even the smallest schedule is above the budget.
    """
    if n_params < 1 or steps < 1:
        raise ConfigError(f"n_params={n_params}, steps={steps}: both must be at least 1")
    budget = budget_bytes if budget_bytes is not None else default_budget()
    sizes = _Sizes(n_params * itemsize, (1 + moments) * n_params * itemsize, steps)
    leaf = sizes.root
    fixed = [
        sizes.row("store", Schedule(1, steps, states_for(steps, REPLAYS))),
        sizes.row("full", Schedule(1, steps, steps)),
        sizes.row("checkpoint", Schedule(-(-steps // leaf), leaf, states_for(leaf, REPLAYS))),
    ]
    binomial = sizes.binomial(budget)
    within = [row for row in [*fixed, binomial] if row.bytes <= budget]
    best = min(within, key=lambda row: (row.cost, row.bytes))
    auto = Row("auto", best.bytes, best.cost, best.schedule)
    return MemoryPlan(n_params, steps, (*fixed, binomial, auto))


def default_budget(device: "torch.device | None" = None) -> int:
    """A quarter of the memory that is free on `device` (None: the CPU) now."""
    if device is None or device.type != "cuda":
        return int(SHARE * psutil.virtual_memory().available)
    import torch

    return int(SHARE * torch.cuda.mem_get_info(device)[0])


@dataclass(frozen=True)
class _Sizes:
    gradient: int  # bytes of g
    state: int  # bytes of theta and the optimiser's state
    steps: int

    @property
    def root(self) -> int:
        return next(k for k in range(1, self.steps + 1) if k * k >= self.steps)

    def row(self, mode: Memory, schedule: Schedule) -> Row:
        """A gradient is evaluated once where its segment is recorded, and each time the segment is advanced over."""
        segments = -(-self.steps // schedule.leaf)
        evaluations = self.steps + schedule.leaf * advances(segments, schedule.states)
        kept = schedule.states + (schedule.replay if schedule.leaf > 1 else 0)
        # beside what is kept, the step in hand holds the state after it
        size = (kept + 1) * self.state + min(schedule.leaf, self.steps) * self.gradient
        return Row(mode, size, evaluations / self.steps + PRODUCT, schedule)

    def binomial(self, budget: int) -> Row:
        """The fastest schedule within the budget."""
        rows = [self.row("revolve", schedule) for leaf in self._leaves() for schedule in self._within(budget, leaf)]
        if not rows:
            least = self.row("revolve", Schedule(1, 1, 1)).bytes
            raise ConfigError(f"budget_bytes={budget:,}: {self.steps} steps need at least {least:,}; raise the budget")
        return min(rows, key=lambda row: (row.cost, row.bytes))

    def _leaves(self) -> Iterable[int]:
        """Lengths 1, 2, 3, ... and from 10 on in steps of 10 %."""
        leaf = 1
        while leaf < self.steps:
            yield leaf
            leaf += max(1, leaf // 10)
        yield self.steps

    def _within(self, budget: int, leaf: int) -> Iterable[Schedule]:
        replay = states_for(leaf, REPLAYS)
        fixed = self.row("revolve", Schedule(1, leaf, replay)).bytes - self.state
        states = min((budget - fixed) // self.state, -(-self.steps // leaf))
        if states >= 1:
            yield Schedule(states, leaf, replay)
