"""The quality benchmarks take the settings that they write down, and compare objectives at equal time."""

import json
from pathlib import Path
from typing import Any

import pytest
from small import SETTINGS

from benchmarks.quality import grid, levers, noise, objectives, teachers
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare


def test_equal_time_is_counted_from_the_steps_that_were_taken() -> None:
    whole = {"steps": 90, "taken": 90, "seconds": 30.0}
    assert objectives.steps_in(60.0, whole) == 180
    assert objectives.steps_in(60.0, {**whole, "taken": 45}) == 90, "diverged half way: twice the seconds a step"
    assert objectives.steps_in(60.0, {**whole, "taken": 0, "seconds": 0.0}) == 90, "it never took a step"


@pytest.mark.parametrize(("script", "more"), [(teachers, ["--vary", "teacher.lr=.01"]), (objectives, [])])
def test_the_settings_written_down_are_those_of_the_data(
    script: Any, more: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The source itself, and of a text its tokeniser and blocks."""
    asked: list[RunConfig] = []

    def heard(config: RunConfig, _: object) -> Dataset:
        asked.append(config)
        raise KeyboardInterrupt

    monkeypatch.setattr(script, "load", heard)
    words = [
        "--data",
        "python-docs",
        "--preset",
        "demo-text",
        "--set",
        "data.block=12",
        "data.tokeniser=characters",
        *more,
    ]
    monkeypatch.setattr("sys.argv", ["script", *words])
    with pytest.raises(KeyboardInterrupt):
        script.main()
    assert (asked[0].data.source, asked[0].data.block, asked[0].data.tokeniser) == ("python-docs", 12, "characters")
    assert script is teachers or not asked[0].teaches, "a preset whose labels are taught is compared without teachers"


def test_a_grid_has_every_combination_the_last_setting_fastest() -> None:
    found = grid.combinations(["model.hidden=16,32", "model.layers=1,2"])
    assert found == [
        ["model.hidden=16", "model.layers=1"], ["model.hidden=16", "model.layers=2"],
        ["model.hidden=32", "model.layers=1"], ["model.hidden=32", "model.layers=2"],
    ]  # fmt: skip


def test_grids_of_two_presets_have_files_of_their_own() -> None:
    names = [grid.named("levers", "Python docs", preset, ["inner.lr=.1,.2"]) for preset in ("demo-text", "paper-ptb")]
    assert names == ["levers-python-docs-demo-text-inner-lr.json", "levers-python-docs-paper-ptb-inner-lr.json"]


@pytest.mark.parametrize("script", [levers, teachers])
def test_every_kept_grid_is_named_by_what_it_says(script: Any) -> None:
    kept = sorted(grid.HERE.glob(f"{script.KIND}-*.json"))
    assert kept
    for path in kept:
        said = json.loads(path.read_text(encoding="utf-8"))
        assert path.name == grid.named(
            script.KIND, said["data"]["name"], said["preset"], [*said["fixed"], *said["rows"][0]["settings"]]
        )


@pytest.mark.parametrize(("script", "option"), [(levers, "--lever"), (teachers, "--vary")])
def test_settings_that_would_change_nothing_are_refused(
    script: Any, option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["script", option, "data.max_items=100,500"])
    with pytest.raises(SystemExit):
        script.main()
    assert "data.max_items: the data are read once" in capsys.readouterr().err


def test_levers_measure_a_taught_start() -> None:
    """With teachers that are trained for it: students on it are better before any outer step."""
    data = prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)
    own = {**SETTINGS, "synthetic.labels": "own", "objective.teachers": 2, "teacher.epochs": 3, "validation.steps": 200}
    plain, taught = (
        levers.measure(with_settings(RunConfig(), {**own, "synthetic.start_labels": start}), data, 2)
        for start in ("next", "taught")
    )
    assert taught["mean"]["hr@10"] > plain["mean"]["hr@10"]


def test_noise_has_a_row_for_every_window_of_a_life() -> None:
    data = prepare(read_planted(PlantedSettings(sequences=200)), max_items=20)
    small = {
        "model.hidden": 8, "synthetic.mu": 8, "synthetic.xi": 5, "synthetic.d": 4, "synthetic.start_steps": 3,
        "inner.steps": 3, "inner.lifetime": 8, "outer.batch": 32, "teacher.trajectories": 0,
    }  # fmt: skip
    rows = noise.measure(with_settings(RunConfig(), small), data, 2)
    assert [row["age"] for row in rows] == [0, 3]
    assert rows[-1]["mean_to_oldest"] == pytest.approx(1)
    assert all(row["norm"] > 0 and -1 <= row["between_two"] <= 1 for row in rows)
