"""What distilled data are told apart from: over all metrics of a final table, or over the tables of several runs.

Told apart is where the paired 95 % interval of the difference leaves zero out (`accuracy.verdict`).
"""

from collections.abc import Iterable

from farzi_core.evaluation.report import FORM_ROWS, LABELS, METRIC_LABELS, Evaluation, Metric, Row, RowName
from farzi_core.sections import Kind
from farzi_core.views.accuracy import verdict
from farzi_core.views.points import count

_WORDS = {"better": "better on", "worse": "worse on", "unclear": "not told apart on"}


def standing(report: Evaluation) -> str:
    """Against full data, and which real subsets and rules are beaten on every metric. Other forms of the distilled data
    are no rivals."""
    rivals = [row for row in report.rows if row.name not in (RowName.FULL, *FORM_ROWS.values())]
    behind = {row.name: [one for one in report.metrics if verdict(row.minus_distilled[one], one) != "better"]
              for row in rivals}  # fmt: skip
    beaten = ", ".join(LABELS[name] for name, metrics in behind.items() if not metrics) or "nothing"
    rest = "; ".join(f"{LABELS[name]} on {_named(metrics)}" for name, metrics in behind.items() if metrics)
    said = f"Ahead on all metrics, outside the paired interval, of: {beaten}."
    full = report.row(RowName.FULL)
    return " ".join([*([_against(full, report)] if full else []), said, *([f"Not ahead of {rest}."] if rest else [])])


def _against(full: Row, report: Evaluation) -> str:
    """`Against full data: worse on HR@10; not told apart on AUC.`"""
    found: dict[str, list[Metric]] = {}
    for metric in report.metrics:
        found.setdefault(verdict(full.minus_distilled[metric], metric), []).append(metric)
    parts = [f"{words} {_named(found[which])}" for which, words in _WORDS.items() if which in found]
    return f"Against full data: {'; '.join(parts)}."


def counted(reports: Iterable[Evaluation], kind: Kind, metric: Metric) -> str:
    """`2 runs: against full data 1 better, 1 unclear; better than Random users in 2 of 2`; one verdict a run."""
    found: dict[RowName, list[str]] = {}
    tables = [table for one in reports for table in one.tables if table.student == kind]
    for row in (row for table in tables for row in table.rows):
        if row.sequences and row.name is not RowName.DISTILLED:
            found.setdefault(row.name, []).append(verdict(row.minus_distilled[metric], metric))
    full = found.pop(RowName.FULL)
    counts = ", ".join(f"{full.count(one)} {one}" for one in _WORDS if one in full)
    won = ", ".join(f"{LABELS[name]} in {some.count('better')} of {len(some)}" for name, some in found.items())
    return f"{count(len(full), 'run')}: against full data {counts}{f'; better than {won}' if won else ''}"


def _named(metrics: list[Metric]) -> str:
    return ", ".join(METRIC_LABELS[metric] for metric in metrics)
