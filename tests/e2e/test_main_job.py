"""The whole job of a user in the browser, on real data, through reloads and the death of the server."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from studio import Studio, Tab

from farzi_core.evaluation.report import Metric
from farzi_core.runs.manifest import RunState
from farzi_core.runs.store import Run
from farzi_core.views.load import RunView

RELOADS = 5
MINUTE = 60_000  # ms
ADDRESS = re.compile(r"[?&]run=(r-[0-9a-f]{16})")

# Small enough for seconds on two busy cores; section of the form, label, value.
BASIC = {
    "Name": "shop in a browser",
    "Synthetic sequences μ": "20",
    "Events in each ξ": "5",
    "Outer steps": "70",
    "Students a row": "1",
}
MORE = {
    "3. Teacher": {"Epochs": "1"},
    "4. Synthetic": {"Steps of the fit at the start": "30"},
    "9. Evaluation": {"Models on full data": "1", "Student steps": "20"},
}


@pytest.mark.data
@pytest.mark.timeout(280)
def test_a_person_uploads_distils_and_inspects(studio: Studio, tab: Callable[..., Tab], real_data: Path) -> None:
    studio.start()
    one = tab()
    one.open("/", "Farzi Studio")
    _import(one, real_data / "uci-eshop")
    _launch(one)
    run_id = _follow_through_reloads(one, studio)
    later = _survive_a_dead_server(studio, tab, run_id)
    expect(later.page.get_by_test_id("stMain").get_by_role("link", name="Sequences")).to_be_visible(timeout=2 * MINUTE)
    assert [(found.id, found.state) for found in studio.runs()] == [(run_id, RunState.DONE)], "one click, one run"
    _inspect(later, RunView(studio.store.root / run_id))
    _cold_link(studio, tab, run_id)


def _import(one: Tab, folder: Path) -> None:
    """Upload events and titles, map the columns by hand, import; the counts are those of the file."""
    one.go("Data")
    one.page.get_by_text("Upload a file").click()
    one.page.locator("input[type=file]").first.set_input_files(folder / "eshop_events.csv")
    one.shown("Which column is what")
    one.idle()
    for role, column in {"User": "session", "Item": "item", "Order": "order", "Time": "(none)"}.items():
        one.choose(role, column)
    one.page.get_by_text("Item titles from a second file").click()
    one.page.locator("input[type=file]").nth(1).set_input_files(folder / "eshop_items.csv")
    expect(one.page.get_by_label("Title", exact=False).last).to_be_visible()
    one.idle()
    one.page.get_by_role("button", name="Import").click()
    events = len((folder / "eshop_events.csv").read_text().splitlines()) - 1
    expect(one.shown("What was read")).to_be_visible(timeout=MINUTE)
    one.shown(f"{events:,} events")
    one.idle()


def _launch(one: Tab) -> None:
    """The form, shrunk; two quick clicks are one launch."""
    one.page.get_by_role("button", name="Distil this data").click()
    one.shown("Before the start")
    one.idle()
    _fill(one, BASIC, one.page.get_by_test_id("stMain"))
    for section, values in MORE.items():
        group = one.page.get_by_test_id("stExpander").filter(has_text=section)
        group.locator("summary").click()
        _fill(one, values, group)
    for part in ("synthetic.mu=20", "outer.steps=70", "teacher.epochs=1", "evaluation.steps=20"):
        expect(one.page.get_by_test_id("stCode"), "the command line follows the form").to_contain_text(part)
    one.page.get_by_role("button", name="Start this run").dblclick()
    expect(one.page.get_by_role("heading", level=1, name="Runs")).to_be_visible()
    one.page.wait_for_url(ADDRESS)


def _fill(one: Tab, values: dict[str, str], inside: object) -> None:
    for label, value in values.items():
        field = inside.get_by_label(label, exact=True).first  # type: ignore[attr-defined]
        field.fill(value)
        field.press("Enter")
        one.idle()


def _follow_through_reloads(one: Tab, studio: Studio) -> str:
    """Reloads show the same run, never start another, and its step never goes back."""
    found = ADDRESS.search(one.page.url)
    assert found
    run_id, steps = found[1], [0]
    for _ in range(RELOADS):
        one.page.reload()
        one.shown("shop in a browser")
        assert ADDRESS.search(one.page.url)[1] == run_id  # type: ignore[index]
        steps.append(studio.runs()[0].step)
        assert len(studio.runs()) == 1
    assert steps == sorted(steps)
    return run_id


def _survive_a_dead_server(studio: Studio, tab: Callable[..., Tab], run_id: str) -> Tab:
    """kill -9 of the server: the worker goes on, and a new server shows the run to another person by its link."""
    before = studio.runs()[0]
    assert before.state.active, "the run ended before the server was killed: make it longer"
    studio.kill()
    studio.start()
    later = tab()
    later.open(f"/runs?run={run_id}", "Runs")
    after = Run(studio.store.root / run_id).manifest
    assert (after.attempt, len(studio.runs())) == (before.attempt or 1, 1), "the worker was not restarted"
    return later


def _inspect(one: Tab, view: RunView) -> None:
    """Sequences, Factors and Accuracy show this run, with the numbers that are on disk."""
    one.page.get_by_test_id("stMain").get_by_role("link", name="Sequences").click()
    one.shown("20 synthetic sequences of 5 positions")
    one.idle()
    with one.page.expect_download() as download:
        one.page.get_by_role("button", name="Positions, CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 1 + 20 * 5 * 5, "five items a position"
    one.go("Factors")
    assert view.folder.name in one.page.url
    expect(one.page.locator(".js-plotly-plot")).to_have_count(3)
    one.idle()
    one.go("Accuracy")
    distilled = next(row for row in view.evaluation.rows if row.name == "distilled")
    one.shown(re.compile(rf"\b{100 * distilled.mean[Metric.HR10]:.1f}\b"))
    expect(one.page.locator(".js-plotly-plot")).to_have_count(2)
    one.idle()


def _cold_link(studio: Studio, tab: Callable[..., Tab], run_id: str) -> None:
    """The first request a fresh server ever sees is a link deep into a result."""
    studio.kill()
    studio.start()
    cold = tab()
    cold.open(f"/sequences?run={run_id}&sequence=7", "Sequences")
    expect(cold.page.get_by_label("Sequence", exact=True)).to_have_value("7")
    expect(cold.page.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_count(10)
    assert run_id in cold.page.url
