"""Which states to keep while walking T steps backwards with few of them: the binomial schedule.

Griewank & Walther 2000, Algorithm 799 (revolve), doi 10.1145/347837.347846. With s states in memory (the start among
them) beta(s, r) = C(s + r, s) steps can be walked back when no step is advanced over more than r times.
"""

import math
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Schedule:
    """What is kept: `states` between segments, gradients of one segment of `leaf` steps, `replay` states inside it."""

    states: int
    leaf: int
    replay: int


def reach(states: int, repeats: int) -> int:
    """beta(s, r) = C(s + r, s): the longest walk with s states and at most r advances a step."""
    return math.comb(states + repeats, states)


def middle(length: int, states: int) -> int:
    """Where in a walk of `length` >= 2 steps the next state is best kept, with `states` >= 2 to go round (the start's
    own among them)."""
    repeats = next(r for r in range(1, length + 1) if reach(states, r) >= length)
    return max(1, min(reach(states, repeats - 1), length - reach(states - 1, repeats - 1)))


def advances(length: int, states: int) -> int:
    """Steps advanced over to walk `length` steps back, the first sweep included, the steps themselves not.

    r L - C(s + r, r - 1) with the smallest r that reaches L (the paper's equation for t(L, s)).
    """
    repeats = next(r for r in range(length + 1) if reach(states, r) >= length)
    return repeats * length - math.comb(states + repeats, repeats - 1) if repeats else 0


@cache
def states_for(length: int, repeats: int) -> int:
    """The fewest states with which `length` steps are walked back at `repeats` advances a step."""
    return next(s for s in range(1, length + 1) if reach(s, repeats) >= length)
