"""The Accuracy page in every state a run can be in, and that its sentences are those of the table."""

from pathlib import Path

import fixtures
import pytest
from apptest import assert_healthy, open_page, words
from manysizes import make_diverged_run, make_runs, read, sized
from several import add_forms, add_others

from farzi_core.evaluation.report import METRICS, Metric, RowName
from farzi_core.presets import PRESETS
from farzi_core.runs.locks import run_locked
from farzi_core.runs.manifest import RunState
from farzi_core.runs.store import Store
from farzi_core.views import (
    accuracy,
    frontier,
    frontier_chart,
    intervals,
    load,
    matrix,
    points,
    settings,
    splits,
    splits_chart,
)
from farzi_core.views.progress import METRIC_LABELS

PAGE = "accuracy.py"


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
    run = fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE)
    report = fixtures.evaluation()
    assert accuracy.sizes(report, load.RunView(run).config.synthetic) in words(at)
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


def test_every_form_of_the_data_stands_in_the_table(farzi_home: Path) -> None:
    report = add_forms(fixtures.make_finished_run(farzi_home))
    at = open_page(PAGE)
    assert_healthy(at)
    shown = at.dataframe[0].value
    assert shown["row"].tolist()[:4] == ["Full data", "Distilled", "Distilled, argmax", "Distilled, sampled"]
    assert shown["sequences"].tolist()[1:4] == [6, 6, 24]
    assert shown["percent_of_full"].tolist()[2] == report.rows[2].percent_of_full[Metric.HR10]
    assert "Distilled is better than Distilled, sampled" in words(at)
    assert "Distilled, argmax: the most probable item of every position" in words(at)


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


class TestFrontier:
    def test_without_runs_it_says_what_to_do_next(self) -> None:
        at = open_page(PAGE, view="frontier")
        assert_healthy(at)
        assert "Nothing distilled yet" in words(at)

    def test_of_one_run_shows_it_and_the_command_for_more(self, farzi_home: Path) -> None:
        config = sized(6, 5, outer__steps=7)
        fixtures.make_finished_run(farzi_home, config=config)
        at = open_page(PAGE, view="frontier")
        assert_healthy(at)
        assert "one size so far" in words(at)
        assert settings.frontier_command(config, PRESETS["demo"].config, fixtures.SEQUENCES) in words(at)
        assert len(at.get("plotly_chart")) == 2
        assert "never pays in time" in words(at)

    @pytest.fixture
    def many(self, farzi_home: Path) -> list[points.Result]:
        plan = [sized(3, 5), sized(6, 5), sized(6, 5, seed=1), sized(6, 5, outer__steps=7)]
        for number, config in enumerate(plan, start=1):
            fixtures.make_finished_run(farzi_home, number=number, config=config)
        return [points.result(Store().open(f"r-{number:016x}")) for number in range(1, 5)]

    def test_of_many_runs_says_what_the_figure_says(self, many: list[points.Result]) -> None:
        at = open_page(PAGE, view="frontier", run=many[0].run_id, metric="AUC")
        assert_healthy(at)
        runs = frontier.frontier(many[0], many)
        for sentence in frontier.reading(runs, Metric.AUC):
            assert sentence in words(at)
        assert "3 runs whose settings differ only" in words(at)
        lines = frontier.lines(runs, Metric.AUC)
        assert at.dataframe[0].value["mean"].tolist() == [one.mean for one in lines]
        assert frontier_chart.chart(runs, Metric.AUC).alt in str(at.get("plotly_chart")[0].proto)

    def test_size_and_other_settings_can_be_linked_to(self, many: list[points.Result]) -> None:
        at = open_page(PAGE, view="frontier", run=many[0].run_id, size="Sequences", others="true")
        assert_healthy(at)
        figure = str(at.get("plotly_chart")[0].proto)
        assert "Training sequences (log scale)" in figure
        assert "Distilled, other settings (n = 1 run)" in figure

    def test_picked_runs_stand_side_by_side_and_in_the_address(self, many: list[points.Result]) -> None:
        ids = [one.run_id for one in many]
        at = open_page(PAGE, view="frontier", run=ids[0], compare=f"{ids[1]},{ids[3]},r-gone")
        assert_healthy(at)
        assert at.multiselect[0].value == [ids[1]], "the fourth has other settings, the last is not there"
        assert at.dataframe[1].value["Run"].tolist() == [many[1].label]
        at.multiselect[0].set_value([ids[0], ids[2]]).run()
        assert at.query_params["compare"] == f"{ids[0]},{ids[2]}"
        assert at.dataframe[1].value["Run"].tolist() == [many[0].label, many[2].label]

    def test_runs_that_wait_or_cannot_be_read_are_said_to(self, farzi_home: Path, many: list[points.Result]) -> None:
        (farzi_home / "runs" / many[2].run_id / load.EVALUATION).write_bytes(b"{}")
        make_diverged_run(farzi_home, 8, sized(24, 5), many[0].data)
        waiting = fixtures.make_finished_run(farzi_home, number=9, config=sized(12, 5), state=RunState.RUNNING)
        with run_locked(waiting):
            at = open_page(PAGE, view="frontier", run=many[0].run_id)
        assert_healthy(at)
        assert "1 run on these data queued or at work" in words(at)
        assert f"cannot be read: {many[2].run_id}" in words(at)
        assert "2 runs whose settings differ only" in words(at)
        assert "1 diverged run left out" in words(at)


class TestTransfer:
    def test_cells_are_those_of_the_view_and_the_command_fills_the_rest(self, farzi_home: Path) -> None:
        taught = sized(6, 5, model__kind="gru4rec", evaluation__students=["sasrec"])
        folders = [
            fixtures.make_finished_run(farzi_home, number=number, config=config)
            for number, config in enumerate([sized(6, 5), sized(6, 5, seed=1), taught, sized(12, 5)], start=1)
        ]
        add_others(folders[0])
        at = open_page(PAGE, view="transfer", run=folders[0].name)
        assert_healthy(at)
        found = [points.result(Store().open(folder.name)) for folder in folders]
        runs = matrix.comparable(found[0], found)
        assert len(runs) == 3
        cells = matrix.cells(runs, Metric.HR10)
        assert [(one.teacher, one.student) for one in cells] == [
            ("SASRec", "SASRec"), ("SASRec", "GRU4Rec"), ("GRU4Rec", "SASRec"),
        ]  # fmt: skip
        assert at.dataframe[0].value["percent_of_full"].tolist() == [one.percent_of_full for one in cells]
        assert matrix.chart(runs, Metric.HR10).alt in str(at.get("plotly_chart")[0].proto)
        assert settings.transfer_command(sized(6, 5), PRESETS["demo"].config) in words(at)

    def test_of_a_text_shows_its_metrics(self, farzi_home: Path) -> None:
        fixtures.make_finished_run(farzi_home, task="language")
        for view in ("transfer", "frontier"):
            at = open_page(PAGE, view=view, metric="PPL")
            assert_healthy(at)
            assert "PPL" in str(at.get("plotly_chart")[0].proto)


class TestSplits:
    def test_without_runs_it_says_what_to_do_next(self) -> None:
        at = open_page(PAGE, view="splits")
        assert_healthy(at)
        assert "Nothing distilled yet" in words(at)

    def test_of_one_split_shows_it_and_the_command_for_more(self, farzi_home: Path) -> None:
        config = sized(6, 5)
        fixtures.make_finished_run(farzi_home, config=config)
        at = open_page(PAGE, view="splits")
        assert_healthy(at)
        assert "There is one split so far" in words(at)
        assert settings.splits_command(config, PRESETS["demo"].config) in words(at)
        assert "One split says nothing about other splits" in words(at)

    @pytest.fixture
    def many(self, farzi_home: Path) -> list[points.Result]:
        plan = [sized(6, 5), sized(6, 5, data__seed=1), sized(6, 5, data__seed=2), sized(12, 5, data__seed=3)]
        return read(make_runs(farzi_home, plan))

    def test_of_many_says_what_the_view_says(self, many: list[points.Result]) -> None:
        at = open_page(PAGE, view="splits", run=many[1].run_id, metric="AUC")
        assert_healthy(at)
        runs = splits.comparable(many[1], many)
        assert len(runs) == 3
        for sentence in splits.reading(runs, Metric.AUC):
            assert sentence in words(at)
        averages = splits.averages(runs, Metric.AUC)
        assert at.dataframe[0].value["percent_of_full"].tolist() == [one.percent_of_full for one in averages]
        assert at.dataframe[0].value["splits"].tolist() == [3] * len(averages)
        assert splits_chart.chart(runs, Metric.AUC).alt in str(at.get("plotly_chart")[0].proto)
        assert "split of their own" not in words(at)

    def test_picked_runs_are_told_apart_by_their_split(self, many: list[points.Result]) -> None:
        at = open_page(PAGE, view="splits", run=many[0].run_id, compare=f"{many[0].run_id},{many[2].run_id}")
        assert_healthy(at)
        labels = at.dataframe[1].value["Run"].tolist()
        assert labels == [many[0].label, many[2].label]
        assert "split 2" in labels[1]

    def test_runs_that_diverged_and_data_with_their_own_split_are_said(
        self, farzi_home: Path, many: list[points.Result]
    ) -> None:
        about = (farzi_home / "runs" / many[0].run_id / load.DATASET).read_bytes()
        fixtures.make_finished_run(farzi_home, number=8, config=sized(6, 5, data__seed=8), more={load.DATASET: about})
        make_diverged_run(farzi_home, 9, sized(6, 5, data__seed=9), "another digest")
        at = open_page(PAGE, view="splits", run=many[0].run_id)
        assert_healthy(at)
        assert "1 diverged run left out" in words(at)
        assert "split of their own" in words(at)
        assert at.dataframe[0].value["splits"].tolist()[0] == 3

    def test_of_a_text_shows_its_metrics(self, farzi_home: Path) -> None:
        fixtures.make_finished_run(farzi_home, task="language")
        at = open_page(PAGE, view="splits", metric="PPL")
        assert_healthy(at)
        assert "PPL, % of the same split" in str(at.get("plotly_chart")[0].proto)


def test_tables_of_several_runs_have_intervals(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home)
    report = add_others(folder)  # percentages reach 2 points to either side
    percent = report.rows[1].percent_of_full[Metric.HR10]
    for view in ("frontier", "transfer"):
        at = open_page(PAGE, view=view)
        assert_healthy(at)
        assert f"[{percent - 2:.1f}, {percent + 2:.1f}]" in at.dataframe[0].value["interval"].tolist()
        assert intervals.RUNS_MEANING in words(at)


def test_a_view_that_is_not_there_is_said_to_be(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, view="nothing")
    assert_healthy(at)
    assert "is not here" in words(at)
    assert "Final table" in words(at)
