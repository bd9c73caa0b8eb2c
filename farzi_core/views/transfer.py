"""Does the synthetic data teach other architectures too? Every student against the same architecture on full data.

Percentages are of the student's own full-data figure, so a weak architecture is not blamed on the data. Intervals are
95 %, paired over test users (of a text, sentences).
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from farzi_core.evaluation.report import KIND_LABELS, Evaluation, Metric, Row, RowName, StudentTable, scale
from farzi_core.sections import Kind
from farzi_core.views import intervals, percent_heat
from farzi_core.views.accuracy import verdict
from farzi_core.views.progress import METRIC_LABELS, people
from farzi_core.views.theme import Chart


def transfer_table(report: Evaluation, metric: Metric) -> pd.DataFrame:
    """One row a student architecture. Fractions are in percent, differences (distilled - full) in points.

    Columns: student, full, distilled, low, high, percent_of_full, percent_low, percent_high, difference,
    difference_low, difference_high, verdict, seeds, steps, seconds.
    """
    return pd.DataFrame([_line(table.student, *_pair(table), metric) for table in report.tables])


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """`transfer_table` for the screen: intervals as words."""
    words: dict[str, list[str]] = {"interval": [], "percent": [], "difference": []}
    for one in table.itertuples():
        words["interval"].append(f"{one.low:.1f} to {one.high:.1f}")
        words["percent"].append(f"{one.percent_of_full:.1f} ({one.percent_low:.1f} to {one.percent_high:.1f})")
        words["difference"].append(f"{one.difference:+.1f} ({one.difference_low:+.1f} to {one.difference_high:+.1f})")
    order = ["student", "full", "distilled", *words, "verdict", "seeds", "steps", "seconds"]
    return table.assign(**words)[order]


def transfer_chart(report: Evaluation) -> Chart:
    """Heat map, metrics by students: percent of the student's own full-data figure, with its interval."""
    names = [KIND_LABELS[table.student] for table in report.tables]
    rows = [_pair(table)[1] for table in report.tables]
    values = np.array([[row.percent_of_full[metric] for row in rows] for metric in report.metrics])
    labels = [METRIC_LABELS[metric] for metric in report.metrics]
    said = [[_cell(row, metric) for row in rows] for metric in report.metrics]
    hover = [
        [f"{name}, {label} in % of its own full data<br>{cell}" for name, cell in zip(names, cells, strict=True)]
        for label, cells in zip(labels, said, strict=True)
    ]
    x = f"Student (n = {max(len(row.seeds) for row in rows)} a cell)"
    y = f"Metric on test {people(report.metrics[0])} (n = {report.test_users:,})"
    figure = percent_heat.figure(values, names, labels, said, hover, x=x, y=y)
    spans = "; ".join(f"{name} {low:.0f} to {high:.0f} %" for name, low, high in _spans(names, values))
    caption = (
        f"Distilled with {KIND_LABELS[report.teacher]}. 100 % is the same architecture trained on the full data with a "
        f"learning rate of its own. {percent_heat.ENDS} In brackets the 95 % interval (paired bootstrap over test "
        f"{people(report.metrics[0])}).{report.chosen_decay}"
    )
    return Chart(figure, f"Percent of each student's own full-data figure, over the metrics: {spans}.", caption)


def _pair(table: StudentTable) -> tuple[Row, Row]:
    full, distilled = table.row(RowName.FULL), table.row(RowName.DISTILLED)
    assert full is not None, "every finished table has both rows"
    assert distilled is not None, "every finished table has both rows"
    return full, distilled


def _cell(row: Row, metric: Metric) -> str:
    interval = row.percent_interval[metric]
    return f"{row.percent_of_full[metric]:.1f} %<br>{intervals.words(interval.low, interval.high)}"


def _spans(names: list[str], values: npt.NDArray[np.float64]) -> list[tuple[str, float, float]]:
    return list(zip(names, values.min(0).tolist(), values.max(0).tolist(), strict=True))


def _line(student: Kind, full: Row, distilled: Row, metric: Metric) -> dict[str, object]:
    gap, percent = full.minus_distilled[metric], distilled.percent_interval[metric]
    unit = scale(metric)
    return {
        "student": KIND_LABELS[student],
        "full": unit * full.mean[metric],
        "distilled": unit * distilled.mean[metric],
        "low": unit * distilled.interval[metric].low,
        "high": unit * distilled.interval[metric].high,
        "percent_of_full": distilled.percent_of_full[metric],
        "percent_low": percent.low,
        "percent_high": percent.high,
        "difference": unit * (distilled.mean[metric] - full.mean[metric]),
        "difference_low": unit * gap.low,
        "difference_high": unit * gap.high,
        "verdict": verdict(gap, metric),
        "seeds": len(distilled.seeds),
        "steps": distilled.steps,
        "seconds": distilled.seconds,
    }
