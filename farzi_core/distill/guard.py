"""The divergence guard: is an outer step still in the smooth region?

Outer losses (or what the objective has in their place) are compared between windows of the same age only. A student
that is trained for long on little synthetic data overfits, and one from random weights begins badly: both are far from
the mean over all ages and neither is a sign of divergence. What is: a value that is not finite, or a loss far above the
best mean loss of its age. Adjoint growth above MAX_GROWTH makes a gradient that float32 cannot carry; clipping bounds
what it does, so it is counted, not undone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from farzi_core.distill.windows import StepReport
from farzi_core.limits import MAX_GROWTH

EXPLODED = 1.5  # nats above the best mean loss that count as divergence: full-data losses span about 2 nats in all
SMOOTHING = 0.9  # decay of the running mean of the outer value
JUDGED = 4  # windows of an age before its mean is a measure: one lucky student from Omega is none


@dataclass(frozen=True)
class Guard:
    """What is remembered of the steps so far.

    means    age (inner steps) -> running mean of the outer value since the last roll-back
    seen     age -> windows in that mean
    lowest   age -> the lowest that mean has been, once JUDGED windows were seen
    chaotic  outer steps with an adjoint growth above MAX_GROWTH
    """

    means: dict[int, float] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    lowest: dict[int, float] = field(default_factory=dict)
    chaotic: int = 0

    def objection(self, report: StepReport, exploded: float = EXPLODED) -> str:
        """Why `report` is divergence, or an empty string; `exploded` is the objective's."""
        if not report.finite():
            return "a value was not finite"
        for window in report.windows:
            best = self.lowest.get(window.age, math.inf)
            if window.good and window.loss > best + exploded:
                return (
                    f"the outer value {window.loss:.2f} at age {window.age} is more than {exploded:g} above "
                    f"its best mean at that age, {best:.2f}"
                )
        return ""

    def after(self, report: StepReport) -> "Guard":
        """With a step that was taken."""
        means, seen, lowest = dict(self.means), dict(self.seen), dict(self.lowest)
        for age, loss in ((window.age, window.loss) for window in report.windows if window.good):
            seen[age] = seen.get(age, 0) + 1
            share = max(1 - SMOOTHING, 1 / seen[age])  # a plain mean at first, then a running one
            means[age] = means.get(age, 0.0) * (1 - share) + loss * share
            if seen[age] >= JUDGED:
                lowest[age] = min(lowest.get(age, math.inf), means[age])
        return Guard(means, seen, lowest, self.chaotic + (report.growth > MAX_GROWTH))

    def rolled_back(self) -> "Guard":
        """The means begin anew; what was reached stays the measure."""
        return replace(self, means={}, seen={})

    def meta(self) -> dict[str, Any]:
        """JSON values of a checkpoint."""
        tables: dict[str, Mapping[int, float]] = {"means": self.means, "seen": self.seen, "lowest": self.lowest}
        named = {name: {str(age): one for age, one in table.items()} for name, table in tables.items()}
        return {**named, "chaotic": self.chaotic}

    @classmethod
    def of_meta(cls, meta: dict[str, Any]) -> "Guard":
        """What `meta` gave; an older checkpoint has none and begins anew."""
        means, seen, lowest = (
            {int(age): one for age, one in meta.get(name, {}).items()} for name in ("means", "seen", "lowest")
        )
        return cls(means, seen, lowest, meta.get("chaotic", 0))
