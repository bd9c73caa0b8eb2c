"""Is the meta-gradient of a run worth following? The health numbers of its outer steps as a short table with advice.

Numbers come from the `step` lines of metrics.jsonl (docs/run-folder.md; docs/engine.md, "Health"); a number that an
older version did not write has no row.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from farzi_core.config import RunConfig
from farzi_core.limits import MAX_GROWTH, MIN_EPS
from farzi_core.sections import InnerConfig
from farzi_core.views.runs import size

Event = Mapping[str, Any]
RECENT = 100  # outer steps that medians are taken over: long enough to be calm, short enough to show a turn
SMOOTH_GROWTH = 1e3  # median above which the inner loop is near chaos
CHAOTIC_SHARE = 0.05  # of all steps that may lie above MAX_GROWTH
SINGULAR_SHARE = 0.5  # of |u|^2; matters only below MIN_EPS
COST_RATIO = 6.5  # times T plain steps: 4 by plain autograd, 5.5 where memory is short, the rest is noise


@dataclass(frozen=True)
class Reading:
    """One row: name, value with its unit, the range in which all is well, and what to do where it is not."""

    name: str
    value: str
    good: str
    advice: str = ""


def readings(events: Iterable[Event], config: RunConfig) -> list[Reading]:
    """The rows that mean something with the objective and the optimiser of a run; none before its first outer step."""
    steps = [event for event in events if event["event"] == "step"]
    if not steps:
        return []
    found = [
        *(_backwards(steps, config.inner) if config.objective.kind != "gradient" else []),
        _bytes("Largest memory of the process", _numbers(steps, "peak_bytes"), "below the memory of the machine"),
        _bytes("Tape of one window", _numbers(steps, "tape_bytes"), "a quarter of the free memory at most"),
        _skipped(_numbers(steps, "skipped"), len(steps)),
    ]
    return [reading for reading in found if reading is not None]


def _backwards(steps: Sequence[Event], inner: InnerConfig) -> list[Reading | None]:
    """Of what is carried back through the steps of a window. Gradient matching carries nothing back; SGD has no eps."""
    recent, adam = steps[-RECENT:], inner.optimizer == "adam"
    return [
        _growth(_median(recent, "growth")),
        _chaotic(_numbers(steps, "growth"), "lower inner.lr or inner.steps" + (", or raise inner.eps" if adam else "")),
        _singular(_median(recent, "singular_share"), inner.eps) if adam else None,
        _cost(_median(recent, "cost_ratio")),
    ]


def table(rows: Sequence[Reading]) -> pd.DataFrame:
    """The rows for people: Number, Value, Good, Advice."""
    columns = ["Number", "Value", "Good", "Advice"]
    return pd.DataFrame([(one.name, one.value, one.good, one.advice or "fine") for one in rows], columns=columns)


def _growth(median: float | None) -> Reading | None:
    if median is None:
        return None
    advice = "" if median <= SMOOTH_GROWTH else "The inner loop is near chaos: lower inner.lr or inner.steps."
    return Reading("Adjoint growth over a window", f"{median:.3g} times", f"below {SMOOTH_GROWTH:,.0f}", advice)


def _chaotic(growths: Sequence[float], cure: str) -> Reading | None:
    if not growths:
        return None
    count = sum(growth > MAX_GROWTH for growth in growths)
    bad = count > CHAOTIC_SHARE * len(growths)
    advice = f"Too many gradients are noise: {cure}." if bad else ""
    value = f"{count:,} of {len(growths):,} steps"
    return Reading(f"Steps with growth above {MAX_GROWTH:,.0f}", value, f"at most {CHAOTIC_SHARE:.0%}", advice)


def _singular(median: float | None, eps: float) -> Reading | None:
    """Near 1 by design with a large eps, whose 1 / eps bounds the amplification: an alarm below MIN_EPS only."""
    if median is None:
        return None
    tiny = eps < MIN_EPS
    advice = "The gradient is rounding noise: raise inner.eps to 0.0001." if tiny and median > SINGULAR_SHARE else ""
    good = f"below {SINGULAR_SHARE:.0%}" if tiny else f"any, as inner.eps is not below {MIN_EPS:g}"
    return Reading("Share from near-singular coordinates", f"{median:.0%}", good, advice)


def _cost(median: float | None) -> Reading | None:
    if median is None:
        return None
    advice = "" if median <= COST_RATIO else "Memory is short or the machine is busy: free memory, or wait."
    return Reading("Cost of a window", f"{median:.2g} times its plain training", f"below {COST_RATIO:g}", advice)


def _bytes(name: str, numbers: Sequence[float], good: str) -> Reading | None:
    return Reading(name, size(max(numbers)), good) if numbers else None


def _skipped(counts: Sequence[float], steps: int) -> Reading | None:
    if not counts:
        return None
    total = int(sum(counts))
    advice = "Gradients that are not finite were left out: lower inner.lr." if total > CHAOTIC_SHARE * steps else ""
    return Reading("Windows left out, not finite", f"{total:,} in {steps:,} steps", "none, or a few", advice)


def _median(steps: Sequence[Event], name: str) -> float | None:
    numbers = _numbers(steps, name)
    return statistics.median(numbers) if numbers else None


def _numbers(steps: Sequence[Event], name: str) -> list[float]:
    return [float(step[name]) for step in steps if isinstance(step.get(name), int | float)]
