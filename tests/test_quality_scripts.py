"""The quality benchmarks take the settings that they write down, and compare objectives at equal time."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.quality import levers, objectives, teachers
from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset


def test_equal_time_is_counted_from_the_steps_that_were_taken() -> None:
    whole = {"steps": 90, "taken": 90, "seconds": 30.0}
    assert objectives.steps_in(60.0, whole) == 180
    assert objectives.steps_in(60.0, {**whole, "taken": 45}) == 90, "diverged half way: twice the seconds a step"
    assert objectives.steps_in(60.0, {**whole, "taken": 0, "seconds": 0.0}) == 90, "it never took a step"


@pytest.mark.parametrize("script", [teachers, objectives])
def test_the_settings_written_down_are_those_of_the_data(
    script: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The source itself, and of a text its tokeniser and blocks."""
    asked: list[RunConfig] = []

    def heard(config: RunConfig, _: object) -> Dataset:
        asked.append(config)
        raise KeyboardInterrupt

    monkeypatch.setattr(script, "load", heard)
    words = ["--data", "python-docs", "--preset", "demo-text", "--set", "data.block=12", "data.tokeniser=characters"]
    monkeypatch.setattr("sys.argv", ["script", *words])
    with pytest.raises(KeyboardInterrupt):
        script.main()
    assert (asked[0].data.source, asked[0].data.block, asked[0].data.tokeniser) == ("python-docs", 12, "characters")


def test_levers_of_two_presets_have_files_of_their_own() -> None:
    names = [levers.named("Python docs", preset, ["inner.lr"]) for preset in ("demo", "demo-text", "standard-text")]
    assert names[:2] == ["levers-python-docs-inner-lr.json", "levers-python-docs-demo-text-inner-lr.json"]
    assert len(set(names)) == 3


def test_every_kept_screening_of_levers_is_named_by_what_it_says() -> None:
    kept = sorted(Path(levers.__file__).parent.glob("levers-*.json"))
    assert kept
    for path in kept:
        said = json.loads(path.read_text(encoding="utf-8"))
        varied = [one.partition("=")[0] for one in said["rows"][0]["settings"]]
        assert path.name == levers.named(said["data"]["name"], said["preset"], varied)


def test_a_lever_that_would_change_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["levers", "--lever", "data.max_items=100,500"])
    with pytest.raises(SystemExit):
        levers.main()
    assert "--lever data.max_items: the data are read once" in capsys.readouterr().err
