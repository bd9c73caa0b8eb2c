"""Which runs may stand beside each other, and that every student counts once."""

from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest
from manysizes import by_hand, make_runs, read, sized, with_other

from farzi_core.config import RunConfig, with_settings
from farzi_core.evaluation.report import FORM_ROWS, Metric, RowName
from farzi_core.views import experiment, points
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
        sized(6, 5, inner__optimizer="sgd", inner__lr=0.3, inner__momentum=0.5),
        sized(6, 5, objective__kind="gradient", objective__matches=2),
        sized(6, 5, objective__kind="trajectory", objective__ahead=2),
        sized(6, 5, synthetic__labels="own"),
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
        sized(6, 5, inner__steps=9),
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


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (HERE, "SASRec"),
        (sized(6, 5, model__kind="fmlp", inner__lr=0.02), "FMLP, lr 0.02"),
        (sized(6, 5, inner__optimizer="sgd", inner__lr=0.3), "SASRec, SGD, lr 0.3"),
        (sized(6, 5, inner__optimizer="sgd", inner__momentum=0.5), "SASRec, SGD, momentum 0.5"),
        (sized(6, 5, objective__kind="gradient", inner__optimizer="sgd"), "SASRec, gradient matching, SGD"),
        (sized(6, 5, objective__kind="gradient", objective__matches=2), "SASRec, gradient matching, 2 states compared"),
        (sized(6, 5, objective__kind="trajectory", objective__ahead=2), "SASRec, trajectory matching, 2 states ahead"),
        (sized(6, 5, synthetic__labels="own"), "SASRec, own labels"),
        (
            sized(6, 5, synthetic__labels="own", synthetic__start_labels="taught", objective__teachers=2),
            "SASRec, teachers 2, own labels, taught at the start",
        ),
        (sized(6, 5, inner__momentum=0.5, objective__matches=2, objective__ahead=2), "SASRec"),  # nobody reads them
    ],
)
def test_a_method_is_named_after_what_it_reads_and_is_not_the_default(config: RunConfig, said: str) -> None:
    assert experiment.method(config) == said


class TestRunsThatWereMadeAgain:
    rows: ClassVar = {FULL: [0.6], DISTILLED: [0.5]}
    old = by_hand(HERE, rows, "r-old", number=1)
    new = by_hand(with_settings(HERE, {"name": "again"}), {**rows, DISTILLED: [0.7]}, "r-new", number=2)

    def test_the_newest_counts_in_whatever_order_they_are_read(self) -> None:
        elsewhere = by_hand(sized(12, 5), self.rows, "r-elsewhere", number=3)
        for found in ([self.old, self.new, elsewhere], [elsewhere, self.new, self.old]):
            kept = points.current(elsewhere, found)
            assert [one.run_id for one in kept] == ["r-elsewhere", "r-new"]

    def test_the_chosen_run_counts_before_newer_ones(self) -> None:
        assert points.current(self.old, [self.old, self.new]) == [self.old]

    def test_one_with_rows_that_the_newer_one_lacks_stays_for_them(self) -> None:
        wider = by_hand(HERE, {FULL: [0.6], DISTILLED: [0.5], RANDOM: [0.3]}, "r-wider", number=1)
        other = with_other(self.old, "fmlp", self.rows)
        for one in (wider, other):
            kept = points.current(self.new, [one, self.new])
            assert kept == [self.new, one]
            means = {group.row: group.mean for group in points.spread(points.students(kept, "sasrec", Metric.AUC))}
            assert means[DISTILLED] == 0.7, "what both have is the newer one's"

    def test_other_data_seeds_sizes_methods_and_settings_are_no_repetition(self) -> None:
        others = [
            by_hand(sized(6, 5, seed=1), self.rows, "r-seed"),
            by_hand(sized(6, 10), self.rows, "r-size"),
            by_hand(sized(6, 5, inner__optimizer="sgd"), self.rows, "r-method"),
            by_hand(sized(6, 5, outer__steps=9), self.rows, "r-recipe"),
            Result(**{**vars(self.old), "run_id": "r-data", "data": "other"}),
        ]
        assert len(points.current(self.new, [*others, self.new])) == 6


def test_diverged_runs_are_counted_where_they_are_alike_and_nobody_made_their_point() -> None:
    shown = [result(HERE), result(sized(12, 5))]
    alike = [points.Diverged(one, "digest") for one in (sized(6, 5, seed=1), sized(24, 5))]
    others = [
        points.Diverged(sized(12, 5), "digest"),
        points.Diverged(sized(6, 5, seed=1), "other"),
        points.Diverged(sized(6, 5, seed=1, outer__steps=9), "digest"),
    ]
    assert points.left_out(shown, [*alike, *others]) == 2


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


@pytest.mark.parametrize(("labels", "numbers"), [("next", 30), ("own", 60)])
def test_hard_forms_store_an_item_an_event_and_a_label(labels: str, numbers: int) -> None:
    made = by_hand(sized(6, 5, synthetic__labels=labels), {FULL: [0.6], RANDOM: [0.3]})
    argmax = made.report.row(RANDOM)
    assert argmax is not None
    rows = (*made.report.rows, argmax.model_copy(update={"name": FORM_ROWS["argmax"]}))
    one = Result(**{**vars(made), "report": made.report.model_copy(update={"rows": rows})})
    found = {trained.row: trained.numbers for trained in points.students([one], "sasrec", Metric.HR10)}
    assert found == {FULL: 510, RANDOM: 30, FORM_ROWS["argmax"]: numbers}


def test_taught_windows_store_an_item_and_a_distribution_an_event() -> None:
    """30 events, each with a label of 12 numbers."""
    labels = {"synthetic__labels": "own", "objective__teachers": 2, "evaluation__baselines": ("taught_windows",)}
    made = by_hand(sized(6, 5, synthetic__d=3, **labels), {FULL: [0.6], RANDOM: [0.3]})
    real = made.report.row(RANDOM)
    assert real is not None
    rows = (made.report.rows[0], real.model_copy(update={"name": RowName.TAUGHT}))
    report = made.report.model_copy(update={"rows": rows, "stored_numbers": 6 * 2 * 5 * 3 + 3 * 12})
    one = Result(**{**vars(made), "report": report})
    found = {trained.row: trained.numbers for trained in points.students([one], "sasrec", Metric.HR10)}
    assert found == {FULL: 510, RowName.TAUGHT: 30 * (1 + 12)}
    more = Result(**{**vars(one), "run_id": "r-2", "config": sized(6, 5, **{**labels, "objective__teachers": 6})})
    both = [trained for trained in points.students([one, more], "sasrec", Metric.HR10) if trained.row is RowName.TAUGHT]
    assert {trained.method for trained in both} == {"SASRec, teachers 2, own labels", "SASRec, teachers 6, own labels"}


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
