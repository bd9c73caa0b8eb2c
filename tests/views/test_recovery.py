"""What is said about planted truth, and that runs without it open as before."""

import fixtures
import pytest

from farzi_core.errors import StoreError
from farzi_core.evaluation.report import Metric, RowName
from farzi_core.views import recovery
from farzi_core.views.load import RECOVERY, RunView

FOUND = fixtures.RECOVERED


def test_heat_map_has_the_counts_and_words() -> None:
    chart = recovery.heat_map(FOUND)
    assert chart.figure.data[0].z.tolist() == [[7, 1], [0, 4]]
    assert "11 of 12 items" in chart.alt
    assert "0.62" in recovery.groups_sentence(FOUND)
    assert "<b>" not in str(chart.figure.to_plotly_json())


def test_share_of_the_best_possible() -> None:
    report = fixtures.evaluation()
    distilled = report.row(RowName.DISTILLED)
    assert distilled is not None
    said = recovery.best_sentence(FOUND, report, Metric.HR10)
    assert "80.0%" in said
    assert f"distilled data {distilled.mean[Metric.HR10] / 0.8:.1%}" in said
    assert recovery.best_sentence(FOUND, report, Metric.AUC) == ""


def test_older_runs_have_none(view: RunView) -> None:
    assert not view.has(RECOVERY)
    with pytest.raises(StoreError, match="does not exist"):
        view.recovery
