"""Finished runs beside each other: which may be compared, and one line a trained student. No torch.

Two runs may stand in one figure if they have the same data, split and rules of ranking (`same_data`). They are one
experiment (`alike`) if their settings differ only in what such a figure shows: size, seed and method. Legend: mu
synthetic sequences of xi events; a real row trains on as many sequences.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from farzi_core.config import RunConfig
from farzi_core.evaluation.report import FORM_ROWS, LABELS, Evaluation, Interval, Metric, Row, RowName
from farzi_core.runs.run import Run
from farzi_core.sections import Kind
from farzi_core.views import intervals, runs
from farzi_core.views.experiment import method, point, recipe
from farzi_core.views.load import RunView


class Trained(NamedTuple):
    """One student of one run."""

    run: str
    row: RowName
    method: str
    """Of distillation; empty for real data."""
    mu: int
    xi: int
    """Of the run; 0 and 0 for full data."""
    numbers: float
    """Stored: Z and M together, or the events of real data and of hard forms."""
    sequences: float
    seed: int
    """Of the run."""
    student: int
    """From 0."""
    value: float
    seconds: float
    """To train one, mean of its row."""
    percent: Interval | None
    """95 %, of its row's percent of full data in its run; full data and runs of version 0.1 have none."""

    @property
    def group(self) -> tuple[RowName, str, int, int]:
        """What is drawn as one mark."""
        return self.row, self.method, self.mu, self.xi


class Group(NamedTuple):
    """All students of one mark, of all runs and seeds, never only the last one: numbers to seconds are means."""

    row: RowName
    method: str
    mu: int
    xi: int
    numbers: float
    sequences: float
    seconds: float
    mean: float
    low: float
    high: float
    percent: Interval | None
    """Of the mean percentage (`intervals.over_runs`)."""
    students: int
    seeds: int
    """Different seeds of runs."""
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What a figure over several runs needs of one finished run."""

    run_id: str
    config: RunConfig
    data: str
    """`DatasetInfo.digest`."""
    report: Evaluation
    distil_seconds: float
    where: str
    """Device and threads that the seconds were measured with."""
    code: str
    """Version of the program, 16 hex digits."""
    number: int
    """Order of creation in the store."""

    @property
    def size(self) -> tuple[int, int]:
        """(mu, xi)."""
        return self.config.synthetic.mu, self.config.synthetic.xi

    @property
    def rows(self) -> set[tuple[Kind, RowName]]:
        """What its tables hold, by student."""
        return {(table.student, row.name) for table in self.report.tables for row in table.rows}

    @property
    def label(self) -> str:
        """For choosers: size, method, split where it is not the first, seed, and the end of the id."""
        split = f"split {self.config.data.seed}, " if self.config.data.seed else ""
        seed = f"{split}seed {self.config.seed}"
        return f"{size_label(*self.size)}, {method(self.config)}, {seed} (run {self.run_id[-4:]})"


def result(run: Run) -> Result:
    """Read a finished run; raises `StoreError` where it has no table. Cost: two small files and its log."""
    view, environment = RunView(run.folder), run.manifest.environment
    return Result(
        run_id=run.id,
        config=view.config,
        data=view.info.digest,
        report=view.evaluation,
        distil_seconds=runs.seconds(run.events())["distil"],
        where=runs.cores(environment.device, environment.threads) if environment else "",
        code=environment.code if environment else "",
        number=run.manifest.number,
    )


def same_data(one: Result, other: Result) -> bool:
    """Same sequences, split and ranking: their figures may be compared."""
    return (one.data, one.report.masked_seen) == (other.data, other.report.masked_seen)


def alike(one: Result, other: Result) -> bool:
    """Same data, and settings that differ only in size, seed and method."""
    return same_data(one, other) and recipe(one.config) == recipe(other.config)


def current(chosen: Result, found: Iterable[Result]) -> list[Result]:
    """`found` without the runs that were made again, `chosen` first and then the newest.

    A run is left out where a newer one of the same point and data has all of its rows; of all of them the chosen run
    counts as the newest, so it is always kept. Marks, verdicts, costs and counts are all made from this list.
    """
    kept: list[Result] = []
    newer: dict[tuple[object, ...], list[set[tuple[Kind, RowName]]]] = {}
    for one in sorted(found, key=lambda one: (one.run_id == chosen.run_id, one.number), reverse=True):
        known = newer.setdefault((one.data, one.report.masked_seen, *point(one.config)), [])
        if not any(one.rows <= rows for rows in known):
            known.append(one.rows)
            kept.append(one)
    return kept


class Diverged(NamedTuple):
    """A run that ended without a final table to show: it is counted, not drawn."""

    config: RunConfig
    data: str
    """`DatasetInfo.digest`; empty where the run did not come to know it."""


def diverged(run: Run) -> Diverged:
    """Read a run that diverged; raises `StoreError` where its settings cannot be read."""
    environment = run.manifest.environment
    return Diverged(run.config, environment.data_digest if environment else "")


def left_out(shown: Sequence[Result], lost: Iterable[Diverged]) -> int:
    """How many of `lost` are alike `shown`, and of points that no run that is shown has."""
    first, known = shown[0], {point(one.config) for one in shown}
    return sum(
        one.data == first.data and recipe(one.config) == recipe(first.config) and point(one.config) not in known
        for one in lost
    )


def count(number: int, noun: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size_label(mu: int, xi: int) -> str:
    return f"{mu:,} × {xi:,}"


def students(results: Iterable[Result], kind: Kind, metric: Metric) -> list[Trained]:
    """Every trained student of architecture `kind`; rules without training have none.

    What a student learns follows from its data and seeds: runs that share them trained the same one again, and it
    counts once, as the first of `results` has it. Of real data that is every student of the same size and seed, of
    distilled data and taught windows those of one point (`current` keeps two runs of it only where each has rows that
    the other lacks).
    """
    found: dict[tuple[object, ...], Trained] = {}
    for one in results:
        for table in one.report.tables:
            for row in table.rows if table.student == kind else ():
                for trained in _trained(one, row, metric) if row.sequences else ():
                    found.setdefault((*trained.group, trained.seed, trained.student), trained)
    return list(found.values())


def spread(trained: Iterable[Trained]) -> list[Group]:
    """`students` by row, method and size, in the order of `LABELS` and then of size."""
    groups: dict[tuple[RowName, str, int, int], list[Trained]] = {}
    for one in trained:
        groups.setdefault(one.group, []).append(one)
    order = list(LABELS)
    return [_group(some) for _, some in sorted(groups.items(), key=lambda one: (order.index(one[0][0]), *one[0][1:]))]


def _group(some: Sequence[Trained]) -> Group:
    values, percents = [one.value for one in some], {one.run: one.percent for one in some}
    return Group(
        *some[0].group,
        numbers=fmean(one.numbers for one in some),
        sequences=fmean(one.sequences for one in some),
        seconds=fmean(one.seconds for one in some),
        mean=fmean(values),
        low=min(values),
        high=max(values),
        percent=intervals.over_runs(list(percents.values())),
        students=len(values),
        seeds=len({one.seed for one in some}),
        runs=tuple(dict.fromkeys(one.run for one in some)),
    )


def _trained(one: Result, row: Row, metric: Metric) -> Iterator[Trained]:
    made = row.name in FORM_ROWS.values() or row.name is RowName.TAUGHT  # by settings of `METHOD`, not by data alone
    mu, xi = (0, 0) if row.name is RowName.FULL else one.size
    for student, values in enumerate(row.seeds):
        yield Trained(
            run=one.run_id,
            row=row.name,
            method=method(one.config) if made else "",
            mu=mu,
            xi=xi,
            numbers=_numbers(one, row),
            sequences=row.sequences,
            seed=one.config.seed,
            student=student,
            value=values[metric],
            seconds=row.seconds,
            percent=row.percent_interval.get(metric),
        )


def _numbers(one: Result, row: Row) -> int:
    """Stored numbers of what a row is trained on: items, one an event and, with labels of their own, one a label; of
    taught windows a distribution a label."""
    synthetic, report = one.config.synthetic, one.report
    if row.name is RowName.DISTILLED:
        return report.stored_numbers
    if row.name is RowName.TAUGHT:
        items = report.stored_numbers // synthetic.d - synthetic.latents  # M is d x items
        return row.events * (1 + items)
    return row.events * (synthetic.faces if row.name in FORM_ROWS.values() else 1)
