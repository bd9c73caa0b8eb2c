"""Finished runs beside each other: which may be compared, and one line a trained student. No torch.

Two runs may stand in one figure if they have the same data, split and rules of ranking (`same_data`). They are one
experiment (`alike`) if their settings differ only in what such a figure shows: size, seed and method. Legend: mu
synthetic sequences of xi events; a real row trains on as many sequences.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from farzi_core.config import Kind, RunConfig
from farzi_core.evaluation.report import KIND_LABELS, Evaluation, Metric, Row, RowName
from farzi_core.runs.run import Run, stored_digest
from farzi_core.views import runs
from farzi_core.views.load import RunView

TEACHER = "model.kind"
METHOD = (TEACHER,)
"""Settings that tell methods of distillation apart: each of their values has a line of its own in the frontier."""
_AXES = (
    *("schema_version", "preset", "seed", "synthetic.mu", "synthetic.xi", *METHOD, "runtime"),
    *("evaluation.students", "evaluation.baselines", "evaluation.seeds", "evaluation.full_seeds"),
)
_COLUMNS = ["run", "row", "method", "mu", "xi", "numbers", "sequences", "seed", "student", "value", "seconds"]
_MEANS = ["numbers", "sequences", "seconds"]
SPREAD = ["row", "method", "mu", "xi", *_MEANS, "mean", "low", "high", "students", "seeds", "runs"]


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

    @property
    def size(self) -> tuple[int, int]:
        """(mu, xi)."""
        return self.config.synthetic.mu, self.config.synthetic.xi

    @property
    def label(self) -> str:
        """For choosers: size, method, seed, and the end of the id."""
        size = size_label(*self.size)
        return f"{size}, {method(self.config)}, seed {self.config.seed} (run {self.run_id[-4:]})"


def result(run: Run) -> Result:
    """Read a finished run; raises `StoreError` where it has no table. Cost: two small files and its log."""
    view, environment = RunView(run.folder), run.manifest.environment
    return Result(
        run_id=run.id,
        config=view.config,
        data=view.info.digest,
        report=view.evaluation,
        distil_seconds=runs.seconds(run.events())["distil"],
        where=f"{environment.device}, {environment.threads} threads" if environment else "",
        code=environment.code if environment else "",
    )


def same_data(one: Result, other: Result) -> bool:
    """Same sequences, split and ranking: their figures may be compared."""
    return (one.data, one.report.masked_seen) == (other.data, other.report.masked_seen)


def alike(one: Result, other: Result) -> bool:
    """Same data, and settings that differ only in size, seed and method."""
    return same_data(one, other) and recipe(one.config) == recipe(other.config)


def recipe(config: RunConfig) -> str:
    """Digest of the settings without size, seed, method, and what decides neither data nor students."""
    values = config.model_dump(mode="json", exclude={"data"})
    for path, last in map(_split, _AXES):
        del _section(values, path)[last]
    return stored_digest(values)


def method(config: RunConfig) -> str:
    """How a run was distilled, for people: the values of `METHOD`, for example `SASRec`."""
    names: Mapping[str, str] = {**KIND_LABELS}
    return ", ".join(names.get(one, one) for one in values(config, METHOD))


def values(config: RunConfig, settings: Iterable[str]) -> list[str]:
    """What `config` has for these dotted settings, as words."""
    stored = config.model_dump(mode="json")
    return [str(_section(stored, path)[last]) for path, last in map(_split, settings)]


def count(number: int, noun: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size_label(mu: int, xi: int) -> str:
    return f"{mu:,} × {xi:,}"


def students(results: Iterable[Result], kind: Kind, metric: Metric) -> pd.DataFrame:
    """One line a trained student of architecture `kind`; rules without training have none.

    run, row, method (empty for real data), mu, xi, numbers (stored: Z and M together, or the events of real data),
    sequences, seed (of the run), student (from 0), value, seconds (of one training, mean of its row). What a student of
    a real row learns follows from its seeds: runs that share them trained the same one again, which counts once.
    """
    lines = [
        line
        for one in results
        for table in one.report.tables
        if table.student == kind
        for row in table.rows
        if row.sequences
        for line in _lines(one, row, metric)
    ]
    frame = pd.DataFrame(lines, columns=_COLUMNS)
    return frame.drop_duplicates(["row", "method", "mu", "xi", "seed", "student"], ignore_index=True)


def spread(trained: pd.DataFrame) -> pd.DataFrame:
    """`students` by row, method and size: mean, low and high over all students of all runs, never only the last one.

    Columns `SPREAD`: numbers, sequences and seconds are means; seeds counts the different ones; runs is a tuple of ids.
    """
    lines = []
    for (row, method, mu, xi), group in trained.groupby(["row", "method", "mu", "xi"], sort=True):
        value, means = group["value"], group[_MEANS].mean()
        counts = (len(group), group["seed"].nunique(), tuple(dict.fromkeys(group["run"])))
        lines.append((row, method, mu, xi, *means, value.mean(), value.min(), value.max(), *counts))
    return pd.DataFrame(lines, columns=SPREAD)


def _lines(one: Result, row: Row, metric: Metric) -> Iterable[tuple[object, ...]]:
    distilled = row.name is RowName.DISTILLED
    mu, xi = (0, 0) if row.name is RowName.FULL else one.size
    fixed = (mu, xi, one.report.stored_numbers if distilled else row.events, row.sequences, one.config.seed)
    for student, values in enumerate(row.seeds):
        yield (
            *(one.run_id, row.name.value, method(one.config) if distilled else ""),
            *(*fixed, student, values[metric], row.seconds),
        )


def _split(dotted: str) -> tuple[list[str], str]:
    *path, last = dotted.split(".")
    return path, last


def _section(values: dict[str, Any], path: list[str]) -> dict[str, Any]:
    for name in path:
        values = values[name]
    return values
