"""From what judges saw to the table: means over seeds, bootstrap intervals over test sequences, paired differences.

Every row is resampled with the same draws of test users (or sentences), so differences are paired: what a hard user
costs one row it costs the other. A row's value is the mean over its seeds; the interval says how far the mean would
move with other users of the same kind, not with another split.

Legend: R rows, U test users, S seeds, B bootstrap draws.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from farzi_core.data.dataset import Task
from farzi_core.evaluation.measures import MEASURES, Measures
from farzi_core.evaluation.report import TINY, Interval, Metric, Row, RowName
from farzi_core.limits import MAX_DRAWN_WEIGHTS

DRAWS = 2000  # bootstrap draws: the 2.5 % quantile then stands on 50 draws
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What one row of the table measured: what the judge saw [U, ...] of each seed, and what training it took."""

    name: RowName
    sequences: int
    events: int
    seen: list[Tensor]
    steps: float = 0.0
    seconds: float = 0.0
    decays: tuple[float, ...] = ()


def table(outcomes: list[Outcome], items: int, seed: int = 0, task: Task = "recommendation") -> tuple[Row, ...]:
    """The rows of the final table. Raises nothing: the outcomes hold one full and one distilled row."""
    measures = MEASURES[task]
    found = {one.name: [measures.statistics(seen, items) for seen in one.seen] for one in outcomes}
    seeds = {name: [measures.combine(one.mean(0)) for one in every] for name, every in found.items()}
    drawn = dict(zip(found, _drawn(measures, list(found.values()), seed), strict=True))
    return tuple(_row(measures, one, seeds, drawn) for one in outcomes)


def paired(
    before: list[Tensor], after: list[Tensor], items: int, seed: int = 0, task: Task = "recommendation"
) -> dict[Metric, Interval]:
    """Intervals of (mean over `after` - mean over `before`): what a judge saw [U, ...] of each student, resampled with
    the same draws of sequences on both sides."""
    measures = MEASURES[task]
    sides = [[measures.statistics(seen, items) for seen in side] for side in (before, after)]
    one, other = _drawn(measures, sides, seed)
    return _intervals(measures, other - one)


def _row(measures: Measures, one: Outcome, seeds: dict[RowName, list[Floats]], drawn: dict[RowName, Floats]) -> Row:
    mean = np.mean(seeds[one.name], axis=0)
    paired = drawn[RowName.DISTILLED] - drawn[one.name]
    ratio = _percent(measures, drawn[one.name], drawn[RowName.FULL])
    return Row(
        name=one.name,
        sequences=one.sequences,
        events=one.events,
        seeds=tuple(measures.named(seed) for seed in seeds[one.name]),
        mean=measures.named(mean),
        interval=_intervals(measures, drawn[one.name]),
        percent_of_full=measures.named(_percent(measures, mean, np.mean(seeds[RowName.FULL], axis=0))),
        percent_interval={} if one.name is RowName.FULL else _intervals(measures, ratio),
        minus_distilled={} if one.name is RowName.DISTILLED else _intervals(measures, paired),
        steps=one.steps,
        seconds=one.seconds,
        decays=one.decays,
    )


def _percent(measures: Measures, values: Floats, full: Floats) -> Floats:
    """[..., M] in percent of full data's: value / full, or full / value where lower is better (paper, table 6)."""
    lower = np.array([metric.lower_is_better for metric in measures.metrics])
    above, below = np.where(lower, full, values), np.where(lower, values, full)
    percent: Floats = 100 * above / np.maximum(below, TINY)
    return percent


def _drawn(measures: Measures, rows: Sequence[Sequence[Floats]], seed: int) -> list[Floats]:
    """Metrics [B, M] of each row, means over its seeds: statistics [U, ...] a seed, all under the same draws."""
    users = len(rows[0][0])
    blocks = [
        [np.mean([measures.combine(counts @ one / users) for one in every], axis=0) for every in rows]
        for counts in _draws(users, seed)
    ]
    return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


def _draws(users: int, seed: int) -> Iterator[Floats]:
    """How often each draw has each user [B, U], in blocks of draws; what is drawn depends on no block's size. Counts,
    not shares: sums of whole numbers are exact, so the mean of ones is one on every processor.

    Memory: about three blocks of `MAX_DRAWN_WEIGHTS` numbers. Cost: B U binomials, 15 s of one core at 100,000
    users, and one look at every weight for each seed of each row.
    """
    generator = np.random.default_rng(seed)
    block = max(1, MAX_DRAWN_WEIGHTS // users)
    for first in range(0, DRAWS, block):
        size = min(block, DRAWS - first)
        yield generator.multinomial(users, np.full(users, 1 / users), size=size).astype(np.float64)


def _intervals(measures: Measures, drawn: Floats) -> dict[Metric, Interval]:
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    pairs = zip(measures.metrics, low, high, strict=True)
    return {metric: Interval(low=float(a), high=float(b)) for metric, a, b in pairs}
