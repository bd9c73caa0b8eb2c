"""Colours that everybody can tell apart: contrast by WCAG, and distances as people with colour blindness see them."""

from itertools import combinations

import fixtures
import numpy as np
import numpy.typing as npt
import pytest

from farzi_core.data.dataset import Task
from farzi_core.evaluation.report import METRICS
from farzi_core.views import theme

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
VISIONS = {
    name: np.array(rows, dtype=np.float64).reshape(3, 3)
    for name, rows in {
        "normal": [1, 0, 0, 0, 1, 0, 0, 0, 1],
        "protanopia": [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
        "deuteranopia": [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881],
        "tritanopia": [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900],
    }.items()
}


def lab(color: str, vision: str) -> npt.NDArray[np.float64]:
    """CIE L*a*b* (D65) of `#rrggbb` as this vision sees it."""
    srgb = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISIONS[vision] @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ seen / np.array([0.95047, 1, 1.08883])
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("color", [*theme.CATEGORICAL, *(style.color for style in theme.STYLES.values())])
@pytest.mark.parametrize("background", [theme.LIGHT, theme.DARK])
def test_lines_and_marks_stand_out_from_the_page(color: str, background: str) -> None:
    assert theme.contrast(color, background) >= 3


def test_contrast_of_known_pairs() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("fill", [*theme.CATEGORICAL, theme.PALE])
def test_words_on_a_fill_can_be_read(fill: str) -> None:
    assert theme.contrast(fill, theme.ink_on(fill)) >= 4.5


@pytest.mark.parametrize("vision", list(VISIONS))
@pytest.mark.parametrize("task", METRICS)
def test_rows_differ_in_colour_or_in_dash_and_marker(vision: str, task: Task) -> None:
    own = {"recommendation": fixtures.ROWS["language"], "language": fixtures.ROWS["recommendation"]}  # never beside
    styles = [style for name, style in theme.STYLES.items() if name not in own[task]]
    for one, other in combinations(styles, 2):
        assert one.dash != other.dash
        assert one.symbol != other.symbol
    curves = [style for name, style in theme.STYLES.items() if name not in own[task] and name not in fixtures.RULES]
    assert min(np.linalg.norm(lab(a.color, vision) - lab(b.color, vision)) for a, b in combinations(curves, 2)) > 10


def test_marks_of_a_logarithmic_axis_are_whole_numbers_in_full() -> None:
    assert theme.log_axis(1000, 60_000)["ticktext"] == [
        *("1,000", "2,000", "5,000", "10,000", "20,000", "50,000", "100,000", "200,000", "500,000")
    ]
    assert theme.log_axis(0.05, 5000)["ticktext"] == ["0.01", "0.1", "1", "10", "100", "1,000", "10,000"]
