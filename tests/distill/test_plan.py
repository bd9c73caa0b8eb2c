"""The binomial schedule is optimal, a walk keeps and evaluates what the plan says, and the plan prints."""

from functools import cache

import pytest
import torch
from torch import Tensor

from farzi_core.distill.plan import MODES, memory_plan
from farzi_core.distill.revolve import Schedule, advances, middle, reach, states_for
from farzi_core.distill.tape import Point, Walk
from farzi_core.errors import ConfigError


@cache
def _best(length: int, states: int) -> int:
    """The fewest advances, by trying every place of every kept state."""
    if length <= 1:
        return 0
    if states == 1:
        return length * (length - 1) // 2
    return min(to + _best(length - to, states - 1) + _best(to, states) for to in range(1, length))


@pytest.mark.parametrize("states", [1, 2, 3, 5])
def test_the_binomial_schedule_is_the_best_of_all(states: int) -> None:
    for length in range(1, 40):
        assert advances(length, states) == _best(length, states)
        if states > 1 and length > 1:
            to = middle(length, states)
            assert to + advances(length - to, states - 1) + advances(to, states) == _best(length, states)


def test_ten_states_walk_a_thousand_steps_at_four_repeats() -> None:
    assert reach(10, 4) == 1001
    assert states_for(1001, 4) == 10


class _Counter:
    """A walk over integers as weights: step i adds 3^i, so every state and gradient names its step."""

    def __init__(self, steps: int, schedule: Schedule) -> None:
        self.evaluations = 0
        self.walk: Walk[tuple[Tensor, ...]] = Walk(self.gradient, self.update, steps, schedule)

    def gradient(self, theta: Tensor, i: int) -> Tensor:
        self.evaluations += 1
        assert float(theta) == sum(3.0**j for j in range(i))
        return torch.tensor([3.0**i], dtype=torch.float64)

    def update(self, point: Point[tuple[Tensor, ...]], gradient: Tensor, i: int) -> Point[tuple[Tensor, ...]]:
        return Point(point.theta + gradient, point.state)


@pytest.mark.parametrize("steps", [1, 2, 7, 20])
@pytest.mark.parametrize(("states", "leaf", "replay"), [(1, 20, 1), (1, 1, 1), (3, 1, 1), (2, 3, 2), (4, 5, 9)])
def test_a_walk_yields_every_step_backwards_at_the_planned_cost(
    steps: int, states: int, leaf: int, replay: int
) -> None:
    counter = _Counter(steps, Schedule(states, leaf, replay))
    final = counter.walk.forward(Point(torch.zeros(1, dtype=torch.float64), ()))
    assert float(final.theta) == sum(3.0**i for i in range(steps))
    walked = list(counter.walk.backward())
    assert [step.i for step in walked] == list(reversed(range(steps)))
    for step in walked:
        assert float(step.gradient) == 3.0**step.i == float(step.after.theta - step.before.theta)
        assert float(step.before.theta) == sum(3.0**i for i in range(step.i))
    assert counter.evaluations == steps + leaf * advances(-(-steps // leaf), states)


def test_the_plan_counts_bytes_and_gradients() -> None:
    plan = memory_plan(1000, 100, budget_bytes=200_000)
    store, full, checkpoint, revolve, auto = (plan.row(mode) for mode in MODES)
    assert (store.cost, full.cost, checkpoint.cost) == (4.0, 4.0, 4.9)  # the last segment's gradients are kept
    assert store.bytes == 4000 * (100 + 3 * (1 + states_for(100, 3) + 1))
    assert full.bytes == 4000 * (100 + 3 * (1 + 100 + 1))
    assert checkpoint.bytes == 4000 * (10 + 3 * (10 + states_for(10, 3) + 1))
    assert revolve.bytes <= 200_000 < store.bytes
    assert auto.schedule == min((checkpoint, revolve), key=lambda row: row.cost).schedule
    assert memory_plan(1000, 100, budget_bytes=10**9).row("auto").schedule == store.schedule


def test_a_larger_budget_never_costs_more() -> None:
    budgets = range(60_000, 2_000_000, 40_000)
    costs = [memory_plan(1000, 300, budget_bytes=budget).row("auto").cost for budget in budgets]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == 4.0


def test_the_plan_prints_as_a_table() -> None:
    lines = str(memory_plan(165_504, 100, budget_bytes=20_000_000)).splitlines()
    assert lines[0] == "165,504 weights, 100 steps"
    assert [line.split()[0] for line in lines[2:]] == list(MODES)
    assert lines[2].split()[-3:] == ["4.00", "G", "T"]


def test_a_budget_below_the_least_is_named() -> None:
    with pytest.raises(ConfigError, match="budget_bytes=10: 5 steps need at least"):
        memory_plan(1000, 5, budget_bytes=10)
    with pytest.raises(ConfigError, match="steps=0"):
        memory_plan(1000, 0)
