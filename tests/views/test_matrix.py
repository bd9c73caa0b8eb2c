"""Teacher by student: cells are means over runs, against the student's own full data, and only of runs alike."""

import numpy as np
import pytest
from manysizes import by_hand, sized, with_interval, with_other

from farzi_core.evaluation.report import Metric, RowName
from farzi_core.views import matrix, points

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


def test_a_run_that_was_made_again_has_no_part_in_a_cell() -> None:
    again = by_hand(sized(6, 5, seed=1), {FULL: [0.8], DISTILLED: [0.6]}, "r-again", number=1)
    assert matrix.comparable(ONE, [ONE, TWO, again, GRU]) == [ONE, again, GRU]


def test_diverged_runs_of_other_sizes_and_methods_are_not_missed_here() -> None:
    lost = [sized(6, 5, seed=2), sized(6, 5, model__kind="fmlp"), sized(12, 5, seed=2), sized(6, 5, inner__lr=0.5)]
    assert matrix.left_out(RUNS, [points.Diverged(one, "digest") for one in lost]) == 2


def test_where_full_data_reach_nothing_a_cell_is_drawn_all_the_same() -> None:
    nothing = by_hand(sized(6, 5), {FULL: [0.0], DISTILLED: [0.0]})
    assert matrix.cells([nothing], Metric.HR10)[0].percent_of_full == 0


def test_the_caption_says_at_which_step_size_students_train() -> None:
    assert (
        "of the teacher's architecture trains at inner.lr, others at their own"
        in matrix.chart(RUNS, Metric.HR10).caption
    )
    sgd = by_hand(sized(6, 5, inner__optimizer="sgd"), ROWS)
    assert "every student trains at inner.lr" in matrix.chart([sgd], Metric.HR10).caption


def test_the_cells_by_hand() -> None:
    found = matrix.cells(RUNS, Metric.HR10)
    assert [(one.teacher, one.student) for one in found] == [
        ("SASRec", "SASRec"), ("SASRec", "FMLP"), ("GRU4Rec", "SASRec"),
    ]  # fmt: skip
    assert found[0][2:7] == pytest.approx((50, 10, 80, 80, 100 * 0.5 / 0.8))
    assert (found[0].students, found[0].seeds, found[0].runs) == (3, 2, ("r-a", "r-b"))
    assert found[0].percent_low is None, "the runs store no interval"
    assert [one.percent_of_full for one in found[1:]] == pytest.approx([100, 110])


def test_a_cell_has_the_interval_of_its_runs() -> None:
    runs = [with_interval(ONE, DISTILLED, 80, 95), with_interval(TWO, DISTILLED, 84, 97)]
    cell = matrix.cells(runs, Metric.HR10)[0]
    assert (cell.percent_low, cell.percent_high) == (82, 96)
    chart = matrix.chart(runs, Metric.HR10)
    assert chart.figure.data[0].text[0][0].startswith("62.5 %<br>[82.0, 96.0]<br>HR@10 ")
    assert "brackets the 95 % interval" in chart.caption


def test_the_figure_shows_every_cell_with_its_n_and_says_where_none_was_run() -> None:
    chart = matrix.chart(RUNS, Metric.HR10)
    (heat,) = chart.figure.data
    assert (list(heat.y), list(heat.x)) == (["SASRec", "GRU4Rec"], ["SASRec", "FMLP"])
    assert np.allclose(heat.z, [[62.5, 100], [110, np.nan]], equal_nan=True)
    assert heat.text[0][0] == "62.5 %<br>HR@10 50.0<br>n = 3"
    assert heat.customdata[0][0] == (
        "distilled with SASRec, trained SASRec<br>62.5 % of its own full data<br>HR@10 50.0 % (10.0 to 80.0)<br>"
        "HR@10 on full data 80.0 %<br>n = 3 students, 2 seeds"
    )
    assert heat.text[1][1] == heat.customdata[1][1] == "not run"
    assert (heat.zmin + heat.zmax) / 2 == 100
    assert "n = 200" in chart.figure.layout.xaxis.title.text
    assert chart.figure.layout.yaxis.title.text == "Distilled with"
    assert "GRU4Rec to SASRec 110 %" in chart.alt
    assert "3 runs of size 6 × 5" in chart.caption
