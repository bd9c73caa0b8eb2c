"""Every page of a finished run can be read by everybody: axe in light and dark, and no sideways scrolling."""

from collections.abc import Callable

import pytest
from fixtures import make_finished_run, snapshots
from studio import Studio, Tab

RUN = "r-0000000000000001"
PAGES = {
    "/": "Farzi Studio",
    "/data?data=planted": "Data",
    "/data?mode=Upload+a+file": "Data",
    f"/distill?like={RUN}": "Distil",
    f"/runs?run={RUN}": "Runs",
    f"/sequences?run={RUN}": "Sequences",
    f"/factors?run={RUN}": "Factors",
    f"/replay?run={RUN}&step=10": "Replay",
    f"/surgery?run={RUN}&edits=zero.1~drop.3~put.1.2.5&upto=2": "Surgery",
    f"/accuracy?run={RUN}": "Accuracy",
    f"/accuracy?run={RUN}&view=frontier&compare={RUN}": "Accuracy",
    f"/accuracy?run={RUN}&view=transfer": "Accuracy",
    f"/accuracy?run={RUN}&view=splits": "Accuracy",
    "/learn?lesson=3": "Learn",
    "/learn?lesson=5&hide=lesson,teacher,factors": "Learn",
}


@pytest.fixture(scope="module")
def serving(studio: Studio) -> Studio:
    make_finished_run(studio.home, name="fixture", more=snapshots(0, 10, 20))
    studio.start()
    return studio


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(serving: Studio, tab: Callable[..., Tab], dark: bool) -> None:
    one = tab(dark=dark)
    found = {}
    for path, title in PAGES.items():
        one.open(path, title)
        found[path] = one.accessibility() + one.sideways()
    assert not any(found.values()), {path: lines for path, lines in found.items() if lines}


def test_no_page_scrolls_sideways_on_a_phone(serving: Studio, tab: Callable[..., Tab]) -> None:
    one = tab(width=390)
    found = {}
    for path, title in PAGES.items():
        one.open(path, title)
        found[path] = one.sideways()
    assert not any(found.values()), {path: lines for path, lines in found.items() if lines}
