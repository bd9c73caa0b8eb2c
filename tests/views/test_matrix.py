"""Teacher by student: cells are means over runs, against the student's own full data, and only of runs alike."""

import numpy as np
import pytest
from manysizes import by_hand, sized, with_other

from farzi_core.evaluation.report import Metric, RowName
from farzi_core.views import matrix

FULL, DISTILLED = RowName.FULL, RowName.DISTILLED
ROWS = {FULL: [0.8], DISTILLED: [0.6, 0.8]}
BOTH = ["sasrec", "fmlp"]
ONE = with_other(by_hand(sized(6, 5, evaluation__students=BOTH), ROWS, "r-a"), "fmlp", {FULL: [0.4], DISTILLED: [0.4]})
TWO = by_hand(sized(6, 5, seed=1), {FULL: [0.8], DISTILLED: [0.1]}, "r-b")
GRU = by_hand(sized(6, 5, model__kind="gru4rec", evaluation__students=["sasrec"]), {FULL: [0.8], DISTILLED: [0.88]})
ELSEWHERE = [by_hand(sized(12, 5), ROWS), by_hand(sized(6, 5, inner__lr=0.5), ROWS)]
RUNS = matrix.comparable(ONE, [ONE, TWO, GRU, *ELSEWHERE])


def test_only_runs_of_the_same_size_and_settings_are_put_together() -> None:
    assert RUNS == [ONE, TWO, GRU]


def test_the_cells_by_hand() -> None:
    found = matrix.cells(RUNS, Metric.HR10)
    assert [(one.teacher, one.student) for one in found] == [
        ("SASRec", "SASRec"), ("SASRec", "FMLP"), ("GRU4Rec", "SASRec"),
    ]  # fmt: skip
    assert found[0][2:7] == pytest.approx((50, 10, 80, 80, 100 * 0.5 / 0.8))
    assert found[0][7:] == (3, 2, ("r-a", "r-b"))
    assert [one.percent_of_full for one in found[1:]] == pytest.approx([100, 110])


def test_the_figure_shows_every_cell_with_its_n_and_says_where_none_was_run() -> None:
    chart = matrix.chart(RUNS, Metric.HR10)
    (heat,) = chart.figure.data
    assert (list(heat.y), list(heat.x)) == (["SASRec", "GRU4Rec"], ["SASRec", "FMLP"])
    assert np.allclose(heat.z, [[62.5, 100], [110, np.nan]], equal_nan=True)
    assert heat.text[0][0] == "62.5 % of its full data<br>HR@10 50.0 % (10.0 to 80.0)<br>n = 3 students, 2 seeds"
    assert heat.text[1][1] == "not run"
    assert (heat.zmin + heat.zmax) / 2 == 100
    assert "n = 200" in chart.figure.layout.xaxis.title.text
    assert chart.figure.layout.yaxis.title.text == "Distilled with"
    assert "GRU4Rec to SASRec 110 %" in chart.alt
    assert "3 runs of size 6 × 5" in chart.caption
