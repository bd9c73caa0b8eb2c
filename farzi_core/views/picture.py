"""What Farzi does, drawn: many real sequences, few sequences of distributions, a model trained on the few.

Three SVG panels without words (the page writes them as text, which scales and can be read aloud). They are schematic:
colours stand for items, no number is shown.
"""

from random import Random
from typing import NamedTuple

from farzi_core.views.theme import CATEGORICAL, NEUTRAL

WIDTH, HEIGHT = 360, 190
CELL, GAP = 9, 3
COLORS = CATEGORICAL[:6]


class Panel(NamedTuple):
    """One drawing with what it says and what a screen reader says instead of it."""

    title: str
    sentence: str
    svg: str
    alt: str


def panels() -> tuple[Panel, Panel, Panel]:
    """The three panels in reading order; their colours can be seen on a light and on a dark page."""
    return (
        Panel(
            "1. Real events",
            "Thousands of sequences of what people did, in order.",
            _svg(_events(), arrow=True),
            "Many rows of coloured cells of different lengths: each row is one person, each cell one event.",
        ),
        Panel(
            "2. Distilled sequences",
            "A few synthetic sequences. Each position is a distribution over items, learned by training through it.",
            _svg(_distilled(), arrow=True),
            "Four rows of ten columns; each column is split into coloured shares, the probabilities of items.",
        ),
        Panel(
            "3. A model from the few",
            "A fresh model trained only on the few predicts what comes next, and is measured on people it never saw.",
            _svg(_student(), arrow=False),
            "A short row of cells leads to a small network, which gives bars: the probability of each next item.",
        ),
    )


def _events() -> str:
    """Ragged rows with runs of equal colours, fading towards the bottom: there are more than fit."""
    random, parts = Random(7), []
    for row in range(15):
        color, cells = random.choice(COLORS), random.randint(7, 25)
        for cell in range(cells):
            color = random.choice(COLORS) if random.random() < 0.6 else color
            parts.append(_rect(6 + cell * (CELL + GAP), 5 + row * (CELL + GAP), CELL, CELL, color, 1 - row * 0.05))
    return "".join(parts)


def _distilled() -> str:
    """Four rows of ten stacked columns; later positions are less certain, as in real results."""
    random, parts, width, height = Random(3), [], 24, 34
    for row in range(4):
        for cell in range(10):
            shares = sorted((random.random() ** (3 - 0.15 * cell) + 0.03 for _ in range(3)), reverse=True)
            top = 10.0 + row * (height + 10)
            for share, color in zip(shares, random.sample(COLORS, 3), strict=True):
                tall = height * share / sum(shares)
                parts.append(_rect(8 + cell * (width + 6), top, width, max(tall - 1, 0.5), color, 1))
                top += tall
    return "".join(parts)


def _student() -> str:
    """Context cells, a two-layer network, and bars for the next item."""
    context = "".join(_rect(8 + cell * 22, 84, 18, 18, COLORS[cell % 3], 1) for cell in range(4))
    left, right = [(142, 45 + 32 * unit) for unit in range(4)], [(198, 61 + 32 * unit) for unit in range(3)]
    wires = "".join(
        f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke="{NEUTRAL}" stroke-width="1" opacity=".55"/>'
        for a, b in left
        for c, d in right
    )
    units = "".join(f'<circle cx="{x}" cy="{y}" r="7" fill="{NEUTRAL}"/>' for x, y in left + right)
    chances = (0.9, 0.5, 0.3, 0.2, 0.1)
    bars = "".join(_rect(244, 37 + 24 * bar, 100 * chance, 16, COLORS[bar], 1) for bar, chance in enumerate(chances))
    return context + _arrow(100, 93) + wires + units + _arrow(214, 93) + bars


def _svg(content: str, *, arrow: bool) -> str:
    leads_on = _arrow(WIDTH - 26, HEIGHT // 2) if arrow else ""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">{content}{leads_on}</svg>'


def _arrow(x: float, y: float) -> str:
    path = f"M{x} {y}h18m-6 -6l6 6l-6 6"
    return f'<path d="{path}" fill="none" stroke="{NEUTRAL}" stroke-width="2.5" stroke-linecap="round"/>'


def _rect(x: float, y: float, width: float, height: float, color: str, opacity: float) -> str:
    return (
        f'<rect x="{x:g}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" '
        f'fill="{color}" opacity="{opacity:.2f}"/>'
    )
