"""The transfer matrix: which architectures learn from data that were distilled with another one.

A row is the teacher that was distilled with, a column the student that was trained. A cell is the mean over the runs
of its teacher in percent of what the same student reaches on full data, so a weak architecture is not blamed on the
data. Only runs of one size whose settings differ in seed and teacher alone are put together.
"""

from collections.abc import Iterable
from typing import get_args

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from farzi_core.config import Kind
from farzi_core.evaluation.report import KIND_LABELS, Metric, RowName, scale
from farzi_core.views import points, theme
from farzi_core.views.points import Result, count, size_label
from farzi_core.views.progress import METRIC_LABELS, people
from farzi_core.views.theme import Chart

COLUMNS = ["teacher", "student", "mean", "low", "high", "full", "percent_of_full", "students", "seeds", "runs"]


def comparable(chosen: Result, found: Iterable[Result]) -> list[Result]:
    """The runs of one matrix with `chosen`: its size and method, any teacher, any seed."""
    fixed = [one for one in points.METHOD if one != points.TEACHER]
    return [
        one
        for one in found
        if points.alike(one, chosen)
        and one.size == chosen.size
        and points.values(one.config, fixed) == points.values(chosen.config, fixed)
    ]


def table(runs: Iterable[Result], metric: Metric) -> pd.DataFrame:
    """One line a teacher and student that was trained (columns `COLUMNS`).

    Fractions in percent. mean, low and high are over the students on distilled data, percent_of_full compares their
    mean with that of the same architecture on full data; runs is a tuple of ids.
    """
    lines, listed = [], list(runs)
    for teacher in get_args(Kind):
        taught = [one for one in listed if one.config.model.kind == teacher]
        for student in get_args(Kind):
            trained = points.students(taught, student, metric)
            if not trained.empty:
                lines.append((KIND_LABELS[teacher], KIND_LABELS[student], *_cell(trained, metric)))
    return pd.DataFrame(lines, columns=COLUMNS)


def _cell(trained: pd.DataFrame, metric: Metric) -> tuple[object, ...]:
    distilled = trained[trained["row"] == RowName.DISTILLED.value]
    full = trained.loc[trained["row"] == RowName.FULL.value, "value"].mean()
    value = distilled["value"]
    percent = 100 * (full / value.mean() if metric.lower_is_better else value.mean() / full)
    values = (scale(metric) * one for one in (value.mean(), value.min(), value.max(), full))
    counts = (len(distilled), distilled["seed"].nunique(), tuple(dict.fromkeys(distilled["run"])))
    return (*values, percent, *counts)


def chart(runs: Iterable[Result], metric: Metric) -> Chart:
    """Heat map, teachers by students: percent of the student's own full data, the value, and how many students."""
    listed = list(runs)
    cells = table(listed, metric)
    teachers, students = (_present(cells[side]) for side in ("teacher", "student"))
    figure = go.Figure(_heat(cells, teachers, students, metric))
    x = f"Student, on test {people(metric)} (n = {listed[0].report.test_users:,})"
    theme.layout(figure, x=x, y="Distilled with", height=140 + 110 * len(teachers))
    figure.update_xaxes(type="category")
    figure.update_yaxes(autorange="reversed", type="category")
    said = "; ".join(f"{one.teacher} to {one.student} {one.percent_of_full:.0f} %" for one in cells.itertuples())
    return Chart(figure, f"{METRIC_LABELS[metric]} by teacher and student: {said}.", _caption(listed))


def _present(names: "pd.Series[str]") -> list[str]:
    """Those of the architectures that occur, always in the same order."""
    return [name for kind in get_args(Kind) if (name := KIND_LABELS[kind]) in set(names)]


def _heat(cells: pd.DataFrame, teachers: list[str], students: list[str], metric: Metric) -> go.Heatmap:
    unit, found = " %" if metric.is_fraction else "", {(one.teacher, one.student): one for one in cells.itertuples()}
    words = {
        key: f"{one.percent_of_full:.1f} % of its full data<br>{METRIC_LABELS[metric]} {one.mean:.1f}{unit} "
        f"({one.low:.1f} to {one.high:.1f})<br>n = {count(one.students, 'student')}, {count(one.seeds, 'seed')}"
        for key, one in found.items()
    }
    return go.Heatmap(
        z=[[found[a, b].percent_of_full if (a, b) in found else np.nan for b in students] for a in teachers],
        x=students,
        y=teachers,
        text=[[words.get((a, b), "not run") for b in students] for a in teachers],
        texttemplate="%{text}",
        hovertemplate="distilled with %{y}, trained %{x}<br>%{text}<extra></extra>",
        colorscale=theme.DIVERGING,
        zmid=100,
        xgap=3,
        ygap=3,
        colorbar={"title": {"text": "% of own<br>full data"}, "thickness": 12},
    )


def _caption(runs: list[Result]) -> str:
    return (
        f"{count(len(runs), 'run')} of size {size_label(*runs[0].size)} whose settings differ only in teacher and "
        "seed. 100 % is the same student on full data, with a learning rate of its own; white is 100 %. In brackets the "
        "worst and the best student. On full data students differ too: a few points may be chance."
    )
