"""The Accuracy page in every state a run can be in, and that its sentences are those of the table."""

from pathlib import Path

import fixtures
import pytest
from apptest import assert_healthy, open_page, words
from several import add_others

from farzi_core.evaluation.report import METRICS, Metric, RowName
from farzi_core.runs.locks import run_locked
from farzi_core.runs.manifest import RunState
from farzi_core.views import accuracy, load
from farzi_core.views.progress import METRIC_LABELS

PAGE = "accuracy.py"


def test_without_runs_it_says_what_to_do_next() -> None:
    at = open_page(PAGE)
    assert_healthy(at)
    assert "Nothing distilled yet" in words(at)


def test_while_a_run_works_it_points_to_the_live_view(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home, state=RunState.RUNNING)
    with run_locked(folder):
        at = open_page(PAGE)
    assert_healthy(at)
    assert "Still at work" in words(at)


def test_a_failed_run_is_said_to_have_no_result(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, state=RunState.FAILED)
    at = open_page(PAGE)
    assert_healthy(at)
    assert "This run has no result here" in words(at)


@pytest.mark.parametrize("metric", METRICS["recommendation"])
def test_every_metric_can_be_linked_to(farzi_home: Path, metric: Metric) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, metric=METRIC_LABELS[metric])
    assert_healthy(at)
    report = fixtures.evaluation()
    for sentence in accuracy.reading(report, metric):
        assert sentence in words(at)
    shown = at.dataframe[0].value
    assert shown["mean"].tolist() == [100 * row.mean[metric] for row in report.rows]
    assert shown["percent_of_full"].iloc[1] == report.rows[1].percent_of_full[metric]


@pytest.mark.parametrize("metric", METRICS["language"])
def test_a_text_has_its_own_metrics(farzi_home: Path, metric: Metric) -> None:
    fixtures.make_finished_run(farzi_home, task="language")
    at = open_page(PAGE, metric=METRIC_LABELS[metric])
    assert_healthy(at)
    assert at.radio(key="metric").options == [METRIC_LABELS[one] for one in METRICS["language"]]
    for sentence in accuracy.reading(fixtures.evaluation(task="language"), metric):
        assert sentence in words(at)


@pytest.mark.parametrize("page", ["sequences.py", "factors.py", "runs.py", "home.py"])
def test_other_pages_show_a_run_on_text(farzi_home: Path, page: str) -> None:
    first = fixtures.make_finished_run(farzi_home, task="language")
    second = fixtures.make_finished_run(farzi_home, number=2)
    assert_healthy(open_page(page, run=first.name))
    assert_healthy(open_page(page, compare=f"{first.name},{second.name}"))


def test_sizes_protocol_and_students_stand_beside_the_figures(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE)
    report = fixtures.evaluation()
    assert accuracy.sizes(report, 6, 5) in words(at)
    assert accuracy.protocol(report) in words(at)
    assert len(at.dataframe[1].value) == sum(len(row.seeds) for row in report.rows)
    assert len(at.get("plotly_chart")) == 2
    assert len(at.get("download_button")) == 3


def test_other_architectures_have_a_figure_and_a_table_of_their_own(farzi_home: Path) -> None:
    report = add_others(fixtures.make_finished_run(farzi_home))
    at = open_page(PAGE)
    assert_healthy(at)
    assert "Other architectures" in words(at)
    shown = at.dataframe[2].value
    assert shown["student"].tolist() == ["SASRec", "GRU4Rec"]
    gru4rec = report.others[0].row(RowName.DISTILLED)
    assert gru4rec is not None
    assert shown["distilled"].iloc[1] == 100 * gru4rec.mean[Metric.HR10]
    assert len(at.get("plotly_chart")) == 3


def test_without_curves_the_table_is_still_shown(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, without=[load.CURVES])
    at = open_page(PAGE)
    assert_healthy(at)
    assert len(at.get("plotly_chart")) == 1
    assert len(at.get("download_button")) == 2


def test_a_run_stopped_before_its_evaluation_says_so(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, state=RunState.STOPPED, result=True, without=[load.EVALUATION])
    at = open_page(PAGE)
    assert_healthy(at)
    assert "This run has no result here" in words(at)


def test_planted_truth_is_shown_where_a_run_has_it(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, more={load.RECOVERY: fixtures.RECOVERED.model_dump_json().encode()})
    at = open_page(PAGE)
    assert_healthy(at)
    assert "the best possible HR@10 is known: 80.0%" in words(at)
