"""Accuracy against size: the figure's marks are the students' means, and the costs are those of pen and paper."""

from pathlib import Path

import fixtures
import numpy as np
import pytest
from manysizes import SIZES, by_hand, make_runs, read, sized, with_interval

from farzi_core.evaluation.report import METRICS, TINY, Metric, RowName
from farzi_core.views import cost, frontier, frontier_chart, points
from farzi_core.views.cost import Cost
from farzi_core.views.frontier import Axis
from farzi_core.views.theme import Chart

FULL, DISTILLED, RANDOM, HEAD = RowName.FULL, RowName.DISTILLED, RowName.RANDOM, RowName.HEAD
LOW = by_hand(sized(6, 5), {FULL: [0.6, 0.8], DISTILLED: [0.5, 0.56], RANDOM: [0.2, 0.4]}, "r-low")
HIGH = by_hand(sized(12, 5), {FULL: [0.6, 0.8], DISTILLED: [0.63], RANDOM: [0.3]}, "r-high")
OTHER = by_hand(sized(24, 5, outer__steps=9), {FULL: [0.9], DISTILLED: [0.7]}, "r-other")
RUNS = frontier.frontier(LOW, [LOW, HIGH, OTHER])


def named(chart: Chart) -> dict[str, object]:
    return {trace.name.split(" (")[0]: trace for trace in chart.figure.data if trace.name}


def test_only_runs_alike_are_joined_and_others_are_shown_when_asked_for() -> None:
    assert [one.run_id for one in RUNS.alike] == ["r-low", "r-high"]
    assert RUNS.others == ()
    wider = frontier.frontier(LOW, [LOW, HIGH, OTHER], others=True)
    assert [one.run_id for one in wider.others] == ["r-other"]
    marks = named(frontier_chart.chart(wider, Metric.HR10))["Distilled, other settings"]
    assert (marks.x[0], marks.y[0], marks.mode) == (24 * 5 * 3 + 36, 0.7, "markers")
    assert frontier.lines(wider, Metric.HR10) == frontier.lines(RUNS, Metric.HR10)


def test_the_lines_by_hand() -> None:
    found = frontier.lines(RUNS, Metric.HR10)
    assert [(one.row, one.size) for one in found] == [
        ("full", "all"), ("distilled", "6 × 5"), ("distilled", "12 × 5"),
        ("random_users", "6 × 5"), ("random_users", "12 × 5"),
    ]  # fmt: skip
    full, line, *_ = found
    assert full.mean == pytest.approx(70)
    assert [line.mean, line.low, line.high] == pytest.approx([53, 50, 56])
    assert line.percent_of_full == pytest.approx(100 * 53 / 70)
    assert (line.students, line.label, line.numbers) == (2, "Distilled", 126)


def test_a_mark_of_one_run_has_its_interval_and_of_several_seeds_the_mean_of_their_ends() -> None:
    again = by_hand(sized(6, 5, seed=1), {FULL: [0.7], DISTILLED: [0.6]}, "r-seed")
    runs = [with_interval(LOW, DISTILLED, 70, 80), with_interval(again, DISTILLED, 76, 92), HIGH]
    found = {(one.row, one.size): one for one in frontier.lines(frontier.frontier(runs[0], runs), Metric.HR10)}
    assert [found["distilled", "6 × 5"].percent_low, found["distilled", "6 × 5"].percent_high] == [73, 86]
    assert found["distilled", "12 × 5"].percent_low is None, "its run stores none"
    assert found["full", "all"].percent_low is None
    alone = frontier.lines(frontier.frontier(runs[0], runs[:1]), Metric.HR10)[1]
    assert (alone.percent_low, alone.percent_high) == (70, 80)


def test_percent_turns_round_where_lower_is_better() -> None:
    config = sized(6, 5)
    report = fixtures.evaluation(task="language")
    one = by_hand(config, {FULL: [1.0], DISTILLED: [1.0]})
    text = frontier.frontier(told := points.Result(**{**vars(one), "report": report}), [told])
    full, distilled = report.row(FULL), report.row(DISTILLED)
    assert full is not None
    assert distilled is not None
    line = frontier.lines(text, Metric.PPL)[1]
    assert line.percent_of_full == pytest.approx(100 * full.mean[Metric.PPL] / distilled.mean[Metric.PPL])
    chart = frontier_chart.chart(text, Metric.PPL)
    assert "lower is better" in chart.figure.layout.yaxis.title.text
    assert "sentences" in chart.figure.layout.yaxis.title.text


def test_where_full_data_reach_nothing_the_percentage_is_large_and_no_error() -> None:
    for distilled, wanted in ((0.0, 0.0), (0.5, 100 * 0.5 / TINY)):
        one = by_hand(sized(6, 5), {FULL: [0.0], DISTILLED: [distilled]})
        whole = frontier.frontier(one, [one])
        assert frontier.lines(whole, Metric.HR10)[1].percent_of_full == pytest.approx(wanted)


def test_a_run_that_was_made_again_is_in_no_part_of_the_figure() -> None:
    rows = {FULL: [0.6], DISTILLED: [0.5]}
    again = by_hand(sized(12, 5), {FULL: [0.6], DISTILLED: [0.9]}, "r-again", number=9, distil=77)
    whole = frontier.frontier(LOW, [LOW, by_hand(sized(12, 5), rows, "r-before", number=3, distil=11), again])
    assert [one.run_id for one in whole.alike] == ["r-low", "r-again"]
    line = next(one for one in frontier.lines(whole, Metric.HR10) if one.size == "12 × 5")
    assert (line.mean, line.runs) == (90, ("r-again",))
    assert cost.costs(whole)[1].distil == 77
    assert frontier.reading(whole, Metric.HR10)[2].startswith("12 × 5, 1 run:")


def test_a_point_costs_once_where_two_runs_share_its_rows() -> None:
    old = by_hand(sized(6, 5), {FULL: [0.6], DISTILLED: [0.5], HEAD: [0.3]}, "r-old", number=1, distil=40)
    new = by_hand(sized(6, 5), {FULL: [0.6], DISTILLED: [0.5]}, "r-new", number=2, distil=10)
    whole = frontier.frontier(HIGH, [HIGH, old, new])
    assert {one.run_id for one in whole.alike} == {"r-high", "r-new", "r-old"}
    assert next((one.size, one.distil, one.runs) for one in cost.costs(whole)) == ("6 × 5", 10, 1)


def test_sgd_at_its_own_step_size_has_a_line_of_its_own() -> None:
    sgd = by_hand(sized(12, 5, inner__optimizer="sgd", inner__lr=0.3), {FULL: [0.6, 0.8], DISTILLED: [0.4]})
    chart = frontier_chart.chart(frontier.frontier(LOW, [LOW, HIGH, sgd]), Metric.HR10)
    assert list(named(chart)["Distilled, SASRec, SGD, lr 0.3"].y) == [0.4]


def test_marks_bars_and_dots_are_the_students() -> None:
    chart = frontier_chart.chart(RUNS, Metric.HR10)
    distilled = named(chart)["Distilled"]
    assert list(distilled.x) == [126, 12 * 5 * 3 + 36]
    assert list(distilled.y) == pytest.approx([0.53, 0.63])
    assert list(distilled.error_y.arrayminus) == pytest.approx([0.03, 0])
    assert [one[0] for one in distilled.customdata] == ["r-low", "r-high"]
    dots = [trace for trace in chart.figure.data if trace.showlegend is False and trace.mode == "markers"]
    assert sorted(value for trace in dots for value in trace.y) == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.56, 0.63])
    assert {run for trace in dots for (run,) in trace.customdata} == {"r-low", "r-high"}
    assert chart.figure.layout.xaxis.type == "log"


def test_the_full_data_line_and_band_span_the_figure() -> None:
    chart = frontier_chart.chart(RUNS, Metric.HR10)
    line = named(chart)["Full data"]
    assert list(line.y) == pytest.approx([0.7, 0.7])
    assert line.x[0] < 30
    assert line.x[1] > 216
    band = next(trace for trace in chart.figure.data if trace.fill == "toself")
    assert (min(band.y), max(band.y)) == (0.6, 0.8)
    assert "n = 2 students" in line.name, "the same two students of seed 0, trained by both runs"


def test_size_can_be_counted_in_sequences() -> None:
    chart = frontier_chart.chart(RUNS, Metric.HR10, Axis.SEQUENCES)
    assert list(named(chart)["Distilled"].x) == list(named(chart)["Random users"].x) == [6, 12]
    assert chart.figure.layout.xaxis.title.text == "Training sequences (log scale)"


def test_several_methods_have_names_dashes_and_symbols_of_their_own() -> None:
    taught = by_hand(
        sized(12, 5, model__kind="gru4rec", evaluation__students=["sasrec"]), {FULL: [0.6, 0.8], DISTILLED: [0.5]}
    )
    chart = frontier_chart.chart(frontier.frontier(LOW, [LOW, HIGH, taught]), Metric.HR10)
    lines = [named(chart)[f"Distilled, {name}"] for name in ("GRU4Rec", "SASRec")]
    assert len({(one.line.dash, one.marker.symbol) for one in lines}) == 2
    assert list(lines[0].y) == [0.5]
    assert "Distilled, GRU4Rec 12 × 5 50.0 %" in chart.alt


def test_words_axis_titles_and_n(farzi_home: Path) -> None:
    real = read(make_runs(farzi_home, [sized(*size) for size in SIZES]))
    assert frontier.frontier(LOW, real).alike == (), "they have other data"
    whole = frontier.frontier(real[0], real)
    for metric in METRICS["recommendation"]:
        chart = frontier_chart.chart(whole, metric)
        assert "test users (n = 200)" in chart.figure.layout.yaxis.title.text
        assert chart.figure.layout.xaxis.title.text == "Stored numbers (log scale)"
        assert "Z and M, or events of real data" in chart.caption
        assert "3 runs" in chart.alt
        assert "510 events in 60 sequences" in chart.caption
        assert "(1 seed)" in chart.caption


def test_the_reading_names_the_best_size_and_counts_clear_wins() -> None:
    first, low, high, meaning = frontier.reading(RUNS, Metric.HR10)
    assert first == ("Best of 2 sizes: 12 × 5, whose students reach HR@10 63.0 % on average, 90.0 % of full data.")
    assert low == "6 × 5, 1 run: against full data 1 worse; better than Random users in 1 of 1."
    assert "95 %" in meaning
    unclear = LOW.report.model_copy(
        update={
            "rows": tuple(
                one.model_copy(update={"minus_distilled": {key: gap.model_copy(update={"low": -1.0})
                                                           for key, gap in one.minus_distilled.items()}})
                for one in LOW.report.rows
            )
        }
    )  # fmt: skip
    noisy = points.Result(**{**vars(LOW), "report": unclear})
    assert frontier.reading(frontier.frontier(noisy, [noisy]), Metric.HR10)[1] == (
        "6 × 5, 1 run: against full data 1 worse; better than Random users in 0 of 1."
    )
    assert "of 1 size:" in frontier.reading(frontier.frontier(noisy, [noisy]), Metric.HR10)[0]
    assert high.startswith("12 × 5")


def test_runs_of_two_versions_of_the_program_are_said_to_be() -> None:
    assert "versions" not in frontier_chart.chart(RUNS, Metric.HR10).caption
    newer = points.Result(**{**vars(HIGH), "code": "newer"})
    assert "2 versions" in frontier_chart.chart(frontier.frontier(LOW, [LOW, newer]), Metric.HR10).caption


class TestCost:
    @pytest.mark.parametrize(
        ("distil", "distilled", "full", "payoff"),
        [(100, 1, 11, 10), (101, 1, 11, 11), (5, 1, 11, 1), (0, 1, 11, 1), (100, 2, 2, None), (100, 3, 2, None)],
    )
    def test_it_pays_from_the_first_count_that_is_not_dearer(
        self, distil: float, distilled: float, full: float, payoff: int | None
    ) -> None:
        found = Cost("6 × 5", distil, distilled, full, 1).payoff
        assert found == payoff
        if found is None:
            assert all(distil + count * distilled > count * full for count in range(1, 1000))
        else:
            assert distil + found * distilled <= found * full
            assert found == 1 or distil + (found - 1) * distilled > (found - 1) * full

    def test_sentences_say_the_count_or_that_it_never_pays(self) -> None:
        assert Cost("6 × 5", 100, 1, 11, 1).sentence == (
            "6 × 5: 1 min 40 s of distillation, then 1.00 s a student against 11.00 s on the full data: "
            "it pays from 10 trainings on."
        )
        assert "never pays" in Cost("6 × 5", 100, 2, 2, 1).sentence

    def test_means_over_runs_of_a_size_smallest_first_and_lines_that_cross_there(self) -> None:
        rows = {FULL: [0.6], DISTILLED: [0.5]}
        runs = [
            by_hand(sized(12, 5), rows, distil=300, distilled=2, full=10),
            by_hand(sized(6, 5), rows, distil=100, distilled=1, full=12),
            by_hand(sized(6, 5, seed=1), rows, distil=140, distilled=1, full=8),
            by_hand(sized(6, 5, model__kind="fmlp", evaluation__students=["sasrec"]), rows, distil=9, full=8),
        ]
        whole = frontier.frontier(runs[0], runs)
        assert cost.costs(whole) == [Cost("6 × 5", 120, 1, 10, 2), Cost("12 × 5", 300, 2, 10, 1)]
        chart = cost.chart(whole, cost.costs(whole))
        full, small, _ = chart.figure.data
        dearer = np.array(small.y) > np.array(full.y)
        assert all(dearer == (np.array(small.x) < 120 / 9))
        assert "it pays from 14 trainings on" in chart.alt
        assert "cpu, 2 threads" in chart.caption
        assert "Runs of this version count Omega" in chart.caption
        assert "repeated after a crash count" in chart.caption
        assert chart.figure.layout.xaxis.title.text == "Models trained (log scale)"
