"""The result of a run in the terminal: the table of `demo`, and its JSON document."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from farzi_core.commands import show
from farzi_core.config import RunConfig
from farzi_core.data.dataset import DatasetInfo, Task
from farzi_core.evaluation.report import METRIC_LABELS, Evaluation, Metric, Row, RowName, scale
from farzi_core.runs.run import Run
from farzi_core.views.load import RunView
from farzi_core.views.runs import seconds
from farzi_core.views.standing import standing

_WHAT: dict[Task, str] = {
    "recommendation": "Percent of {:,} test users",
    "language": "Percent of the tokens of {:,} test sentences, perplexities and nats a token as they are",
}


@dataclass(frozen=True)
class Judged:
    """A run's final table, its own or one made anew, and what is said beside it."""

    run_id: str
    config: RunConfig
    info: DatasetInfo
    report: Evaluation
    seconds: dict[str, float]

    @classmethod
    def of_run(cls, run: Run) -> "Judged":
        """The table a finished run has; raises `StoreError` where it has none."""
        view = RunView(run.folder)
        return cls(run.id, view.config, view.info, view.evaluation, seconds(run.events()))

    @classmethod
    def of(cls, run: Run, config: RunConfig, info: DatasetInfo, report: Evaluation, spent: float) -> "Judged":
        """A table made anew from the synthetic data of `run`, in `spent` seconds."""
        return cls(run.id, config, info, report, {**seconds(run.events()), "evaluate": round(spent, 3)})


def document(judged: Judged) -> dict[str, Any]:
    """`dataset`, `sizes`, `results` (means), `seconds`, `run_id`, `evaluation` (the table as in evaluation.json: every
    student, intervals, percentages, paired differences, protocol), and `students` (means by architecture) where there
    are several."""
    report = judged.report
    found = {
        "dataset": judged.config.data.source,
        "sizes": sizes(report),
        "results": _results(report.rows),
        "seconds": judged.seconds,
        "run_id": judged.run_id,
        "evaluation": report.model_dump(mode="json"),
    }
    if report.others:
        found["students"] = {table.student: _results(table.rows) for table in report.tables}
    return found


def _results(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    return {row.name.value: {metric.value: value for metric, value in row.mean.items()} for row in rows}


def sizes(report: Evaluation) -> dict[str, float]:
    """Training sequences and events, mu, xi, and mu in percent of the sequences."""
    distilled = report.row(RowName.DISTILLED)
    assert distilled is not None, "every finished run has this row"
    return {
        "sequences": report.full_sequences,
        "events": report.full_events,
        "mu": distilled.sequences,
        "xi": distilled.events // distilled.sequences,
        "percent_of_sequences": 100 * distilled.sequences / report.full_sequences,
    }


def table(judged: Judged) -> None:
    """The table for people: percent, and below each value how much of full data's it is."""
    report, info = judged.report, judged.info
    size = sizes(report)
    names = [METRIC_LABELS[metric] for metric in report.metrics]
    show.words(
        f"{info.name}: {size['mu']:,} x {size['xi']} synthetic events for {size['sequences']:,} training sequences "
        f"({size['percent_of_sequences']:.2f} %, {size['events']:,} events)\n"
    )
    columns = ["Trained on", "Sequences", *names]
    show.table(columns, [_line(row, label) for label, row in report.labelled], right=columns[1:])
    show.words(_notes(judged))


def _line(row: Row, label: str) -> list[show.Cell]:
    sequences = f"{row.sequences:,}" if row.sequences else "rule"
    return [label, sequences, *(_cell(row, metric) for metric in row.mean)]


def _cell(row: Row, metric: Metric) -> Text:
    value = f"{scale(metric) * row.mean[metric]:.1f}" if metric is not Metric.LOSS else f"{row.mean[metric]:.2f}"
    if row.name is RowName.FULL:
        return Text(value)
    return Text.assemble(value, "\n", (f"{row.percent_of_full[metric]:.0f} %", "dim"))


def _notes(judged: Judged) -> str:
    report, spent = judged.report, judged.seconds
    full = report.row(RowName.FULL)
    models = len(full.seeds) if full else 0
    return (
        f"\n{_WHAT[report.task].format(report.test_users)}, below it percent of full data. Means over {report.seeds} "
        f"students (full data: {models}).{report.chosen_decay}\n{standing(report)}\n"
        f"Seconds: prepare {spent['prepare']:.1f}, distil {spent['distil']:.1f}, evaluate {spent['evaluate']:.1f}. "
        f"Stored numbers: {report.stored_numbers:,}.\n"
        f"Run {judged.run_id}: `make run` shows its sequences and factors."
    )
