"""A text in the browser: tiny Shakespeare is uploaded, a run on it started, and a distilled line read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from small import SETTINGS
from studio import Studio, Tab

from farzi_core.config import RunConfig, with_settings
from farzi_core.data import library
from farzi_core.presets import PRESETS
from farzi_core.runs import launcher
from farzi_core.runs.manifest import RunState
from farzi_core.views import reading, sequences
from farzi_core.views.load import RunView

MINUTE = 60_000  # ms


@pytest.mark.data
@pytest.mark.timeout(280)
def test_a_person_uploads_a_text_and_reads_what_was_distilled_from_it(
    studio: Studio, tab: Callable[..., Tab], real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARZI_HOME", str(studio.home))  # that of the server
    studio.start()
    one = tab()
    source = _import(one, real_data / "tinyshakespeare" / "input.txt")
    _distil_form(one)
    launcher.submit(_tiny(source))
    _read(one, studio)


def _import(one: Tab, file: Path) -> str:
    """Upload, preview, import, profile; returns the source of the data set."""
    one.open("/data?mode=Upload+a+file&content=Text", "Data")
    one.page.locator("input[type=file]").set_input_files(file)
    one.shown("First sentences, as they are read")
    one.idle()
    one.page.get_by_role("button", name="Import").click()
    expect(one.shown("What was read")).to_be_visible(timeout=2 * MINUTE)
    one.shown("How frequent words are")
    expect(one.page.locator(".js-plotly-plot")).to_have_count(3)
    one.idle()
    (card,) = [card for card in library.list_sources(counts=False) if card.kind == "imported"]
    assert (card.task, card.name) == ("language", "input")
    return card.key


def _distil_form(one: Tab) -> None:
    """The form has the presets for texts, and knows this text."""
    one.page.get_by_role("button", name="Distil this data").click()
    one.shown("Before the start")
    one.idle()
    for name, preset in PRESETS.items():
        (
            expect(one.page.get_by_role("radio", name=preset.label, exact=True)).to_have_count(
                1 if preset.task == "language" else 0
            ),
            name,
        )
    expect(one.page.get_by_test_id("stCode")).to_contain_text("--preset demo-text --data dataset:d-")


def _tiny(source: str) -> RunConfig:
    """The form's widgets are tested elsewhere; these settings take seconds."""
    values = {"data.source": source, "data.max_items": 200, "evaluation.seeds": 1, "preset": "demo-text"}
    return with_settings(RunConfig(name="small talk"), {**SETTINGS, **values})


def _read(one: Tab, studio: Studio) -> None:
    """The run under the name of its data, then its first sentence as it is on disk."""
    one.go("Runs")
    one.shown("data: input")
    result = one.page.get_by_test_id("stMain").get_by_role("link", name="Sequences")  # not that of the navigation
    expect(result).to_be_visible(timeout=2 * MINUTE)
    (run,) = studio.runs()
    assert run.state is RunState.DONE
    view = RunView(studio.store.root / run.id)
    one.go("Sequences")
    one.shown("20 synthetic sentences of 6 positions")
    one.idle()
    (line,) = sequences.join(sequences.decode_argmax(view.synthetic)[:1], reading.of_run(view))
    assert line
    assert "<eos>" not in line
    expect(one.page.get_by_test_id("stCode").first).to_have_text(line)
    one.go("Accuracy")
    one.page.get_by_text("PPL", exact=True).first.click()
    one.shown("lower is better")
    one.idle()
