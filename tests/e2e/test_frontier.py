"""A click on a mark of the frontier lists its runs side by side, in the page and in the address."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from manysizes import make_runs, sized
from playwright.sync_api import expect
from studio import Studio, Tab

PLAN = [sized(3, 5), sized(6, 5), sized(6, 5, seed=1), sized(12, 5)]


def test_a_click_on_a_mark_leads_to_its_runs(studio: Studio, tab: Callable[..., Tab]) -> None:
    runs = make_runs(studio.home, PLAN)
    studio.start()
    one = tab()
    one.open(f"/accuracy?view=frontier&run={runs[0].id}", "Accuracy")
    one.shown("Best of 3 sizes")
    _click_last_mark(one)
    link = one.page.get_by_test_id("stMain").get_by_role("link", name="12 × 5, SASRec, seed 0")
    expect(link).to_be_visible()
    one.idle()
    assert parse_qs(urlsplit(one.page.url).query)["compare"] == [runs[3].id]
    link.click()
    one.shown("Final table")
    one.idle()
    assert parse_qs(urlsplit(one.page.url).query)["run"] == [runs[3].id]


def _click_last_mark(one: Tab) -> None:
    """The middle of the last mark that was drawn: head users at the largest size."""
    mark = one.page.locator(".js-plotly-plot").first.locator(".scatterlayer .points path").last
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box
    one.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    one.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
