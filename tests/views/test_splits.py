"""Splits: every split counts once, percentages are of the split's own full data, and only runs alike count."""

import pytest
from manysizes import by_hand, sized, with_interval

from farzi_core.config import RunConfig
from farzi_core.evaluation.report import Metric, RowName
from farzi_core.views import points, splits, splits_chart
from farzi_core.views.points import Result

FULL, DISTILLED, RANDOM = RowName.FULL, RowName.DISTILLED, RowName.RANDOM
T3 = 4.3027  # 97.5 % quantile of Student's t with 2 degrees of freedom
REACH = T3 * 10 * (1 / 3 + 1 / 8) ** 0.5


def on(split: int, full: float, distilled: list[float], run_id: str, seed: int = 0, **more: object) -> Result:
    """A run on 10 test and 80 training users."""
    rows = {FULL: [full], DISTILLED: distilled, RANDOM: [full / 2]}
    one = by_hand(sized(6, 5, seed=seed, data__seed=split, **more), rows, run_id)
    report = one.report.model_copy(update={"test_users": 10, "full_sequences": 80})
    return Result(**{**vars(one), "report": report})


ZERO, MORE = on(0, 0.5, [0.48, 0.52], "r-0"), on(0, 0.5, [0.48, 0.52], "r-0b", seed=1)
ONE, TWO = on(1, 0.5, [0.45], "r-1"), on(2, 0.4, [0.44], "r-2")
RUNS = [ZERO, MORE, ONE, TWO]


def distilled(runs: list[Result], metric: Metric = Metric.HR10) -> splits.Average:
    return next(one for one in splits.averages(runs, metric) if one.row == DISTILLED.value)


def test_by_hand() -> None:
    """Percentages 100, 90 and 110: their mean is 100, that of the means would be 99.3."""
    found = distilled(RUNS)
    assert [found.mean, found.low, found.high] == pytest.approx([(50 + 45 + 44) / 3, 44, 50])
    assert [*found.percents, found.percent_of_full] == pytest.approx([100, 90, 110, 100])
    assert [found.percent_low, found.percent_high] == pytest.approx([100 - REACH, 100 + REACH], rel=1e-4)
    assert [found.percent_lowest, found.percent_highest] == pytest.approx([90, 110])
    assert (found.splits, found.students, found.runs) == ([0, 1, 2], 6, ("r-0", "r-0b", "r-1", "r-2"))


def test_full_data_are_100_percent_of_themselves_and_have_no_interval() -> None:
    full, *rest = splits.averages(RUNS, Metric.HR10)
    assert (full.row, full.percents, full.percent_low) == ("full", [100, 100, 100], None)
    assert full.mean == pytest.approx(140 / 3)
    assert [one.row for one in rest] == ["distilled", "random_users"]


def test_more_seeds_of_a_split_give_it_no_more_weight() -> None:
    assert distilled(RUNS)[:9] == pytest.approx(distilled([ZERO, ONE, TWO])[:9])


def test_one_split_has_the_interval_over_its_own_test_users() -> None:
    runs = [with_interval(ZERO, DISTILLED, 90, 104), with_interval(MORE, DISTILLED, 94, 108)]
    found = distilled(runs)
    assert (found.percent_low, found.percent_high) == (92, 106)
    assert distilled([ZERO]).percent_low is None, "its run stores none"


def test_a_row_that_only_some_splits_have_is_over_those() -> None:
    wider = [ZERO, ONE, by_hand(sized(6, 5, data__seed=2), {FULL: [0.4], DISTILLED: [0.44]}, "r-2")]
    found = {one.row: one.splits for one in splits.averages(wider, Metric.HR10)}
    assert found == {"full": [0, 1, 2], "distilled": [0, 1, 2], "random_users": [0, 1]}


class TestWhatIsPutTogether:
    def test_split_and_seed_alone_may_differ(self) -> None:
        others = [
            on(3, 0.5, [0.5], "r-recipe", outer__steps=7),
            on(3, 0.5, [0.5], "r-method", inner__lr=0.5),
            on(3, 0.5, [0.5], "r-items", data__max_items=40),
            on(3, 0.5, [0.5], "r-source", data__source="python-calls"),
            by_hand(sized(12, 5, data__seed=3), {FULL: [0.5], DISTILLED: [0.5]}, "r-size"),
        ]
        assert splits.comparable(ZERO, [*others, *reversed(RUNS)]) == [ZERO, TWO, ONE, MORE]

    def test_another_student_is_not(self) -> None:
        other = on(1, 0.5, [0.5], "r-gru", evaluation__students=["gru4rec"])
        assert splits.comparable(ZERO, [ZERO, other]) == [ZERO]

    def test_a_run_that_was_made_again_is_counted_once(self) -> None:
        again = Result(**{**vars(ONE), "run_id": "r-again", "number": 9})
        assert splits.comparable(ZERO, [ZERO, ONE, again]) == [ZERO, again]

    def test_of_data_that_changed_the_newest_count_and_before_them_the_chosen_run_s(self) -> None:
        changed = Result(**{**vars(ONE), "run_id": "r-changed", "data": "changed", "number": 9})
        assert splits.comparable(ZERO, [ZERO, ONE, changed]) == [ZERO, changed]
        assert splits.comparable(ONE, [ZERO, ONE, changed]) == [ONE, ZERO]

    def test_data_with_a_split_of_their_own_are_one_split_and_said_to_be(self) -> None:
        same = Result(**{**vars(ONE), "data": ZERO.data})
        assert splits.comparable(ZERO, [ZERO, same]) == [ZERO]
        assert splits.own_split(ZERO, [ZERO, same])
        assert not splits.own_split(ZERO, RUNS)

    def test_diverged_runs_alike_are_counted_where_nobody_made_their_split_and_seed(self) -> None:
        def diverged(config: RunConfig) -> points.Diverged:
            return points.Diverged(config, "digest of another split")

        missed = [diverged(sized(6, 5, data__seed=3)), diverged(sized(6, 5, data__seed=1, seed=4))]
        others = [diverged(sized(6, 5, data__seed=1)), diverged(sized(12, 5, data__seed=3))]
        assert splits.left_out(RUNS, [*missed, *others]) == 2


class TestReading:
    def test_says_mean_percentage_interval_and_the_lowest_and_highest_split(self) -> None:
        first, second, third = splits.reading(RUNS, Metric.HR10)
        assert first == (
            "3 splits: students on distilled data reach HR@10 46.3 % on average, 100.0 % of full data (mean of the "
            f"splits' percentages; 95 % interval [{100 - REACH:.1f}, {100 + REACH:.1f}]; lowest split 90.0 %, highest "
            "110.0 %)."
        )
        assert "not told apart" in second
        assert third.startswith("4 runs: against full data ")
        assert "Random users in 4 of 4" in third

    @pytest.mark.parametrize(("by", "said"), [(1.5, "better than full data"), (0.5, "worse than full data")])
    def test_beyond_the_interval_it_takes_a_side(self, by: float, said: str) -> None:
        runs = [on(split, 0.4, [0.4 * by + split / 1000], f"r-{split}") for split in range(3)]
        assert said in splits.reading(runs, Metric.HR10)[1]

    def test_of_one_split_claims_nothing_about_others(self) -> None:
        said = splits.reading([ZERO], Metric.HR10)
        assert "1 split:" in said[0]
        assert "95 % interval none is stored" in said[0]
        assert "says nothing about other splits" in said[1]


class TestTheFigure:
    def test_has_a_tick_a_split_and_the_mean_with_its_interval(self) -> None:
        ticks, mean, *_ = splits_chart.chart(RUNS, Metric.HR10).figure.data
        assert list(ticks.x) == pytest.approx([100, 90, 110])
        assert [one[0] for one in ticks.customdata] == ["r-0,r-0b", "r-1", "r-2"]
        assert ticks.text[1] == "split 1: 90.0 %<br>its own interval none<br>n = 1 student"
        assert list(mean.x) == pytest.approx([100])
        assert [mean.error_x.array[0], mean.error_x.arrayminus[0]] == pytest.approx([REACH, REACH], rel=1e-4)
        assert mean.customdata[0][0] == "r-0,r-0b,r-1,r-2"

    def test_a_split_has_its_own_interval_in_the_hover(self) -> None:
        ticks, *_ = splits_chart.chart([ZERO, with_interval(ONE, DISTILLED, 80, 99)], Metric.HR10).figure.data
        assert "its own interval [80.0, 99.0]" in ticks.text[1]

    def test_says_in_words_what_it_shows(self) -> None:
        chart = splits_chart.chart(RUNS, Metric.HR10)
        assert chart.figure.layout.xaxis.title.text == "HR@10, % of the same split's full data"
        assert f"3 splits: Distilled 100 % [{100 - REACH:.1f}, {100 + REACH:.1f}]; Random users 50 %" in chart.alt
        assert "4 runs of size 6 × 5" in chart.caption
        assert "(3 splits) and their own (2 seeds)" in chart.caption
        assert "Nadeau and Bengio" in chart.caption
