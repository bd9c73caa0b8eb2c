"""A finished run with several student architectures or forms, made from the fixture's table by simple arithmetic."""

from collections.abc import Callable
from pathlib import Path

from farzi_core.evaluation.report import METRICS, Evaluation, Interval, Row, RowName, StudentTable
from farzi_core.runs import manifest, migrate
from farzi_core.runs.files import sha256
from farzi_core.runs.manifest import FileRecord
from farzi_core.views.load import EVALUATION


def with_others(report: Evaluation) -> Evaluation:
    """`report` with GRU4Rec at 0.9 of its values; percentages reach 2 points to either side."""
    rows = tuple(with_percent(row) for row in report.rows)
    others = tuple(scaled(row, 0.9) for row in rows if row.name in {RowName.FULL, RowName.DISTILLED})
    table = StudentTable(student="gru4rec", rows=others)
    return report.model_copy(update={"rows": rows, "others": (table,)})


def with_percent(row: Row) -> Row:
    intervals = {one: Interval(low=value - 2, high=value + 2) for one, value in row.percent_of_full.items()}
    return row.model_copy(update={"percent_interval": {} if row.name is RowName.FULL else intervals})


def scaled(row: Row, by: float) -> Row:
    def smaller(one: Interval) -> Interval:
        return Interval(low=by * one.low, high=by * one.high)

    return row.model_copy(
        update={
            "seeds": tuple({metric: by * value for metric, value in seed.items()} for seed in row.seeds),
            "mean": {metric: by * value for metric, value in row.mean.items()},
            "interval": {metric: smaller(one) for metric, one in row.interval.items()},
            "minus_distilled": {metric: smaller(one) for metric, one in row.minus_distilled.items()},
        }
    )


def with_forms(report: Evaluation) -> Evaluation:
    """`report` with the distilled data as argmax at 0.7 of their values, and as four draws a sequence at 0.6."""
    full, distilled, *rest = report.rows
    hard = [
        scaled(distilled, by).model_copy(
            update={
                "name": name,
                "sequences": many * distilled.sequences,
                "events": many * distilled.events,
                "percent_of_full": {one: by * value for one, value in distilled.percent_of_full.items()},
                "minus_distilled": {
                    one: Interval(low=(0.9 - by) * value, high=(1.1 - by) * value)
                    for one, value in distilled.mean.items()
                },
            }
        )
        for name, by, many in ((RowName.ARGMAX, 0.7, 1), (RowName.SAMPLED, 0.6, 4))
    ]
    return report.model_copy(update={"rows": (full, distilled, *hard, *rest)})


def add_others(folder: Path) -> Evaluation:
    """Write `with_others` of a run's table into its folder; returns it."""
    return _rewrite(folder, with_others)


def add_forms(folder: Path) -> Evaluation:
    """Write `with_forms` of a run's table into its folder; returns it."""
    return _rewrite(folder, with_forms)


def _rewrite(folder: Path, change: Callable[[Evaluation], Evaluation]) -> Evaluation:
    """The manifest last."""
    known = migrate.read_manifest(folder).manifest
    report = change(Evaluation.model_validate_json((folder / EVALUATION).read_bytes()))
    content = report.model_dump_json().encode()
    (folder / EVALUATION).write_bytes(content)
    files = {**known.files, EVALUATION: FileRecord(sha256=sha256(content), size=len(content))}
    manifest.write(folder, known.model_copy(update={"files": files}))
    return report


def metric_values(row: Row) -> list[float]:
    return [row.percent_of_full[metric] for metric in METRICS["recommendation"]]
