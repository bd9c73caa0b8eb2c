"""What distilled data are told apart from, over all metrics at once: the final table in two sentences.

Told apart is where the paired 95 % interval of the difference leaves zero out (`accuracy.verdict`).
"""

from farzi_core.evaluation.report import FORM_ROWS, LABELS, METRIC_LABELS, Evaluation, Metric, Row, RowName
from farzi_core.views.accuracy import verdict

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


def _named(metrics: list[Metric]) -> str:
    return ", ".join(METRIC_LABELS[metric] for metric in metrics)
