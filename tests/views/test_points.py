"""Which runs may stand beside each other, and that every student counts once."""

from collections import Counter
from pathlib import Path

import pytest
from manysizes import by_hand, make_runs, read, sized

from farzi_core.config import RunConfig
from farzi_core.evaluation.report import Metric, RowName
from farzi_core.views import points
from farzi_core.views.points import Result

FULL, DISTILLED, RANDOM = RowName.FULL, RowName.DISTILLED, RowName.RANDOM
HERE = sized(6, 5)


def result(config: RunConfig, data: str = "digest", masked: bool = False) -> Result:
    made = by_hand(config, {FULL: [0.6], DISTILLED: [0.5]})
    report = made.report.model_copy(update={"masked_seen": masked})
    return Result(**{**vars(made), "data": data, "report": report})


@pytest.mark.parametrize(
    "other",
    [
        sized(12, 5),
        sized(6, 10, seed=4),
        sized(6, 5, name="another", preset="standard"),
        sized(6, 5, model__kind="gru4rec"),
        sized(6, 5, evaluation__seeds=9, evaluation__full_seeds=1, evaluation__baselines=[]),
        sized(6, 5, evaluation__students=["fmlp"], runtime__threads=7),
    ],
)
def test_size_seed_method_and_names_are_no_other_experiment(other: RunConfig) -> None:
    assert points.alike(result(HERE), result(other))


@pytest.mark.parametrize(
    "other",
    [
        sized(6, 5, outer__steps=21),
        sized(6, 5, synthetic__d=4),
        sized(6, 5, inner__lr=0.02),
        sized(6, 5, evaluation__steps=99),
        sized(6, 5, validation__every=7),
        sized(6, 5, teacher__epochs=1),
    ],
)
def test_every_other_setting_is_another_experiment_on_the_same_data(other: RunConfig) -> None:
    assert not points.alike(result(HERE), result(other))
    assert points.same_data(result(HERE), result(other))


def test_other_data_another_split_or_another_ranking_never_stand_in_one_figure() -> None:
    assert not points.same_data(result(HERE), result(HERE, data="other"))
    assert not points.same_data(result(HERE), result(HERE, masked=True))
    assert not points.alike(result(HERE), result(HERE, data="other"))


def test_the_setting_that_names_a_method_exists() -> None:
    assert points.values(HERE, points.METHOD) == ["sasrec", "meta", "adam"]
    assert points.method(sized(6, 5, model__kind="fmlp")) == "FMLP"
    assert points.method(sized(6, 5, objective__kind="gradient", inner__optimizer="sgd")) == (
        "SASRec, gradient matching, SGD"
    )


def test_students_of_real_data_that_two_runs_trained_alike_count_once() -> None:
    rows = {FULL: [0.6, 0.64], DISTILLED: [0.5, 0.52], RANDOM: [0.3, 0.4]}
    runs = [by_hand(sized(6, 5), rows), by_hand(sized(12, 5), rows), by_hand(sized(6, 5, seed=1), rows)]
    found = points.students(runs, "sasrec", Metric.AUC)
    assert Counter((one.row.value, one.mu) for one in found) == {
        ("full", 0): 4,  # two seeds of two students, whatever the size of the synthetic data
        ("distilled", 6): 4,
        ("distilled", 12): 2,
        ("random_users", 6): 4,
        ("random_users", 12): 2,
    }
    assert points.students([*runs, runs[0]], "sasrec", Metric.AUC) == found


def test_stored_numbers_are_those_of_z_and_m_or_the_events() -> None:
    (one,) = [by_hand(sized(6, 5), {FULL: [0.6], DISTILLED: [0.5], RANDOM: [0.3]})]
    found = {trained.row: trained.numbers for trained in points.students([one], "sasrec", Metric.HR10)}
    assert found == {FULL: 510, DISTILLED: 6 * 5 * 3 + 3 * 12, RANDOM: 30}
    assert points.students([one], "gru4rec", Metric.HR10) == []


def test_the_spread_by_hand() -> None:
    runs = [
        by_hand(sized(6, 5), {FULL: [0.6], DISTILLED: [0.5, 0.6]}, "r-a"),
        by_hand(sized(6, 5, seed=1), {FULL: [0.6], DISTILLED: [0.1]}, "r-b"),
    ]
    full, group = points.spread(points.students(runs, "sasrec", Metric.HR10))
    assert (full.row, group.row) == (FULL, DISTILLED)
    assert (group.mean, group.low, group.high) == (pytest.approx(0.4), 0.1, 0.6)
    assert (group.students, group.seeds, group.runs) == (3, 2, ("r-a", "r-b"))


def test_a_run_is_read_with_what_its_seconds_were_measured_on(farzi_home: Path) -> None:
    (one,) = read(make_runs(farzi_home, [HERE]))
    assert (one.size, one.where, one.code) == ((6, 5), "cpu, 2 threads", "0" * 16)
    assert one.distil_seconds == 25.0 - 1.0  # from the stage's line to the end of the fixture's log
    assert one.label == "6 × 5, SASRec, seed 0 (run 0001)"
