"""What the player in the browser (pages/player.js) is given: plain values, the same scales and colours for every frame.

Foreign text is made `visible` and cut; the player shows it as text and never as markup.
"""

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from farzi_core.evaluation.report import METRIC_LABELS, Metric, shown
from farzi_core.views import text, theme
from farzi_core.views.progress import people
from farzi_core.views.replay import Motion, Strip
from farzi_core.views.terms import Terms

LEVELS = 65_535  # places on the map are whole numbers from 0 to this: finer than any screen, a third of the bytes
TITLE_LENGTH = 60
MARGIN = 0.04  # of an axis, left free at both ends


class Place(NamedTuple):
    """What of a replay is looked at: the sequence and its first shown position, from 1."""

    sequence: int
    first: int


def player(
    moved: Motion,
    strip: Strip,
    validated: pd.DataFrame,
    metric: Metric,
    titles: Sequence[str],
    place: Place,
    called: Terms,
) -> dict[str, Any]:
    """Everything that is drawn. `strip` may be a range of the positions of a sequence."""
    return {
        "steps": list(moved.steps),
        "map": _map(moved, titles),
        "strip": _strip(strip, titles, place, called),
        "colours": colours(strip),
        "curve": _curve(validated, metric, moved.steps),
    }


def colours(strip: Strip) -> dict[int, tuple[str, str]]:
    """Fill and ink of the items that lead the strip over all frames; every other item is pale on it."""
    leading = zip(strip.leading, theme.CATEGORICAL, strict=False)
    return {item: (color, theme.ink_on(color)) for item, color in leading}


def _map(moved: Motion, titles: Sequence[str]) -> dict[str, Any]:
    """Places as unsigned 16-bit numbers, [F, n, 2] in base64, in a box that holds all frames."""
    low, high = moved.places.min((0, 1)), moved.places.max((0, 1))
    span = np.maximum(high - low, 1e-9)
    low, span = low - MARGIN * span, span * (1 + 2 * MARGIN)
    whole = np.rint((moved.places - low) / span * LEVELS).astype("<u2")
    return {
        "points": base64.b64encode(whole.tobytes()).decode("ascii"),
        "shape": [float(one) for one in span],
        "titles": [_short(title) for title in titles[: moved.places.shape[1]]],
        "axes": [f"component {place + 1}: {share:.0%} of the variance" for place, share in enumerate(moved.variance)],
    }


def _strip(strip: Strip, titles: Sequence[str], place: Place, called: Terms) -> dict[str, Any]:
    pairs = np.stack([strip.ids, np.round(strip.probs, 4)], axis=-1)  # [F, xi, k, 2]
    return {
        "name": f"{called.sequence.capitalize()} {place.sequence}",
        "first": place.first,
        "frames": pairs.tolist(),
        "entropy": np.round(strip.entropy, 3).tolist(),
        "largest": float(np.log2(max(2, len(titles)))),
        "names": {int(item): _short(titles[item]) for item in np.unique(strip.ids)},
        "others": f"all other {called.items}",
    }


def _curve(validated: pd.DataFrame, metric: Metric, steps: Sequence[int]) -> dict[str, Any]:
    values = validated["value"].tolist()
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = MARGIN * ((high - low) or abs(high) or 1.0)
    return {
        "label": f"{METRIC_LABELS[metric]} on validation {people(metric)}",
        "steps": validated["step"].astype(int).tolist(),
        "values": values,
        "shown": [shown(metric, value) for value in values],
        "ends": [(value, shown(metric, value)) for value in dict.fromkeys((low, high))] if values else [],
        "range": [low - room, high + room],
        "last": max([*steps, *validated["step"].astype(int)]),
    }


def _short(title: str) -> str:
    return text.visible(text.truncate(title, TITLE_LENGTH))
