"""docs/results.md says what was kept, and every kept table and study has its picture."""

import json
import shlex
import subprocess

import pytest
from fixtures.report import evaluation

from benchmarks.quality import objectives_page, studies, tables
from farzi_core.commands.result import sizes
from farzi_core.commands.settings import configured
from farzi_core.config import RunConfig, parse_config, with_settings
from farzi_core.evaluation.report import LABELS, Evaluation, Metric, StudentTable
from farzi_core.presets import PRESETS
from farzi_core.views import intervals

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
    assert sorted(path.stem for path in folder.glob("*.png")) == sorted(names)


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
    assert "4 runs on a CPU, 2 threads, torch" in page


def test_a_transfer_matrix_by_hand() -> None:
    cells = [{"teacher": "SASRec", "student": "FMLP", "metrics": {"hr@10": FIGURES}}]
    page = studies.section("transfer-x", {**STUDY, "kind": "transfer", "cells": cells})
    assert "| SASRec | FMLP | 43.8 %<br>87.5 %<br>40.0 % to 47.5 % |" in page
    assert "![transfer-x](../benchmarks/quality/studies/transfer-x.png)" in page


def test_a_percentage_has_its_interval_where_the_study_kept_one() -> None:
    cells = [
        {
            "teacher": "SASRec",
            "student": "FMLP",
            "metrics": {"hr@10": {**FIGURES, "percent_low": low, "percent_high": high}},
        }
        for low, high in ((80.04, 95.0), (None, None))
    ]
    page = studies.section("transfer-x", {**STUDY, "kind": "transfer", "cells": cells})
    assert "| 43.8 %<br>87.5 % [80.0, 95.0]<br>40.0 % to 47.5 % |" in page
    assert "| 43.8 %<br>87.5 %<br>40.0 % to 47.5 % |" in page
    assert intervals.RUNS_MEANING in page
    assert intervals.RUNS_MEANING not in studies.section(
        "transfer-x", {**STUDY, "kind": "transfer", "cells": cells[1:]}
    )


def test_splits_by_hand() -> None:
    figures = {**FIGURES, "percent_low": 70.0, "percent_high": 105.0, "percents": [80.0, 95.0]}
    rows = [
        {"row": "full", "splits": [0, 3], "metrics": {"hr@10": {**figures, "percent_of_full": 100.0}}},
        {"row": "distilled", "splits": [0, 3], "metrics": {"hr@10": figures}},
    ]
    page = studies.section("splits-x", {**STUDY, "kind": "splits", "rows": rows})
    assert page.startswith("## Splits: planted")
    assert "| Full data | 0, 3 | 43.8 % |" in page
    assert "| Distilled | 0, 3 | 43.8 %<br>87.5 % [70.0, 105.0]<br>80.0 % to 95.0 % |" in page
    assert intervals.SPLITS_MEANING in page


@pytest.mark.parametrize("words", [["--detach"], []])
def test_a_study_without_figures_is_not_kept(
    words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: tables.Path
) -> None:
    """--detach prints no figures, even where all runs are done."""
    printed = json.dumps({"runs": [{"run_id": "r-1", "state": "done"}]})
    done = subprocess.CompletedProcess([], 0, stdout=printed)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    monkeypatch.setattr(studies, "find_run", lambda _: None)
    monkeypatch.setattr(studies, "STUDIES", tmp_path)
    with pytest.raises(SystemExit, match="without --detach"):
        studies.keep("frontier", "x", words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [name for name, _ in tables.kept()])
def test_the_command_of_a_kept_table_gives_its_settings(name: str) -> None:
    """Under the presets as they are now, not as they were when it was kept."""
    document = dict(tables.kept())[name]
    line = next(one for one in tables.section(name, document).splitlines() if one.startswith("python -m"))
    words = shlex.split(line)[4:]
    pairs = list(zip(words[::2], words[1::2], strict=True))
    found = {key: value for key, value in pairs if key != "--set"}
    settings = [value for key, value in pairs if key == "--set"]
    assert configured(None, found["--preset"], settings, found["--data"]) == parse_config(document["config"])


def kept_table(report: Evaluation) -> str:
    """The section of a made-up table."""
    document = {
        "data": "planted", "config": RunConfig().model_dump(mode="json"), "seconds": {"distil": 60.0},
        "sizes": sizes(report), "environment": ENVIRONMENT,
        "evaluation": report.model_dump(mode="json"),
    }  # fmt: skip
    return tables.section("x", document)


def test_every_row_of_a_table_has_its_interval_and_seconds() -> None:
    report = evaluation()
    page = kept_table(report)
    for row in report.rows:
        metric, around = Metric.HR10, row.interval[Metric.HR10]
        value = f"{100 * row.mean[metric]:.1f} % [{100 * around.low:.1f}, {100 * around.high:.1f}]"
        line = next(one for one in page.splitlines() if one.startswith(f"| {LABELS[row.name]} | {value}"))
        assert line.endswith(f"| {row.steps:.0f} | 1.2 |")


def test_a_table_says_what_differs_from_the_usual_protocol() -> None:
    report = evaluation()
    assert "items of the user's past stay in the ranking" in kept_table(report)
    other = report.model_copy(update={"masked_seen": True, "decays": (0.5, 1.0)})
    assert "items of the user's past are removed from the ranking" in kept_table(other)
    assert "trained with 0.5, 1 times the weight decay" in kept_table(other)


def test_a_table_has_all_architectures() -> None:
    report = evaluation()
    other = StudentTable(student="gru4rec", rows=report.rows[:2])
    page = kept_table(report.model_copy(update={"others": (other,)}))
    assert "| GRU4Rec, full data | " in page
    assert "| GRU4Rec, distilled | " in page


def test_the_unknown_word_is_no_tag_of_the_page() -> None:
    page = kept_table(evaluation(task="language"))
    assert r"Accuracy without \<unk>" in page


def test_objectives_by_hand() -> None:
    def row(objective: str, equal: str, seed: int, value: float, **more: object) -> dict[str, object]:
        found = {
            "seed": seed,
            "objective": objective,
            "optimizer": "adam",
            "equal": equal,
            "steps": 90,
            "seconds": 30.0,
        }
        return {**found, "metrics": {"hr@10": value}, **more}

    config = with_settings(PRESETS["demo"].config, {"data.source": "planted", "outer.lr": 0.5, "seed": 3})
    about = {"data": {"name": "Planted"}, "settings": config.model_dump(mode="json"), "sgd": {"inner.lr": 0.3}}
    rows = [
        *(row("full data", "-", seed, 0.5) for seed in (0, 1)),
        row("DC", "time", 0, 0.375),
        row("DC", "time", 1, 0.5, diverged=True),
    ]
    page = objectives_page.section("objectives-x", {"about": {**about, "device": "a CPU"}, "rows": rows})
    words = "--data planted --preset demo --seeds 2 --sgd-lr 0.3 --set outer.lr=0.5"
    assert f"python -m benchmarks.quality.objectives {words}\n" in page
    assert "| full data (n = 2) | adam | - | 50.0 %<br>100.0 %<br>50.0 % to 50.0 % | 90 | 30 |" in page
    assert "| DC (n = 2, 1 diverged) | adam | time | 43.8 %<br>87.5 %<br>37.5 % to 50.0 % | 90 | 30 |" in page
    assert "2 seeds on a CPU" in page


def test_the_page_has_every_comparison_of_objectives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objectives_page, "kept", lambda: iter([("objectives-x", {})]))
    monkeypatch.setattr(objectives_page, "section", lambda name, _: f"## {name}")
    assert "## objectives-x" in tables.page()
