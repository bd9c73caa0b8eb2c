"""docs/results.md says what was kept, and every kept table and study has its picture."""

import pytest

from benchmarks.quality import studies, tables
from farzi_core.evaluation.report import Metric

FIGURES = {"mean": 0.4375, "low": 0.4, "high": 0.475, "percent_of_full": 87.5}
ENVIRONMENT = {"threads": 2, "device_name": "a CPU", "versions": {"torch": "2.13.0"}}
STUDY = {"command": "python -m farzi_core ...", "environment": ENVIRONMENT, "finished": 4, "dataset": "planted"}


def test_the_page_is_written_from_what_was_kept() -> None:
    assert tables.PAGE.read_text(encoding="utf-8") == tables.page()


@pytest.mark.parametrize(
    ("folder", "names"),
    [(tables.TABLES, [name for name, _ in tables.kept()]), (studies.STUDIES, [name for name, _ in studies.kept()])],
    ids=["tables", "studies"],
)
def test_there_is_a_picture_of_everything_kept(folder: tables.Path, names: list[str]) -> None:
    assert names
    assert sorted(path.stem for path in folder.glob("*.png")) == names


def test_a_frontier_by_hand() -> None:
    full = {"row": "full", "mu": 0, "xi": 0, "numbers": 9000.0, "metrics": {"hr@10": FIGURES}}
    point = {"row": "distilled", "mu": 50, "xi": 5, "numbers": 1234.0, "metrics": {"hr@10": FIGURES}}
    cost = [
        {"size": "50 × 5", "distil": 60.4, "distilled": 0.5, "full": 8.5, "payoff": 8},
        {"size": "100 × 5", "distil": 90.0, "distilled": 9.0, "full": 8.5, "payoff": None},
    ]
    page = studies.section("frontier-x", {**STUDY, "kind": "frontier", "points": [full, point], "cost": cost})
    assert studies.metrics({"points": [full]}) == [Metric.HR10]
    cell = "43.8 %<br>87.5 %<br>40.0 % to 47.5 %"
    assert f"| Full data | all | 9,000 | {cell} |" in page
    assert f"| Distilled | 50 × 5 | 1,234 | {cell} |" in page
    assert "50 × 5: 60 s of distillation, 0.5 s a student against 8.5 s on full data, paid after 8 trainings." in page
    assert page.count("never paid in time.") == 1
    assert "4 runs on 2 threads of a CPU" in page


def test_a_transfer_matrix_by_hand() -> None:
    cells = [{"teacher": "SASRec", "student": "FMLP", "metrics": {"hr@10": FIGURES}}]
    page = studies.section("transfer-x", {**STUDY, "kind": "transfer", "cells": cells})
    assert "| SASRec | FMLP | 43.8 %<br>87.5 %<br>40.0 % to 47.5 % |" in page
    assert "![transfer-x](../benchmarks/quality/studies/transfer-x.png)" in page
