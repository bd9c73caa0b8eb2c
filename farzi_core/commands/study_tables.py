"""The tables and JSON documents of `frontier` and `transfer`."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from farzi_core.commands import show
from farzi_core.evaluation.report import METRIC_LABELS, Metric, scale
from farzi_core.study import Point
from farzi_core.views import cost, matrix
from farzi_core.views import frontier as views
from farzi_core.views.frontier import Frontier, Line
from farzi_core.views.matrix import Cell
from farzi_core.views.points import Result

Tables = Mapping[Metric, Sequence[Line | Cell]]  # the same lines for each metric
_NOTE = (
    "\nMeans over all students of all seeds, fractions in percent; below them percent of the same architecture's full "
    "data, then worst to best student."
)


def frontier(runs: Frontier) -> None:
    """One line a training set and size, then what distillation costs and when it pays."""
    tables = _tables(runs)
    names = ["Trained on", "Size", *map(METRIC_LABELS.__getitem__, tables)]
    lines: list[list[show.Cell]] = [
        [
            _under(one.label, f"n = {one.students}", f"{one.seconds:.2f} s"),
            _under(one.size, f"{one.numbers:,.0f}"),
            *_cells(tables, place),
        ]
        for place, one in enumerate(tables[runs.chosen.report.metrics[0]])
    ]
    show.table(names, lines, right=names[1:])
    show.words(
        f"{_NOTE} n counts students, with the seconds to train one. Below a size its stored numbers: Z and M, or the "
        "events of real data.\n"
    )
    show.words("\n".join(one.sentence for one in cost.costs(runs)))


def transfer(runs: Sequence[Result]) -> None:
    """One line a teacher and student."""
    tables = {metric: matrix.cells(runs, metric) for metric in runs[0].report.metrics}
    names = ["Distilled with", "Student", *map(METRIC_LABELS.__getitem__, tables)]
    lines: list[list[show.Cell]] = [
        [one.teacher, _under(one.student, f"n = {one.students}"), *_cells(tables, place)]
        for place, one in enumerate(tables[runs[0].report.metrics[0]])
    ]
    show.table(names, lines, right=names[2:])
    show.words(_NOTE)


def document(points: Sequence[Point], runs: Frontier | None) -> dict[str, Any]:
    """`runs` (id, state, what was done), and once one is done `dataset`, `points` and `cost`. Metrics as fractions."""
    if runs is None:
        return {"runs": _runs(points)}
    names = ("row", "method", "mu", "xi", "numbers", "sequences", "students", "seeds", "seconds")
    paid = [{**vars(one), "payoff": one.payoff} for one in cost.costs(runs)]
    found = {"points": _lines(_tables(runs), names), "cost": paid, "runs": _runs(points)}
    return {"dataset": runs.chosen.config.data.source, **found}


def transfer_document(points: Sequence[Point], runs: Sequence[Result]) -> dict[str, Any]:
    """`runs`, and once one is done `dataset` and `cells`, one a teacher and student."""
    if not runs:
        return {"runs": _runs(points)}
    tables = {metric: matrix.cells(runs, metric) for metric in runs[0].report.metrics}
    cells = _lines(tables, ("teacher", "student", "students", "seeds"))
    return {"dataset": runs[0].config.data.source, "cells": cells, "runs": _runs(points)}


def _tables(runs: Frontier) -> dict[Metric, list[Line]]:
    return {metric: views.lines(runs, metric) for metric in runs.chosen.report.metrics}


def _cells(tables: Tables, place: int) -> list[Text]:
    """Mean, percent of full data, worst to best, below each other; one cell a metric."""
    return [
        _under(f"{one.mean:.1f}", f"{one.percent_of_full:.0f} %", f"{one.low:.1f}-{one.high:.1f}")
        for one in (table[place] for table in tables.values())
    ]


def _under(first: str, *below: str) -> Text:
    """A cell of several lines, all but the first dim."""
    return Text.assemble(first, "\n", ("\n".join(below), "dim"))


def _lines(tables: Tables, names: Sequence[str]) -> list[dict[str, Any]]:
    """JSON values of the lines: what they are, their runs, and their metrics."""
    first = next(iter(tables.values()))
    return [
        {
            **{name: getattr(one, name) for name in names},
            "runs": list(one.runs),
            "metrics": {metric.value: _figures(table[place], metric) for metric, table in tables.items()},
        }
        for place, one in enumerate(first)
    ]


def _figures(line: Line | Cell, metric: Metric) -> dict[str, float]:
    values = {"mean": line.mean, "low": line.low, "high": line.high}
    return {name: one / scale(metric) for name, one in values.items()} | {"percent_of_full": line.percent_of_full}


def _runs(points: Sequence[Point]) -> list[dict[str, str]]:
    return [
        {"run_id": one.run.id, "name": one.run.config.name, "state": one.run.state().value, "did": one.did}
        for one in points
    ]
