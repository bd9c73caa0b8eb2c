"""The kept tables and studies as pictures. Needs matplotlib (benchmarks/engine/requirements.txt).

python -m benchmarks.quality.pictures
"""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from benchmarks.quality import studies, tables
from farzi_core.evaluation.report import LABELS, METRIC_LABELS, Evaluation, Metric, RowName
from farzi_core.views.percent_heat import COLOURS

Document = dict[str, Any]


def table(document: Document, path: Path) -> None:
    """Percent of full data, one panel a metric, with 95 % intervals."""
    report = Evaluation.model_validate(document["evaluation"])
    rows = [(label, row) for label, row in report.labelled if row.name is not RowName.FULL]
    figure, axes = pyplot.subplots(
        1, len(report.metrics), figsize=(13, 1.2 + 0.35 * len(rows)), sharey=True, constrained_layout=True
    )
    for axis, metric in zip(axes, report.metrics, strict=True):
        for place, (_, row) in enumerate(rows):
            value, interval = row.percent_of_full[metric], row.percent_interval.get(metric)
            # rounding may put a value that does not vary beside its interval
            error = [[max(0.0, one)] for one in (value - interval.low, interval.high - value)] if interval else None
            mine = row.name is RowName.DISTILLED
            axis.errorbar(value, place, xerr=error, fmt="o", capsize=3, color="C0" if mine else "0.45")
        axis.axvline(100, color="0.2", linestyle="--")
        axis.set(title=METRIC_LABELS[metric], xlabel="% of full data")
        axis.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(range(len(rows)), [label for label, _ in rows])
    axes[0].invert_yaxis()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def frontier(document: Document, path: Path) -> None:
    """The metrics against stored numbers: means, worst to best student, and the band of full data."""
    names = studies.metrics(document)
    figure, axes = pyplot.subplots(1, len(names), figsize=(15, 3.8), constrained_layout=True)
    for axis, metric in zip(axes, names, strict=True):
        for row in dict.fromkeys(one["row"] for one in document["points"]):
            _line(axis, row, [one for one in document["points"] if one["row"] == row], metric)
        axis.set(xscale="log", xlabel="stored numbers", title=METRIC_LABELS[metric])
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def _line(axis: Any, row: str, lines: list[Document], metric: Metric) -> None:
    label = LABELS[RowName(row)]
    found = sorted((one["numbers"], one["metrics"][metric.value]) for one in lines)
    mean, low, high = ([figures[name] for _, figures in found] for name in ("mean", "low", "high"))
    if row == RowName.FULL:
        axis.axhspan(low[0], high[0], color="0.5", alpha=0.25)
        axis.axhline(mean[0], color="0.2", linestyle="--", label=label)
        return
    around = [[a - b for a, b in zip(mean, low, strict=True)], [b - a for a, b in zip(mean, high, strict=True)]]
    axis.errorbar([numbers for numbers, _ in found], mean, yerr=around, marker="o", capsize=3, label=label)


def transfer(document: Document, path: Path) -> None:
    """Percent of the student's own full data, one matrix a metric."""
    names, cells = studies.metrics(document), document["cells"]
    teachers, students = (list(dict.fromkeys(one[name] for one in cells)) for name in ("teacher", "student"))
    figure, axes = pyplot.subplots(1, len(names), figsize=(15, 3.2), sharey=True, constrained_layout=True)
    for axis, metric in zip(axes, names, strict=True):
        for one in cells:
            percent = one["metrics"][metric.value]["percent_of_full"]
            place = students.index(one["student"]), teachers.index(one["teacher"])
            axis.scatter(*place, s=2400, marker="s", c=[percent], cmap="RdBu", vmin=COLOURS[0], vmax=COLOURS[1])
            pale = abs(percent - 100) < (COLOURS[1] - COLOURS[0]) / 4
            axis.annotate(f"{percent:.0f} %", place, ha="center", va="center", color="black" if pale else "white")
        axis.set(title=METRIC_LABELS[metric], xlabel="student", xlim=(-0.6, len(students) - 0.4))
        axis.set_xticks(range(len(students)), students)
        axis.set_ylim(len(teachers) - 0.4, -0.6)
    axes[0].set_yticks(range(len(teachers)), teachers)
    axes[0].set_ylabel("distilled with")
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def splits(document: Document, path: Path) -> None:
    """Percent of full data, one panel a metric: a cross a split, and the mean with its 95 % interval."""
    names, rows = studies.metrics(document), [one for one in document["rows"] if one["row"] != RowName.FULL]
    figure, axes = pyplot.subplots(
        1, len(names), figsize=(13, 1.2 + 0.35 * len(rows)), sharey=True, constrained_layout=True
    )
    for axis, metric in zip(axes, names, strict=True):
        for place, one in enumerate(rows):
            _over_splits(axis, place, one["metrics"][metric.value], "C0" if one["row"] == RowName.DISTILLED else "0.45")
        axis.axvline(100, color="0.2", linestyle="--")
        axis.set(title=METRIC_LABELS[metric], xlabel="% of full data")
        axis.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(range(len(rows)), [LABELS[RowName(one["row"])] for one in rows])
    axes[0].invert_yaxis()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def _over_splits(axis: Any, place: int, figures: Document, color: str) -> None:
    value, low, high = (figures[name] for name in ("percent_of_full", "percent_low", "percent_high"))
    error = None if low is None else [[max(0.0, value - low)], [max(0.0, high - value)]]
    axis.plot(figures["percents"], [place] * len(figures["percents"]), "x", markersize=5, color=color)
    axis.errorbar(value, place, xerr=error, fmt="o", capsize=3, color=color)


DRAWN = {"frontier": frontier, "transfer": transfer, "splits": splits}


def main() -> None:
    for name, document in tables.kept():
        table(document, tables.TABLES / f"{name}.png")
    for name, document in studies.kept():
        DRAWN[document["kind"]](document, studies.STUDIES / f"{name}.png")


if __name__ == "__main__":
    main()
