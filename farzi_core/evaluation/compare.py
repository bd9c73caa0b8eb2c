"""From ranks to the table: means over seeds, bootstrap intervals over test users, paired differences.

Every row is resampled with the same draws of test users, so differences are paired: what a hard user costs one row it
costs the other. A row's value a user is the mean over its seeds; the interval says how far the mean would move with
other users of the same kind, not with another split.

Legend: R rows, U test users, S seeds, B bootstrap draws.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from farzi_core.evaluation import metrics
from farzi_core.evaluation.report import Interval, Metric, Row, RowName

DRAWS = 2000  # bootstrap draws: the 2.5 % quantile then stands on 50 draws
TINY = 1e-12  # a metric that is 0 on full data has no percentage: large, but not a division by zero
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What one row of the table measured: ranks [U] of each seed, and what training it took."""

    name: RowName
    sequences: int
    events: int
    ranks: list[Tensor]
    steps: float = 0.0
    seconds: float = 0.0


def table(outcomes: list[Outcome], items: int, seed: int = 0) -> tuple[Row, ...]:
    """The rows of the final table. Raises nothing: the outcomes hold one full and one distilled row."""
    values = {one.name: [_values(ranks, items) for ranks in one.ranks] for one in outcomes}
    means = {name: np.mean(per_seed, axis=0) for name, per_seed in values.items()}  # [U, metrics]
    users = next(iter(means.values())).shape[0]
    weights = _draws(users, seed)
    drawn = {name: weights @ mean for name, mean in means.items()}  # [B, metrics]
    return tuple(_row(one, values[one.name], means, drawn) for one in outcomes)


def _row(one: Outcome, seeds: list[Floats], means: dict[RowName, Floats], drawn: dict[RowName, Floats]) -> Row:
    mean, full = means[one.name].mean(0), means[RowName.FULL].mean(0)
    paired = drawn[RowName.DISTILLED] - drawn[one.name]
    ratio = 100 * drawn[one.name] / np.maximum(drawn[RowName.FULL], TINY)
    return Row(
        name=one.name,
        sequences=one.sequences,
        events=one.events,
        seeds=tuple(_named(seed.mean(0)) for seed in seeds),
        mean=_named(mean),
        interval=_intervals(drawn[one.name]),
        percent_of_full=_named(100 * mean / np.maximum(full, TINY)),
        percent_interval={} if one.name is RowName.FULL else _intervals(ratio),
        minus_distilled={} if one.name is RowName.DISTILLED else _intervals(paired),
        steps=one.steps,
        seconds=one.seconds,
    )


def _values(ranks: Tensor, items: int) -> Floats:
    """[U, metrics] in the order of `Metric`."""
    per_user = metrics.per_user(ranks.double().cpu(), items)
    values: Floats = torch.stack([per_user[metric] for metric in Metric], 1).numpy()
    return values


def _draws(users: int, seed: int) -> Floats:
    """Bootstrap weights [B, U]: each row sums to 1."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(users, np.full(users, 1 / users), size=DRAWS) / users


def _named(values: Floats) -> dict[Metric, float]:
    return {metric: float(value) for metric, value in zip(Metric, values, strict=True)}


def _intervals(drawn: Floats) -> dict[Metric, Interval]:
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return {metric: Interval(low=float(a), high=float(b)) for metric, a, b in zip(Metric, low, high, strict=True)}
