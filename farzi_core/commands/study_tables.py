"""The tables and JSON documents of `frontier`, `transfer` and `splits`."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from farzi_core.commands import show
from farzi_core.evaluation.report import METRIC_LABELS, Metric, RowName, scale
from farzi_core.study import Point
from farzi_core.views import cost, intervals, matrix
from farzi_core.views import frontier as views
from farzi_core.views import splits as other_users
from farzi_core.views.frontier import Frontier, Line
from farzi_core.views.matrix import Cell
from farzi_core.views.points import Result
from farzi_core.views.splits import Average

Tables = Mapping[Metric, Sequence[Line | Cell | Average]]  # the same lines for each metric
_NOTE = (
    "\nMeans over all students of all seeds, fractions in percent; below them percent of the same architecture's full "
    f"data, its interval, then worst to best student. {intervals.RUNS_MEANING}"
)
_SPLITS_NOTE = (
    "\nMean over the splits of each split's mean, fractions in percent; below it the mean over the splits of each "
    "split's percentage of its own full data, in brackets its 95 % interval, then the lowest to the highest split's "
    f"percentage. n counts students. {intervals.SPLITS_MEANING}"
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


def splits(runs: Sequence[Result]) -> None:
    """One line a training set, every split counted once."""
    tables = _over_splits(runs)
    names = ["Trained on", "Splits", *map(METRIC_LABELS.__getitem__, tables)]
    lines: list[list[show.Cell]] = [
        [
            _under(one.label, f"n = {one.students}"),
            ", ".join(map(str, one.splits)),
            *(_average(table[place]) for table in tables.values()),
        ]
        for place, one in enumerate(tables[runs[0].report.metrics[0]])
    ]
    show.table(names, lines, right=names[1:])
    show.words(_SPLITS_NOTE)


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


def splits_document(points: Sequence[Point], runs: Sequence[Result]) -> dict[str, Any]:
    """`runs`, and once one is done `dataset` and `rows`, one a training set. `percents`: one a split, in the order of
    `splits`; `low` and `high` are the lowest and the highest split's mean."""
    if not runs:
        return {"runs": _runs(points)}
    rows = _lines(_over_splits(runs), ("row", "splits", "students"))
    return {"dataset": runs[0].config.data.source, "rows": rows, "runs": _runs(points)}


def _over_splits(runs: Sequence[Result]) -> dict[Metric, list[Average]]:
    return {metric: other_users.averages(runs, metric) for metric in runs[0].report.metrics}


def _tables(runs: Frontier) -> dict[Metric, list[Line]]:
    return {metric: views.lines(runs, metric) for metric in runs.chosen.report.metrics}


def _cells(tables: Tables, place: int) -> list[Text]:
    """Mean, percent of full data, its interval, worst to best, below each other; one cell a metric."""
    return [
        _under(f"{one.mean:.1f}", *_percent(one), f"{one.low:.1f}-{one.high:.1f}")
        for one in (table[place] for table in tables.values())
    ]


def _average(one: Average) -> Text:
    """Mean, percent of full data, its interval, lowest to highest split; full data are 100 % in every split."""
    if one.row == RowName.FULL.value:
        return _under(f"{one.mean:.1f}", *_percent(one))
    return _under(f"{one.mean:.1f}", *_percent(one), f"{one.percent_lowest:.0f}-{one.percent_highest:.0f} %")


def _percent(one: Line | Cell | Average) -> list[str]:
    around = intervals.words(one.percent_low, one.percent_high, decimals=0)
    return [f"{one.percent_of_full:.0f} %", *([around] if around else [])]


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


def _figures(line: Line | Cell | Average, metric: Metric) -> dict[str, Any]:
    """`percent_low` and `percent_high` are null where there is no interval."""
    values = {name: getattr(line, name) / scale(metric) for name in ("mean", "low", "high")}
    percents = {name: getattr(line, name) for name in ("percent_of_full", "percent_low", "percent_high")}
    return values | percents | ({"percents": line.percents} if isinstance(line, Average) else {})


def _runs(points: Sequence[Point]) -> list[dict[str, str]]:
    return [
        {"run_id": one.run.id, "name": one.run.config.name, "state": one.run.state().value, "did": one.did}
        for one in points
    ]
