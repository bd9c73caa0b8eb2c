"""Figures of lessons 1, 2, 4 and 5: from the sliders to what the page shows (`lesson_toys` has the sums)."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from farzi_core.views import lesson_toys as toys
from farzi_core.views import theme
from farzi_core.views.theme import Chart

HEIGHT = 360
MB = 1e6
WAYS = {"unroll": "unrolling: T graphs", "store": "tape of gradients", "checkpoint": "tape with checkpoints"}


class Fact(NamedTuple):
    """One number with its name and what to compare it with."""

    label: str
    value: str
    help: str


class Shown(NamedTuple):
    """What a lesson shows for one setting of its sliders."""

    charts: tuple[Chart, ...]
    facts: tuple[Fact, ...] = ()
    table: pd.DataFrame | None = None


def line(place: int, name: str, x: npt.NDArray[Any], y: toys.Floats, mode: str = "lines") -> go.Scatter:
    """The place-th curve of a figure: colour, dash and marker say the same."""
    return go.Scatter(
        x=x,
        y=y,
        mode=mode,
        name=name,
        line={"color": theme.CATEGORICAL[place], "dash": theme.DASHES[place], "width": 2.5},
        marker={"symbol": theme.SYMBOLS[place], "size": 7, "color": theme.CATEGORICAL[place]},
        hovertemplate=f"{name}<br>%{{x:.4g}}: %{{y:.4g}}<extra></extra>",
    )


def here(x: float, y: float, name: str) -> go.Scatter:
    """The star that says where the sliders stand."""
    marker = {"symbol": "star", "size": 16, "color": theme.NEUTRAL, "line": {"width": 1.5, "color": theme.PALE}}
    return go.Scatter(x=[x], y=[y], mode="markers", name=name, marker=marker, hovertemplate="%{y:.4g}<extra></extra>")


def next_word(count: int, history: int) -> Shown:
    """Lesson 1: the table of chances that counting finds, and how wrong it is on new text."""
    model = toys.next_word(toys.sentences(count), history)
    found, best = toys.perplexity(model), toys.perplexity(toys.CHAIN)
    facts = (
        Fact("Perplexity of this model", f"{found:.2f}", "4 would be blind guessing among four words."),
        Fact("Best possible", f"{best:.2f}", "The true chances themselves: the text is not surer than this."),
        Fact("Words read", f"{count * toys.DAYS:,}", "Sentences times ten words."),
    )
    return Shown((_chances(model, count), _reading(count, history, found, best)), facts)


def _chances(model: toys.Floats, count: int) -> Chart:
    heat = go.Heatmap(
        z=model,
        x=list(toys.WORDS),
        y=list(toys.WORDS),
        zmin=0,
        zmax=1,
        colorscale=theme.SEQUENTIAL,
        texttemplate="%{z:.2f}",
        colorbar={"title": {"text": "chance"}, "thickness": 12},
        hovertemplate="after %{y}: %{x} with %{z:.3f}<extra></extra>",
    )
    figure = theme.layout(go.Figure(heat), x="Next word", y="Last word", height=HEIGHT)
    figure.update_yaxes(autorange="reversed")
    said = "; ".join(
        f"after {word}, {toys.WORDS[int(row.argmax())]} {row.max():.0%}"
        for word, row in zip(toys.WORDS, model, strict=True)
    )
    caption = "Each row sums to 1. A sentence's chance is the product of one cell a word: that is autoregression."
    return Chart(figure, f"Chance of the next word, counted in {count:,} sentences. Most likely: {said}.", caption)


def _reading(count: int, history: int, found: float, best: float) -> Chart:
    sizes = np.unique(np.geomspace(1, 1000, 25).astype(int))
    figure = go.Figure()
    for place, (kept, name) in enumerate(((0, "no history"), (1, "last word"))):
        values = np.array([toys.perplexity(toys.next_word(toys.sentences(int(one)), kept)) for one in sizes])
        figure.add_trace(line(place, name, sizes, values))
    figure.add_hline(y=best, line={"dash": "dot", "color": theme.NEUTRAL}, annotation_text="best possible")
    figure.add_trace(here(count, found, "now"))
    theme.layout(figure, x="Sentences read (log scale)", y="Perplexity on new text (words)", height=HEIGHT)
    figure.update_xaxes(theme.log_axis(1, 1000))
    alt = (
        f"Perplexity on new text against sentences read. With {count:,} sentences and "
        f"{'the last word' if history else 'no history'} it is {found:.2f}; the best possible is {best:.2f}."
    )
    return Chart(figure, alt, "Lower is better. What the model may look at sets where its curve ends, not the amount.")


def game(step: int, inner_steps: int, lr: float) -> Shown:
    """Lesson 2: the inner path in the plane of weights at one outer step, and the outer loss of all."""
    played, best = toys.game(inner_steps, lr), toys.best_weights()
    lowest = float(toys.real_loss(best))
    given, honest = played.labels[step], toys.INPUTS @ best
    facts = (
        Fact("Outer loss", f"{played.losses[step]:.3f}", f"Of the end of the inner path; {lowest:.3f} is the least."),
        Fact("Synthetic labels", f"{given[0]:.2f}, {given[1]:.2f}", "What the two synthetic points say."),
        Fact("Honest labels", f"{honest[0]:.2f}, {honest[1]:.2f}", "What the best model says at the two points."),
    )
    return Shown((_plane(played, best, step), _losses(played, lowest, step)), facts)


def _plane(played: toys.Game, best: toys.Floats, step: int) -> Chart:
    across, up = np.linspace(-1.5, 1.8, 45), np.linspace(-1.6, 1.0, 45)
    grid = toys.real_loss(np.stack(np.meshgrid(across, up), axis=-1))
    shades = go.Contour(
        x=across,
        y=up,
        z=grid,
        colorscale=[[0, theme.NEUTRAL], [1, theme.NEUTRAL]],
        contours={"coloring": "lines", "start": 0.1, "end": 2.5, "size": 0.3},
        showscale=False,
        hovertemplate="weights %{x:.2f}, %{y:.2f}<br>outer loss %{z:.3f}<extra></extra>",
    )
    path = played.paths[step]
    figure = go.Figure(shades)
    figure.add_trace(line(1, f"inner path (T = {len(path) - 1})", path[:, 0], path[:, 1], "lines+markers"))
    figure.add_trace(here(float(best[0]), float(best[1]), "best on real data"))
    theme.layout(figure, x="Weight 1 (no unit)", y="Weight 2 (no unit)", height=HEIGHT)
    figure.update_xaxes(range=[across[0], across[-1]])
    figure.update_yaxes(range=[up[0], up[-1]])
    alt = (
        f"Plane of the two weights with contours of the outer loss. At outer step {step} the inner path goes from "
        f"{path[0, 0]:.2f}, {path[0, 1]:.2f} to {path[-1, 0]:.2f}, {path[-1, 1]:.2f}; "
        f"the best weights are {best[0]:.2f}, {best[1]:.2f}."
    )
    return Chart(figure, alt, "Grey rings: equal loss on 40 real points. The path only ever sees two synthetic ones.")


def _losses(played: toys.Game, lowest: float, step: int) -> Chart:
    steps = np.arange(len(played.losses))
    figure = go.Figure(line(0, "outer loss", steps, played.losses))
    figure.add_hline(y=lowest, line={"dash": "dot", "color": theme.NEUTRAL}, annotation_text="least squares")
    figure.add_trace(here(step, float(played.losses[step]), "now"))
    theme.layout(figure, x="Outer step", y="Half mean squared error, 40 real points", height=HEIGHT)
    figure.update_yaxes(rangemode="tozero")
    alt = (
        f"Outer loss against the outer step: {played.losses[0]:.3f} at the start, {played.losses[step]:.3f} at step "
        f"{step}, {played.losses[-1]:.3f} at the end; least squares on the real points reaches {lowest:.3f}."
    )
    return Chart(figure, alt, "Each outer step trains anew from the same start and corrects the labels by the result.")


def memory(power: float, steps: int, graph: int) -> Shown:
    """Lesson 4: bytes of unrolling and of the engine's two plain modes."""
    weights = round(10**power)
    kept, time = toys.kept_bytes(weights, steps, graph), toys.gradients_needed(weights, steps)
    facts = tuple(
        Fact(label, f"{kept[way] / MB:,.1f} MB", f"{time[way]:,.0f} gradients of the inner loss of work.")
        for way, label in WAYS.items()
    )
    return Shown((_bars(kept, weights, steps), _by_steps(weights, steps, graph)), facts)


def _bars(kept: dict[str, float], weights: int, steps: int) -> Chart:
    values = [kept[way] / MB for way in WAYS]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=list(WAYS.values()),
            orientation="h",
            marker={"color": theme.CATEGORICAL[: len(WAYS)], "pattern": {"shape": ["", "/", "."]}},
            hovertemplate="%{y}<br>%{x:,.1f} MB<extra></extra>",
        )
    )
    theme.layout(figure, x="Kept at the peak, MB (log scale)", y="Way", height=HEIGHT)
    figure.update_xaxes(theme.log_axis(min(values) / 2, 2 * max(values)))
    figure.update_yaxes(autorange="reversed")
    said = "; ".join(f"{name} {value:,.1f} MB" for name, value in zip(WAYS.values(), values, strict=True))
    alt = f"Memory for {weights:,} weights and {steps:,} steps: {said}."
    return Chart(figure, alt, "float32. The tapes keep one graph at a time, beside it gradients and a few states.")


def _by_steps(weights: int, steps: int, graph: int) -> Chart:
    shown = np.unique(np.geomspace(1, 1000, 30).astype(int))
    table = [toys.kept_bytes(weights, int(one), graph) for one in shown]
    figure = go.Figure()
    for place, (way, label) in enumerate(WAYS.items()):
        figure.add_trace(line(place, label, shown, np.array([one[way] / MB for one in table])))
    figure.add_vline(x=steps, line={"dash": "dot", "color": theme.NEUTRAL})
    theme.layout(figure, x="Inner steps T (log scale)", y="Kept, MB (log scale)", height=HEIGHT)
    kept = [one[way] / MB for one in table for way in WAYS]
    figure.update_xaxes(theme.log_axis(1, 1000))
    figure.update_yaxes(theme.log_axis(min(kept), max(kept)))
    ends = "; ".join(f"{label} {table[-1][way] / MB:,.0f} MB" for way, label in WAYS.items())
    return Chart(figure, f"Memory against inner steps for {weights:,} weights. At T = 1,000: {ends}.", _BY_STEPS)


def factors(d: int, tau: float) -> Shown:
    """Lesson 5: eight distributions over twelve items, wanted and stored with d factors."""
    latent, decoder = toys.factorise(d)
    found, target = toys.decoded(latent, decoder, tau), toys.wanted()
    lost = toys.divergence(found)
    full, stored = target.size, latent.size + decoder.size
    facts = (
        Fact("Lost", f"{lost:.2f} bits", "Mean Kullback-Leibler divergence a position; 0 is a perfect copy."),
        Fact("Stored", f"{stored} numbers", f"Z and M, against {full} of the whole table; real V is in the thousands."),
        Fact("Entropy", f"{toys.entropy(found):.2f} bits", f"The wanted positions have {toys.entropy(target):.2f}."),
    )
    return Shown((_tables(target, found, d, tau), _by_factors(d, tau, lost)), facts)


def _tables(target: toys.Floats, found: toys.Floats, d: int, tau: float) -> Chart:
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, subplot_titles=("wanted", f"from {d} factors"))
    for place, table in enumerate((target, found), start=1):
        heat = go.Heatmap(
            z=table,
            x=np.arange(1, table.shape[1] + 1),
            y=np.arange(1, len(table) + 1),
            zmin=0,
            zmax=0.6,
            colorscale=theme.SEQUENTIAL,
            showscale=place == 2,
            colorbar={"title": {"text": "probability"}, "thickness": 12},
            hovertemplate="position %{y}, item %{x}<br>%{z:.3f}<extra></extra>",
        )
        figure.add_trace(heat, row=1, col=place)
    theme.layout(figure, x="Item", y="Position", height=HEIGHT)
    figure.update_yaxes(autorange="reversed")
    off = float(np.abs(target - found).max())
    alt = f"Two tables of 8 positions by 12 items: wanted, and from {d} factors at tau {tau:g}. Largest gap {off:.2f}."
    return Chart(figure, alt, "Softmax bends: few factors can still give sharp positions, but not any position.")


def _by_factors(d: int, tau: float, lost: float) -> Chart:
    ranks = np.arange(1, toys.POSITIONS + 1)
    figure = go.Figure()
    for place, one in enumerate(dict.fromkeys((1.0, tau))):
        values = np.array([toys.divergence(toys.decoded(*toys.factorise(int(rank)), one)) for rank in ranks])
        figure.add_trace(line(place, f"tau = {one:g}", ranks, values, "lines+markers"))
    figure.add_trace(here(d, lost, "now"))
    theme.layout(figure, x="Latent factors d", y="Lost, bits a position", height=HEIGHT)
    figure.update_yaxes(rangemode="tozero")
    alt = f"Bits lost a position against the number of factors. With {d} factors and tau {tau:g}: {lost:.2f} bits."
    return Chart(
        figure, alt, "Rank says how many independent wishes fit in. tau only makes all of them sharper or softer."
    )


_BY_STEPS = "Unrolling and the tape are lines in T (slope 1 here); checkpoints grow with its square root (slope 1/2)."
