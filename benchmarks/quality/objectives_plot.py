"""The rows of objectives.py as one picture: the task's first metric for each objective and inner optimiser."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from farzi_core.evaluation.report import METRIC_LABELS, Metric

PANELS = {"steps": "equal outer steps", "time": "equal time"}
OFFSET = {"adam": -0.18, "sgd": 0.18}


def draw(document: dict[str, Any], path: Path) -> None:
    """A bar is the mean over seeds, a dot one seed, a line a row without an objective."""
    rows = document["rows"]
    metric = Metric(next(iter(rows[0]["metrics"])))
    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(12, 4.5), sharey=True, constrained_layout=True)
    for axis, (equal, title) in zip(axes, PANELS.items(), strict=True):
        _bars(axis, [row for row in rows if row["equal"] == equal], metric)
        _lines(axis, [row for row in rows if row["equal"] == "-"], metric)
        axis.set(title=title, ylabel=f"{METRIC_LABELS[metric]}, test users")
        axis.grid(axis="y", alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    figure.savefig(path, dpi=110)


def _bars(axis: Any, rows: list[dict[str, Any]], metric: Metric) -> None:
    names = list(dict.fromkeys(row["objective"] for row in rows))
    for optimizer, offset in OFFSET.items():
        found = [[row["metrics"][metric] for row in _of(rows, name, optimizer)] for name in names]
        places = [place + offset for place in range(len(names))]
        means = [sum(one) / len(one) if one else 0.0 for one in found]
        axis.bar(places, means, width=0.34, alpha=0.6, label=f"inner {optimizer}")
        for place, values in zip(places, found, strict=True):
            axis.plot([place] * len(values), values, "k.", markersize=5)
    axis.set_xticks(range(len(names)), names)


def _lines(axis: Any, rows: list[dict[str, Any]], metric: Metric) -> None:
    for name, style in {"full data": "-", "random users": ":", "start": "--"}.items():
        values = [row["metrics"][metric] for row in _of(rows, name, "adam")]
        if values:
            axis.axhline(sum(values) / len(values), color="0.3", linestyle=style, label=name)


def _of(rows: list[dict[str, Any]], name: str, optimizer: str) -> list[dict[str, Any]]:
    return [row for row in rows if (row["objective"], row["optimizer"]) == (name, optimizer)]
