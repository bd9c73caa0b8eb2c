"""Item titles, a run's name and an address that attack the page: nothing is fetched, run or dressed up."""

from collections.abc import Callable

import pytest
from fixtures import HOSTILE_TITLES, make_finished_run, snapshots
from playwright.sync_api import expect
from studio import Studio, Tab

RUN = "r-0000000000000001"
NAME = HOSTILE_TITLES[0] + HOSTILE_TITLES[2]
PAGES = {
    "/": "Farzi Studio",
    f"/distill?like={RUN}": "Distil",
    f"/runs?run={RUN}": "Runs",
    f"/sequences?run={RUN}": "Sequences",
    f"/factors?run={RUN}&highlight=e&colour=Group": "Factors",
    f"/replay?run={RUN}&step=x": "Replay",
    f"/surgery?run={RUN}&edits=put.1.1.1~put.1.2.2": "Surgery",
    "/surgery?edits=" + NAME: "Surgery",
    f"/accuracy?run={RUN}": "Accuracy",
    "/sequences?run=" + NAME: "Sequences",
}


@pytest.fixture(scope="module")
def serving(studio: Studio) -> Studio:
    make_finished_run(studio.home, name=NAME, titles=HOSTILE_TITLES, more=snapshots(0, 10))
    studio.start()
    return studio


@pytest.mark.parametrize("path", PAGES)
def test_titles_are_shown_and_never_obeyed(serving: Studio, tab: Callable[..., Tab], path: str) -> None:
    one = tab()  # its end fails the test for any request to another host, dialog, window or script error
    one.open(path, PAGES[path])
    foreign = one.page.locator(
        'a[href*="evil"], a[*|href*="evil"], img[src*="evil"], image[*|href*="evil"], iframe[src*="evil"]'
    )
    assert foreign.count() == 0


def test_titles_are_literal(serving: Studio, tab: Callable[..., Tab]) -> None:
    one = tab()
    one.open(f"/sequences?run={RUN}&sequence=2", "Sequences")  # decodes to an image tag
    expect(one.page.get_by_test_id("stCode").first).to_contain_text(HOSTILE_TITLES[1])
    one.open("/", "Farzi Studio")
    one.shown("<b>bold</b>")
