"""The same synthetic data in several forms: in figures, in the frontier, in the report and on the card."""

from pathlib import Path

import fixtures
import pytest
from several import add_forms, with_forms

from farzi_core.evaluation.report import FORM_ROWS, LABELS, Metric, RowName, shown
from farzi_core.runs.run import Run
from farzi_core.views import accuracy, frontier, points, report_html
from farzi_core.views.load import RunView
from farzi_core.views.package import Package
from farzi_core.views.standing import standing

REPORT = with_forms(fixtures.evaluation())
HARD = [LABELS[RowName.ARGMAX], LABELS[RowName.SAMPLED]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = fixtures.make_finished_run(tmp_path)
    add_forms(made)
    return made


def test_each_form_is_drawn_and_compared_with_the_soft_one() -> None:
    chart = accuracy.seeds_chart(REPORT, Metric.HR10)
    for name in (RowName.ARGMAX, RowName.SAMPLED):
        row = REPORT.row(name)
        assert row is not None
        assert f"{LABELS[name]} {shown(Metric.HR10, row.mean[Metric.HR10])}" in chart.alt
    compared = [one for one in accuracy.reading(REPORT, Metric.HR10) if any(form in one for form in HARD)]
    assert [one.partition(":")[0] for one in compared] == [f"Distilled is better than {form}" for form in HARD]


def test_in_the_frontier_hard_forms_weigh_their_items_and_belong_to_their_method(folder: Path) -> None:
    one = points.result(Run(folder))
    groups = {group.row: group for group in points.spread(points.students([one], "sasrec", Metric.AUC))}
    assert [groups[name].method for name in FORM_ROWS.values()] == ["SASRec"] * 3
    assert [groups[name].numbers for name in FORM_ROWS.values()] == [REPORT.stored_numbers, 30, 120]
    lines = {line.row: line for line in frontier.lines(frontier.frontier(one, [one]), Metric.AUC)}
    assert lines["distilled_sampled"].mean == pytest.approx(0.6 * lines["distilled"].mean)


def test_the_report_and_the_card_have_every_form(folder: Path) -> None:
    view = RunView(folder)
    page = report_html.report(view, "A run", fixtures.events()).decode()
    assert all(f"<td>{form}</td>" in page for form in HARD)
    card = (Package.of_run(view).save(folder.parent / "out") / "README.md").read_text(encoding="utf-8")
    row = REPORT.row(RowName.SAMPLED)
    assert row is not None
    around = row.interval[Metric.HR10]
    value, low, high = (100 * one for one in (row.mean[Metric.HR10], around.low, around.high))
    assert f"- sampled (24 sequences): HR@10 {value:.2f} [{low:.2f}, {high:.2f}] %" in card
    assert f"| {HARD[1]} (SASRec) | 24 |" in card


def test_what_is_said_of_a_table_counts_no_form_as_a_rival() -> None:
    assert standing(REPORT) == standing(fixtures.evaluation())
