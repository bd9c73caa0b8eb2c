"""The accuracy table and its sentences: arithmetic by hand on visible numbers, and words that match the intervals."""

import fixtures
import pandas as pd
import pytest

from farzi_core.evaluation.report import LABELS, METRICS, Evaluation, Interval, Metric, Row, RowName
from farzi_core.sections import SyntheticConfig
from farzi_core.views import accuracy
from farzi_core.views.load import RunView


def row(name: RowName, seeds: list[float], gap: tuple[float, float] | None, of_full: float) -> Row:
    mean = sum(seeds) / len(seeds)
    return Row(
        name=name,
        sequences=200 if name is RowName.FULL else 10,
        events=100,
        seeds=tuple({Metric.HR10: one} for one in seeds),
        mean={Metric.HR10: mean},
        interval={Metric.HR10: Interval(low=mean - 0.01, high=mean + 0.02)},
        percent_of_full={Metric.HR10: of_full},
        minus_distilled={Metric.HR10: Interval(low=gap[0], high=gap[1])} if gap else {},
        steps=10,
        seconds=2,
    )


SHOWN = [row.name for row in fixtures.evaluation().rows]
TABLE = Evaluation(
    rows=(
        row(RowName.FULL, [0.50, 0.52], (-0.15, -0.05), 100),
        row(RowName.DISTILLED, [0.40, 0.42], None, 80.4),
        row(RowName.RANDOM, [0.30, 0.30], (0.08, 0.14), 58.8),
        row(RowName.HEAD, [0.41, 0.43], (-0.03, 0.01), 82.4),
    ),
    test_users=1234,
    validation_users=567,
    masked_seen=False,
    seeds=2,
    full_sequences=200,
    full_events=4000,
    stored_numbers=1000,
)


def test_final_table_by_hand() -> None:
    full, distilled, random, head = accuracy.final_table(TABLE, Metric.HR10).to_dict("records")
    assert (full["mean"], full["low"], full["high"]) == pytest.approx((51, 50, 53))
    assert full["percent_of_sequences"] == 100
    assert random["percent_of_sequences"] == 5
    assert distilled["percent_of_full"] == 80.4
    assert full["spread"] == pytest.approx(2)
    assert (full["difference"], random["difference"], head["difference"]) == pytest.approx((41 - 51, 41 - 30, 41 - 42))
    assert (random["difference_low"], random["difference_high"]) == pytest.approx((8, 14))
    assert [one["verdict"] for one in (full, distilled, random, head)] == ["worse", "", "better", "unclear"]
    assert pd.isna(distilled["difference"])


def test_readable_table_says_the_same_in_words() -> None:
    frame = accuracy.readable(accuracy.final_table(TABLE, Metric.HR10))
    assert frame["interval"].tolist()[0] == "50.0 to 53.0"
    assert frame["difference"].tolist() == ["-10.0 (-15.0 to -5.0)", "", "+11.0 (+8.0 to +14.0)", "-1.0 (-3.0 to +1.0)"]


def test_sentences_claim_a_difference_only_where_zero_is_outside_the_interval() -> None:
    first, full, random, head = accuracy.reading(TABLE, Metric.HR10)
    assert (
        first
        == "Students trained on the distilled set reach HR@10 41.0 %, that is 80.4 % of what full data reach (51.0 %)."
    )
    assert full.startswith(
        "Distilled is worse than Full data: the 95 % interval of the difference, -15.0 to -5.0 points"
    )
    assert random.startswith("Distilled is better than Random users")
    assert head.startswith("Distilled and Head users cannot be told apart here")


def test_an_interval_that_touches_zero_decides_nothing() -> None:
    assert accuracy.verdict(Interval(low=0, high=0.1), Metric.HR10) == "unclear"
    assert accuracy.verdict(Interval(low=-0.1, high=0), Metric.HR10) == "unclear"


def test_less_perplexity_is_better() -> None:
    assert accuracy.verdict(Interval(low=2, high=3), Metric.PPL) == "worse"
    assert accuracy.verdict(Interval(low=-3, high=-2), Metric.PPL) == "better"
    assert accuracy.verdict(Interval(low=2, high=3), Metric.ACCURACY) == "better"


def test_a_text_is_read_in_its_own_units() -> None:
    report = fixtures.evaluation(task="language")
    first, full, *_ = accuracy.reading(report, Metric.PPL)
    distilled = report.rows[1]
    assert f"reach PPL {distilled.mean[Metric.PPL]:.2f}, that is {distilled.percent_of_full[Metric.PPL]:.1f} %" in first
    assert full.startswith("Distilled is worse than Full data")
    assert full.endswith("lies above zero.")
    assert "points" not in full
    line = accuracy.final_table(report, Metric.PPL).iloc[1]
    assert line["mean"] == distilled.mean[Metric.PPL]
    assert "every token predicted" in accuracy.protocol(report)


def test_without_a_distilled_row_nothing_is_claimed() -> None:
    partial = TABLE.model_copy(update={"rows": TABLE.rows[:1]})
    assert accuracy.reading(partial, Metric.HR10) == ["This run has no distilled row: its evaluation did not finish."]


def test_sizes_are_counted_both_ways() -> None:
    said = accuracy.sizes(TABLE, SyntheticConfig(mu=10, xi=7))
    assert "10 × 7: 10 synthetic sequences of 7 events each, 5.00% of the 200 training sequences" in said
    assert "1,000 numbers (Z and M) against 4,000 training events (25.0%)" in said
    own = SyntheticConfig(mu=10, xi=7, labels="own")
    assert "of 7 events each with labels of their own, 5.00%" in accuracy.sizes(TABLE, own)


def test_protocol_states_what_the_figures_rest_on() -> None:
    assert "1,234 test users" in accuracy.protocol(TABLE)
    assert "stay in the ranking" in accuracy.protocol(TABLE)
    assert "are removed from the ranking" in accuracy.protocol(TABLE.model_copy(update={"masked_seen": True}))


def test_curves_are_mean_and_range_over_the_students_that_got_there() -> None:
    lines = [("full", 0, 10, 0.2), ("full", 1, 10, 0.4), ("full", 0, 20, 0.5), ("distilled", 0, 10, 0.1)]
    curves = pd.DataFrame(
        [(name, seed, step, 0.0, "hr@10", value) for name, seed, step, value in lines],
        columns=["row", "seed", "step", "seconds", "metric", "value"],
    )
    curves.loc[len(curves)] = ["full", 0, 10, 0.0, "auc", 0.9]
    table = accuracy.curve_table(curves, Metric.HR10).set_index(["row", "step"])
    assert table.loc[("full", 10)].tolist() == pytest.approx([0.3, 0.2, 0.4, 2])
    assert table.loc[("full", 20)].tolist() == [0.5, 0.5, 0.5, 1]
    assert table.loc[("distilled", 10)].tolist() == [0.1, 0.1, 0.1, 1]


def test_every_student_is_listed(view: RunView) -> None:
    frame = accuracy.seeds_table(view.evaluation)
    assert frame.groupby("row").size().to_dict() == {
        LABELS[one]: 1 if one in {RowName.POPULAR, RowName.MARKOV} else 5 for one in SHOWN
    }
    assert frame["HR@10"].iloc[0] == 100 * fixtures.evaluation().rows[0].seeds[0][Metric.HR10]


def test_axes_of_perplexities_say_that_lower_is_better_and_sizes_count_sentences() -> None:
    report = fixtures.evaluation(task="language")
    for metric in METRICS["language"]:
        charts = (accuracy.seeds_chart(report, metric), accuracy.curve_chart(fixtures.curves(report), metric, report))
        titles = (charts[0].figure.layout.xaxis.title.text, charts[1].figure.layout.yaxis.title.text)
        assert all(("lower is better" in one) == metric.lower_is_better for one in titles)
    assert "6 synthetic sentences of 5 tokens each, 10.00% of the 60 training sentences" in accuracy.sizes(
        report, SyntheticConfig(mu=6, xi=5)
    )
