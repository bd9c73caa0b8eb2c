"""Lesson 4, measured: what the small student of `farzi_core.distill.weigh` held at its peak, as figures."""

import numpy as np
import plotly.graph_objects as go

from farzi_core.distill.weighing import Way, Weighing, weighed
from farzi_core.views import theme
from farzi_core.views.lesson_charts import HEIGHT, MB, WAYS, Fact, Shown, line
from farzi_core.views.theme import Chart

ORDER: tuple[Way, ...] = ("unroll", "store", "checkpoint")


def measured() -> Shown:
    """Measure on this machine (seconds, in a process of its own) and show it. Raises `RunError`."""
    return shown(weighed())


def shown(found: Weighing) -> Shown:
    """Peaks by steps, and beside the counted bytes of the longest training those of the process."""
    facts = tuple(
        Fact(WAYS[way], f"{_last(found, way) / MB:.1f} MB", f"{factor(found, way):.1f} times what 5 steps held.")
        for way in ORDER
    )
    return Shown((_by_steps(found), _beside(found)), facts)


def factor(found: Weighing, way: Way, few: int = 5, many: int = 20) -> float:
    """By what the counted peak grew from `few` to `many` steps."""
    return found.peaks(way)[many] / found.peaks(way)[few]


def _last(found: Weighing, way: Way) -> int:
    return found.peaks(way)[max(found.peaks(way))]


def _by_steps(found: Weighing) -> Chart:
    figure, said = go.Figure(), []
    for place, way in enumerate(ORDER):
        peaks = found.peaks(way)
        values = np.array(list(peaks.values())) / MB
        figure.add_trace(line(place, WAYS[way], np.array(list(peaks)), values, "lines+markers"))
        said.append(f"{WAYS[way]} from {values[0]:.1f} to {values[-1]:.1f} MB")
    theme.layout(figure, x="Inner steps T", y="Tensors held at the peak, MB", height=HEIGHT)
    figure.update_xaxes(tickvals=list(found.peaks("unroll")))
    figure.update_yaxes(rangemode="tozero")
    alt = f"Measured peak of tensors for a student of {found.weights:,} weights, T from 2 to 20: {'; '.join(said)}."
    return Chart(figure, alt, "Counted: every tensor that lives at once, beside those there before. Exact, repeatable.")


def _beside(found: Weighing) -> Chart:
    figure, names = go.Figure(), [WAYS[way] for way in ORDER]
    kinds = (
        ("tensors counted", [_last(found, way) / MB for way in ORDER], ""),
        ("rise of the process's peak", [found.rise(way) / MB for way in ORDER], "/"),
    )
    for place, (name, values, pattern) in enumerate(kinds):
        color = theme.CATEGORICAL[place]
        figure.add_bar(
            x=names,
            y=values,
            name=name,
            marker={"color": color, "pattern": {"shape": pattern, "fgopacity": 0.6}},
            hovertemplate=f"%{{x}}<br>{name} %{{y:.1f}} MB<extra></extra>",
        )
    theme.layout(figure, x="Way, T = 20", y="MB", height=HEIGHT, barmode="group", bargap=0.3)
    said = "; ".join(f"{name} {kinds[0][1][at]:.1f} and {kinds[1][1][at]:.1f} MB" for at, name in enumerate(names))
    return Chart(figure, f"Counted tensors and rise of the process's peak at T = 20: {said}.", _BESIDE)


_BESIDE = (
    "What the operating system saw, in the order checkpoints, tape, unrolling: the peak of a process only rises, freed "
    "memory is used again, and the library's own buffers count. So it agrees roughly, and only for the largest."
)
