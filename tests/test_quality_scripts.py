"""The quality benchmarks take the settings that they write down, and compare objectives at equal time."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.quality import grid, levers, objectives, teachers
from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset


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


def test_a_grid_has_every_combination_the_last_setting_fastest() -> None:
    found = grid.combinations(["model.hidden=16,32", "model.layers=1,2"])
    assert found == [
        ["model.hidden=16", "model.layers=1"], ["model.hidden=16", "model.layers=2"],
        ["model.hidden=32", "model.layers=1"], ["model.hidden=32", "model.layers=2"],
    ]  # fmt: skip


def test_a_lever_that_would_change_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["levers", "--lever", "data.max_items=100,500"])
    with pytest.raises(SystemExit):
        levers.main()
    assert "--lever data.max_items: the data are read once" in capsys.readouterr().err
