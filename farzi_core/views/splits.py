"""The same run on several splits: what is left of a figure with other users to train on and to be tested on. No torch.

A split is what one seed of the data draws (`data.seed`). Runs whose settings differ in it and in their own seed are put
together: students of one split first, to its mean and its percentage of its own full data; then the splits, each
counted once. Intervals over splits: `intervals.over_splits`; of one split its own.
"""

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

from farzi_core.config import RunConfig
from farzi_core.evaluation.report import LABELS, Interval, Metric, RowName, percent_of_full, scale, shown
from farzi_core.sections import Kind
from farzi_core.views import experiment, intervals, points
from farzi_core.views.points import Diverged, Group, Result, count
from farzi_core.views.progress import METRIC_LABELS
from farzi_core.views.standing import counted

OWN_SPLIT = "These data have a split of their own that the seed leaves as it is: such runs are one split, counted once."


class Single(NamedTuple):
    """A training set in one split; the mean in percent where it is a fraction."""

    split: int
    """`data.seed`."""
    mean: float
    percent_of_full: float
    percent: Interval | None
    """Of its runs, over its test users (`intervals.over_runs`)."""
    students: int
    runs: tuple[str, ...]


class Average(NamedTuple):
    """A training set over all splits; fractions in percent, every split counted once."""

    label: str
    row: str
    mean: float
    low: float
    high: float
    """Means of the lowest and of the highest split."""
    percent_of_full: float
    """Mean of the splits' percentages."""
    percent_low: float | None
    percent_high: float | None
    """Its 95 % interval; full data have none."""
    percent_lowest: float
    percent_highest: float
    """Of the splits."""
    students: int
    singles: tuple[Single, ...]

    @property
    def splits(self) -> list[int]:
        return [one.split for one in self.singles]

    @property
    def percents(self) -> list[float]:
        """In the order of `splits`."""
        return [one.percent_of_full for one in self.singles]

    @property
    def runs(self) -> tuple[str, ...]:
        return tuple(run for one in self.singles for run in one.runs)


def comparable(chosen: Result, found: Iterable[Result]) -> list[Result]:
    """`chosen` and the runs that differ from it in split and seed alone, none that was made again. Where the data
    changed under the same settings only what the newest run of a split has counts, before all what `chosen` has."""
    kind, drawn = chosen.report.student, dict[int, str]()
    runs = [
        one
        for one in points.current(chosen, found)
        if _alike(one.config, chosen.config) and kind in {table.student for table in one.report.tables}
    ]
    for one in runs:
        drawn.setdefault(one.config.data.seed, one.data)
    return [one for one in runs if one.data == drawn[one.config.data.seed]]


def left_out(runs: Sequence[Result], lost: Iterable[Diverged]) -> int:
    """How many of `lost` are alike `runs`, and of a split and seed that none of them has."""
    first, known = runs[0].config, {_place(one.config) for one in runs}
    return sum(_alike(one.config, first) and _place(one.config) not in known for one in lost)


def own_split(chosen: Result, found: Iterable[Result]) -> bool:
    """Whether different seeds of the data drew the same users: the source brings its split."""
    drawn = {(one.config.data.seed, one.data) for one in found if _alike(one.config, chosen.config)}
    return len({data for _, data in drawn}) < len(drawn)


def _alike(one: RunConfig, other: RunConfig) -> bool:
    """Same data but for the split; same recipe, method and size."""
    data = [config.data.model_copy(update={"seed": 0}) for config in (one, other)]
    return data[0] == data[1] and experiment.point(one)[:-1] == experiment.point(other)[:-1]


def _place(config: RunConfig) -> tuple[int, int]:
    return config.data.seed, config.seed


def averages(runs: Sequence[Result], metric: Metric) -> list[Average]:
    """One a training set, full data first, of the architecture of the first run's table."""
    found: dict[RowName, list[Single]] = {}
    for split, some in _by_split(runs).items():
        for row, single in _singles(split, some, runs[0].report.student, metric):
            found.setdefault(row, []).append(single)
    share = fmean(one.report.test_users / one.report.full_sequences for one in runs)
    return [_average(row, found[row], share) for row in LABELS if row in found]


def _by_split(runs: Sequence[Result]) -> dict[int, list[Result]]:
    found: dict[int, list[Result]] = {}
    for one in runs:
        found.setdefault(one.config.data.seed, []).append(one)
    return dict(sorted(found.items()))


def _singles(split: int, runs: Sequence[Result], kind: Kind, metric: Metric) -> list[tuple[RowName, Single]]:
    groups = points.spread(points.students(runs, kind, metric))
    full = next(one.mean for one in groups if one.row is RowName.FULL)
    return [(one.row, _single(split, one, full, metric)) for one in groups]


def _single(split: int, one: Group, full: float, metric: Metric) -> Single:
    percent = percent_of_full(metric, one.mean, full)
    return Single(split, scale(metric) * one.mean, percent, one.percent, one.students, one.runs)


def _average(row: RowName, singles: Sequence[Single], test_share: float) -> Average:
    means, percents = [one.mean for one in singles], [one.percent_of_full for one in singles]
    around = singles[0].percent if len(singles) == 1 else intervals.over_splits(percents, test_share)
    known = around if row is not RowName.FULL else None
    return Average(
        label=LABELS[row],
        row=row.value,
        mean=fmean(means),
        low=min(means),
        high=max(means),
        percent_of_full=fmean(percents),
        percent_low=known.low if known else None,
        percent_high=known.high if known else None,
        percent_lowest=min(percents),
        percent_highest=max(percents),
        students=sum(one.students for one in singles),
        singles=tuple(singles),
    )


def reading(runs: Sequence[Result], metric: Metric) -> list[str]:
    """What distilled data reach over the splits, whether that is told apart from full data, and the runs' verdicts."""
    mine = next(one for one in averages(runs, metric) if one.row == RowName.DISTILLED.value)
    return [
        _reached(mine, metric),
        _verdict(mine),
        f"{counted([one.report for one in runs], runs[0].report.student, metric)}, each by the paired 95 % interval of "
        "the difference over its own test users.",
    ]


def _reached(mine: Average, metric: Metric) -> str:
    around = f"95 % interval {intervals.words(mine.percent_low, mine.percent_high) or 'none is stored'}"
    value, percent = shown(metric, mine.mean / scale(metric)), f"{mine.percent_of_full:.1f} % of full data"
    begin = f"{count(len(mine.singles), 'split')}: students on distilled data reach {METRIC_LABELS[metric]} {value}"
    if len(mine.singles) < 2:
        return f"{begin}, {percent} ({around})."
    return (
        f"{begin} on average, {percent} (mean of the splits' percentages; {around}; lowest split "
        f"{mine.percent_lowest:.1f} %, highest {mine.percent_highest:.1f} %)."
    )


def _verdict(mine: Average) -> str:
    if len(mine.singles) < 2 or mine.percent_low is None or mine.percent_high is None:
        return "One split says nothing about other splits: its interval is over its own test users alone."
    if mine.percent_low <= 100 <= mine.percent_high:
        return "100 % is inside the interval: over splits, distilled and full data are not told apart."
    return f"The interval leaves 100 % out: over splits, distilled data are {_side(mine)} full data."


def _side(mine: Average) -> str:
    return "better than" if mine.percent_of_full > 100 else "worse than"
