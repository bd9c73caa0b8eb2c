"""Progress in words, the list of runs, the comparison."""

from datetime import UTC, datetime, timedelta

import fixtures
import pandas as pd
import pytest

from farzi_core.data import library
from farzi_core.data.tables import table_of
from farzi_core.evaluation.report import METRICS, Metric, RowName
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import RunSummary
from farzi_core.views import compare, runs
from farzi_core.views.progress import METRIC_LABELS

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def steps(*done: int, start: float = 0.0, each: float = 2.0) -> list[dict[str, object]]:
    """Outer steps of a run of 100, `each` seconds apart."""
    return [
        {"event": "step", "step": one, "steps": 100, "elapsed": start + each * place} for place, one in enumerate(done)
    ]


STAGE = {"event": "stage", "stage": "distil", "message": "Fitting the start", "elapsed": 0.0}


def test_before_anything_happened_it_waits() -> None:
    found = runs.progress([])
    assert (found.sentence, found.fraction, found.seconds_left) == ("Waiting for the first step", 0.0, None)


def test_a_stage_that_counts_nothing_yet_shows_its_own_message() -> None:
    assert runs.progress([STAGE]).sentence == "Fitting the start (stage 3 of 5)"


def test_time_left_is_steps_left_times_seconds_a_step() -> None:
    found = runs.progress([STAGE, *steps(1, 2, 3, 4)])
    assert found.seconds_left == 96 * 2.0
    assert found.sentence == "Distilling (stage 3 of 5) · 4 of 100 · about 3 min 12 s left in this stage"
    assert found.percent == "4 % Distilling"


def test_speed_is_that_of_recent_steps() -> None:
    slow, fast = steps(*range(1, 11), each=100.0), steps(*range(11, 51), start=1000.0, each=1.0)
    assert runs.progress([STAGE, *slow, *fast]).seconds_left == 50.0


def test_a_resume_is_timed_afresh() -> None:
    again = {"event": "attempt", "attempt": 2, "elapsed": 500.0}
    found = runs.progress([STAGE, *steps(1, 2, each=250.0), again, *steps(3, 4, start=500.0)])
    assert found.seconds_left == 96 * 2.0


def test_a_stage_is_never_shown_as_complete_while_it_works() -> None:
    assert runs.progress([STAGE, *steps(99, 100)]).fraction == 0.99


def test_the_best_is_the_snapshot_that_is_kept_not_the_last() -> None:
    lines = [
        {"event": "validation", "hr@10": value, "best": best}
        for value, best in ((0.3, True), (0.5, True), (0.4, False))
    ]
    assert runs.best(lines) == 0.5
    assert runs.best([*lines, {"event": "average", "hr@10": 0.6, "best": True}]) == 0.6
    assert runs.best([]) is None


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=9), "9 days ago"),
    ],
)
def test_ages_in_words(passed: timedelta, said: str) -> None:
    assert runs.age(NOW - passed, NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7320, "2 h 2 min")]
)
def test_durations_in_words(seconds: float, said: str) -> None:
    assert runs.duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (3e6, "3 MB"), (2.5e9, "2.5 GB")]
)
def test_sizes_in_words(count: float, said: str) -> None:
    assert runs.size(count) == said


def test_the_list_has_one_row_a_run_also_for_a_damaged_one() -> None:
    done = RunSummary("r-1", RunState.DONE, name="a\u202eb", source="planted", steps=100, step=90, created=NOW)
    working = RunSummary("r-2", RunState.RUNNING, source="planted", preset="demo", steps=100, step=25)
    damaged = RunSummary("r-3", RunState.DAMAGED, "cannot be read")
    frame = runs.table([done, working, damaged], {"r-1": 0.5, "r-2": None}, {"r-1": 2_000_000})
    assert frame["Steps"].tolist() == [100.0, 25.0, 0.0]
    assert frame["Name"].tolist() == ["a\ufffdb", "planted, demo", "r-3"]
    assert frame["Best"].isna().tolist() == [False, True, True]
    assert frame["MB"].tolist() == [2.0, 0.0, 0.0]


def test_runs_on_imported_data_show_the_name_that_a_person_gave_it() -> None:
    items = pd.DataFrame({"item": ["a", "b"], "title": ["", ""], "group": ["", ""]})
    events = table_of("my\u202eshop", "test", ["ann", "ann", "bob"], ["a", "b", "a"], items, licence="none")
    source = library.IMPORTED + library.add(events)
    run = RunSummary("r-1", RunState.DONE, source=source, preset="demo", created=NOW)
    assert runs.title(run) == "my\u202eshop, demo"
    assert "data: my\ufffdshop" in runs.facts(run, {})
    assert runs.table([run], {}, {})["Data"].tolist() == ["my\ufffdshop"]
    library.remove(source.removeprefix(library.IMPORTED))
    assert runs.title(run) == f"{source}, demo"


def test_the_final_table_repeats_each_report() -> None:
    reports = {"first": fixtures.evaluation(1), "second": fixtures.evaluation(2)}
    frame = compare.final_table(reports).set_index("Run")
    for label, report in reports.items():
        row = report.row(RowName.DISTILLED)
        assert row
        for metric in METRICS["recommendation"]:
            by_hand = 100 * sum(one[metric] for one in row.seeds) / len(row.seeds)
            assert frame.loc[label, f"{METRIC_LABELS[metric]} (%)"] == pytest.approx(by_hand)


def test_curves_of_several_runs_differ_in_more_than_colour() -> None:
    chart = compare.curves({"one": fixtures.events(1), "<b>two</b>": fixtures.events(2), "empty": []}, Metric.HR10)
    assert chart
    one, two = chart.figure.data
    assert (one.line.dash, one.marker.symbol) != (two.line.dash, two.marker.symbol)
    assert "<b>" not in two.name
    assert list(one.y) == pytest.approx([50.0, 60.0])
    assert "Outer step" in chart.figure.layout.xaxis.title.text
    assert "HR@10" in chart.alt


def test_runs_without_a_validation_give_no_chart() -> None:
    assert compare.curves({"empty": []}, Metric.HR10) is None
