"""What distillation costs and when it pays: once D seconds, then f a student instead of F on the full data.

n students cost D + n f against n F, so it pays from n = ceil(D / (F - f)) on, and never where f >= F. A student's
seconds end at the training step that validation chose; scoring is not counted. Seconds are those of the machine and
load the runs had: they are compared with each other, not with other machines.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from farzi_core.evaluation.report import RowName
from farzi_core.views import text, theme
from farzi_core.views.experiment import method, point
from farzi_core.views.frontier import Frontier
from farzi_core.views.points import count, size_label
from farzi_core.views.runs import duration
from farzi_core.views.theme import Chart


@dataclass(frozen=True)
class Cost:
    """Seconds of one size, means over its runs: D of distillation, f and F of one training."""

    size: str
    distil: float
    distilled: float
    full: float
    runs: int

    @property
    def payoff(self) -> int | None:
        """Trainings from which distillation has paid for itself; None if it never does."""
        return max(1, math.ceil(self.distil / (self.full - self.distilled))) if self.full > self.distilled else None

    @property
    def sentence(self) -> str:
        """For people, with the count that pays or why none does."""
        said = (
            f"{self.size}: {duration(self.distil)} of distillation, then {self.distilled:.2f} s a student against "
            f"{self.full:.2f} s on the full data"
        )
        if self.payoff is None:
            return f"{said}: it never pays in time, for a student on full data is trained as quickly."
        return f"{said}: it pays from {count(self.payoff, 'training')} on."


def costs(runs: Frontier) -> list[Cost]:
    """One a size, smallest first, of the chosen run's method and architecture. Of two runs of one point, which a figure
    has where each knows rows that the other lacks, the first counts: the chosen one, else the newest."""
    mine, kind = method(runs.chosen.config), runs.chosen.report.student
    found: dict[object, tuple[tuple[int, int], tuple[float, float, float]]] = {}
    for one in runs.alike:
        for table in one.report.tables:
            distilled, full = table.row(RowName.DISTILLED), table.row(RowName.FULL)
            if table.student == kind and distilled and full and method(one.config) == mine:
                seconds = (one.distil_seconds, distilled.seconds, full.seconds)
                found.setdefault(point(one.config), (one.size, seconds))
    sizes = sorted({size for size, _ in found.values()}, key=lambda size: size[0] * size[1])
    return [_cost(size, [seconds for its, seconds in found.values() if its == size]) for size in sizes]


def _cost(size: tuple[int, int], some: Sequence[tuple[float, float, float]]) -> Cost:
    distil, distilled, full = (fmean(part) for part in zip(*some, strict=True))
    return Cost(size_label(*size), distil, distilled, full, len(some))


def chart(runs: Frontier, sizes: Sequence[Cost]) -> Chart:
    """Seconds in all against the number of models trained: a line a size, and that of full data."""
    figure = go.Figure()
    most = 10 * max([one.payoff for one in sizes if one.payoff] or [10])
    models = np.unique(np.geomspace(1, most, 60).round())
    full = fmean(one.full for one in sizes)
    style = theme.STYLES[RowName.FULL]
    _line(figure, models, full * models, style.label, style.color, style.dash)
    for place, one in enumerate(sizes):
        dash = theme.DASHES[place % len(theme.DASHES)]
        color = theme.STYLES[RowName.DISTILLED].color  # as in the frontier above it
        _line(figure, models, one.distil + one.distilled * models, f"Distilled {one.size}", color, dash)
    theme.layout(figure, x="Models trained (log scale)", y="Seconds in all (log scale)", height=380)
    seconds = [value for line in figure.data for value in (line.y[0], line.y[-1])]
    figure.update_xaxes(theme.log_axis(1, most))
    figure.update_yaxes(theme.log_axis(min(seconds), max(seconds)))
    where = " and ".join(sorted({one.where for one in runs.alike if one.where})) or "an unknown device"
    number = count(sum(one.runs for one in sizes), "run")
    caption = (
        "Distilled lines begin at the seconds of distillation. Runs of this version count Omega, the start, the outer "
        "loop and validation; those of versions that had no frontier began after Omega. Steps that were repeated "
        f"after a crash count. Means over {number}, measured on {text.markdown(where)}, several students side by "
        "side. It pays where a line falls below that of full data. Time only: how good the students are stands above."
    )
    return Chart(figure, f"Seconds against models trained. {' '.join(one.sentence for one in sizes)}", caption)


def _line(figure: go.Figure, x: npt.NDArray[Any], y: npt.NDArray[Any], name: str, color: str, dash: str) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        line={"color": color, "dash": dash, "width": 2},
        hovertemplate=f"{name}<br>%{{x}} models: %{{y:.1f}} s<extra></extra>",
    )
