"""Figures of lessons 3 and 6: through Adam and back, and when the way back explodes (`lesson_adam` has the sums)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from farzi_core.views import lesson_adam as adam
from farzi_core.views import theme
from farzi_core.views.lesson_charts import HEIGHT, Fact, Shown, here, line
from farzi_core.views.theme import Chart

HILLY = replace(adam.TOY, ripple=1.5)
FORGETFUL = 0.9  # beta2 of lesson 6: v follows quickly, so that 150 steps show what long runs show
CHAOS = 1e3  # docs/engine.md, "Health"


def stepping(steps: int, back: int, lr: float, power: float) -> Shown:
    """Lesson 3: `back` of the `steps` steps have been walked back."""
    back = min(back, steps)
    settings = adam.Settings(steps, lr, 10.0**power)
    run = adam.forward(adam.TOY, settings)
    way = adam.exact(adam.TOY, settings, run)
    printed, checked = adam.line13(adam.TOY, settings, run), adam.differences(adam.TOY, settings)
    cosine = float(printed @ way.d_data / (np.linalg.norm(printed) * np.linalg.norm(way.d_data)))
    facts = (
        Fact("d outer / d x, two adjoints", f"{way.d_data[0]:.3g}, {way.d_data[1]:.3g}", "The exact gradient."),
        Fact(
            "Off from differences", f"{adam.error(way.d_data, checked):.0e}", "Relative error against 4 runs forward."
        ),
        Fact("Line 13 off by", f"{adam.error(printed, way.d_data):.2g}", f"Relative error; cosine {cosine:.2f}."),
    )
    charts = (_forward(run, steps - back), _backward(way, steps, back))
    return Shown(charts, facts, _steps(run, way, steps, back))


def _forward(run: adam.Forward, at: int) -> Chart:
    steps = np.arange(len(run.theta))
    figure = go.Figure([line(place, f"theta {place + 1}", steps, run.theta[:, place]) for place in range(2)])
    for place, goal in enumerate(adam.TOY.target):
        figure.add_hline(y=goal, line={"dash": "dot", "width": 1.5, "color": theme.CATEGORICAL[place]})
    figure.add_vline(x=at, line={"dash": "dot", "color": theme.NEUTRAL})
    theme.layout(figure, x="Inner step t", y="Weight (no unit)", height=HEIGHT)
    end = run.theta[-1]
    alt = (
        f"Both weights over {len(run.theta) - 1} steps of Adam, from {run.theta[0, 0]:.2f}, {run.theta[0, 1]:.2f} to "
        f"{end[0]:.2f}, {end[1]:.2f}; the way back stands at step {at}."
    )
    return Chart(
        figure, alt, "Forward: dotted level lines are the targets of the outer loss, the upright one is t now."
    )


def _backward(way: adam.Backward, steps: int, back: int) -> Chart:
    figure, shown, said = go.Figure(), slice(steps - back, steps), []
    for place, (name, values) in enumerate((("d theta", way.d_theta), ("d m", way.d_m), ("d v", way.d_v))):
        norms = np.linalg.norm(values, axis=1)[shown]
        figure.add_trace(line(place, f"|{name}|", np.arange(steps)[shown], norms, "lines+markers"))
        said.append(f"{name} {norms[0]:.3g}" if back else f"{name} not begun")
    theme.layout(figure, x="Before inner step t (walked from right to left)", y="Norm (log scale)", height=HEIGHT)
    figure.update_xaxes(range=[-0.5, steps])
    figure.update_yaxes(type="log", exponentformat="power")
    alt = f"Norms of the three adjoints after {back} of {steps} steps back: {', '.join(said)}."
    return Chart(
        figure, alt, "Backward: dm and dv begin at 0. Dropping dv, or folding it into dm, loses its own decay."
    )


def _steps(run: adam.Forward, way: adam.Backward, steps: int, back: int) -> pd.DataFrame:
    """First weight of every step walked back, latest first."""
    rows = np.arange(steps - 1, steps - back - 1, -1)
    columns = {"g": run.gradient, "m": run.m, "v": run.v, "u": way.u, "dθ": way.d_theta, "dm": way.d_m, "dv": way.d_v}
    return pd.DataFrame({"t": rows + 1, **{name: values[rows, 0] for name, values in columns.items()}})


def chaos(lr: float, steps: int, power: float) -> Shown:
    """Lesson 6: growth of the adjoint over learning rates, and the outer loss along one data value."""
    settings = adam.Settings(steps, lr, 10.0**power, beta2=FORGETFUL)
    found = float(adam.growth(HILLY, settings, np.array([lr]))[0])
    verdict = "chaos: the gradient says nothing" if found > CHAOS else "smooth" if found < 10 else "rough"
    facts = (
        Fact("Growth of the adjoint", f"{found:.3g}", "|dθ at step 0| / |dθ at step T|; a run shows it too."),
        Fact("Verdict", verdict, "Above about 1,000 float32 gradients are noise."),
    )
    return Shown((_growth(settings, lr, found), _landscape(settings)), facts)


def _growth(settings: adam.Settings, lr: float, found: float) -> Chart:
    rates = np.geomspace(0.005, 1.5, 80)
    values = adam.growth(HILLY, settings, rates)
    figure = go.Figure(line(0, f"T = {settings.steps}, eps = {settings.eps:g}", rates, values))
    figure.add_hline(y=CHAOS, line={"dash": "dot", "color": theme.NEUTRAL}, annotation_text="chaos")
    figure.add_trace(here(lr, found, "now"))
    theme.layout(figure, x="Inner learning rate (log scale)", y="Growth of the adjoint (log scale)", height=HEIGHT)
    figure.update_xaxes(type="log", exponentformat="power")
    figure.update_yaxes(type="log", exponentformat="power")
    alt = (
        f"Growth of the adjoint against the inner learning rate for T {settings.steps} and eps {settings.eps:g}: from "
        f"{values.min():.2g} to {values.max():.2g}; at rate {lr:g} it is {found:.3g}."
    )
    return Chart(figure, alt, "Above 1 a small change of the start is magnified by training; T steps multiply it.")


def _landscape(settings: adam.Settings) -> Chart:
    values = np.linspace(-1.6, 0.4, 401)
    losses = adam.landscape(HILLY, settings, values)
    jump = float(np.abs(np.diff(losses)).max())
    figure = go.Figure(line(1, "outer loss", values, losses))
    theme.layout(figure, x="First data value x (no unit)", y="Outer loss after T steps", height=HEIGHT)
    figure.update_yaxes(rangemode="tozero")
    alt = (
        f"Outer loss after {settings.steps} steps against the first data value, 401 runs: from {losses.min():.2g} to "
        f"{losses.max():.2g}; the largest jump between neighbours is {jump:.2g}."
    )
    return Chart(figure, alt, "What an outer step descends: a slope tells the way only where this line is smooth.")
