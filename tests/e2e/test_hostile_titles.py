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


# Where links and pictures lead, if not to the app or into the page itself; a title may stand in a link to our own page.
LEADING_AWAY = """() => [...document.querySelectorAll('a, img, image, iframe')]
    .map(one => one.getAttribute('href') ?? one.getAttribute('xlink:href') ?? one.getAttribute('src'))
    .filter(address => address !== null)
    .map(address => new URL(address, location.href))
    .filter(to => to.host !== location.host && !['data:', 'blob:'].includes(to.protocol))
    .map(to => to.href)"""


@pytest.fixture(scope="module")
def serving(studio: Studio) -> Studio:
    make_finished_run(studio.home, name=NAME, titles=HOSTILE_TITLES, more=snapshots(0, 10))
    studio.start()
    return studio


def test_titles_are_shown_and_never_obeyed(serving: Studio, tab: Callable[..., Tab]) -> None:
    one = tab()  # its end fails the test for any request to another host, dialog, window or script error
    away = {}
    for path, title in PAGES.items():
        one.open(path, title)
        away[path] = one.page.evaluate(LEADING_AWAY)
    assert not any(away.values()), away


def test_titles_are_literal(serving: Studio, tab: Callable[..., Tab]) -> None:
    one = tab()
    one.open(f"/sequences?run={RUN}&sequence=2", "Sequences")  # decodes to an image tag
    expect(one.page.get_by_test_id("stCode").first).to_contain_text(HOSTILE_TITLES[1])
    one.open("/", "Farzi Studio")
    one.shown("<b>bold</b>")
