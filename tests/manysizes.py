"""Finished runs of several sizes and seeds, as a study leaves them behind."""

from collections.abc import Iterable
from pathlib import Path

import fixtures

from farzi_core.config import RunConfig, with_settings
from farzi_core.evaluation.report import Evaluation, Interval, Row, RowName, StudentTable
from farzi_core.runs import manifest
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run
from farzi_core.views import points
from farzi_core.views.points import Result

BASE = with_settings(RunConfig(), {"synthetic.d": 3, "outer.steps": 20, "data.source": "planted"})
SIZES = ((3, 5), (6, 5), (12, 5))


def make_runs(home: Path, plan: Iterable[RunConfig]) -> list[Run]:
    """One finished run a config, numbered from 1."""
    return [Run(fixtures.make_finished_run(home, number=place, config=one)) for place, one in enumerate(plan, start=1)]


def make_diverged_run(home: Path, number: int, config: RunConfig, data: str) -> None:
    """A run that diverged, on the data with this digest."""
    folder = fixtures.make_finished_run(home, number=number, config=config, state=RunState.DIVERGED)
    known = Run(folder).manifest
    assert known.environment is not None
    environment = known.environment.model_copy(update={"data_digest": data})
    manifest.write(folder, known.model_copy(update={"environment": environment}))


def sized(mu: int, xi: int, seed: int = 0, **settings: object) -> RunConfig:
    dotted = {name.replace("__", "."): value for name, value in settings.items()}
    return with_settings(BASE, {"synthetic.mu": mu, "synthetic.xi": xi, "seed": seed, **dotted})


def by_hand(
    config: RunConfig, rows: dict[RowName, list[float]], run_id: str = "", number: int = 0, **seconds: float
) -> Result:
    """A result whose every metric of a row's students is the given number; other students are in `others`. Split 0 has
    the digest `digest`, split 1 `digest1`."""
    report = fixtures.evaluation(config.seed, config.synthetic.mu, config.synthetic.xi, config.synthetic.d)
    made = tuple(_row(row, rows[row.name], seconds.get(row.name.value, 1.0)) for row in report.rows if row.name in rows)
    update = {"rows": made, "student": config.students[0], "teacher": config.model.kind}
    name = run_id or f"r-{config.synthetic.mu}-{config.synthetic.xi}-{config.seed}-{config.model.kind}"
    distil = seconds.get("distil", 10.0)
    data = f"digest{config.data.seed or ''}"
    return Result(name, config, data, report.model_copy(update=update), distil, "cpu, 2 threads", "c0de", number)


def with_other(one: Result, kind: str, rows: dict[RowName, list[float]]) -> Result:
    """`one` with the table of another architecture."""
    known: Evaluation = one.report
    made = tuple(_row(row, rows[row.name], 1.0) for row in known.rows if row.name in rows)
    table = StudentTable(student=kind, rows=made)  # type: ignore[arg-type]
    report = known.model_copy(update={"others": (*known.others, table)})
    return Result(**{**vars(one), "report": report})


def with_interval(one: Result, row: RowName, low: float, high: float) -> Result:
    """`one` with this interval of the percentage of `row`, for every metric."""
    rows = tuple(
        known.model_copy(update={"percent_interval": dict.fromkeys(known.mean, Interval(low=low, high=high))})
        if known.name is row
        else known
        for known in one.report.rows
    )
    return Result(**{**vars(one), "report": one.report.model_copy(update={"rows": rows})})


def read(runs: Iterable[Run]) -> list[Result]:
    return [points.result(one) for one in runs]


def _row(row: Row, values: list[float], seconds: float) -> Row:
    seeds = tuple(dict.fromkeys(row.mean, value) for value in values)
    mean = dict.fromkeys(row.mean, sum(values) / len(values))
    return row.model_copy(update={"seeds": seeds, "mean": mean, "seconds": seconds})
