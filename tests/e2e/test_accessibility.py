"""Every page of a finished run can be read by everybody: axe in light and dark, and no sideways scrolling.

Every page is loaded once and then seen in every way, as by a person who turns on the night or a phone.
"""

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


def test_axe_finds_nothing_serious_and_no_page_scrolls_sideways(serving: Studio, tab: Callable[..., Tab]) -> None:
    one, found = tab(), {}
    for path, title in PAGES.items():
        one.open(path, title)
        one.look(dark=False, width=1280)
        found[path, "light"] = one.accessibility() + one.sideways()
        one.look(dark=True, width=1280)
        found[path, "dark"] = one.accessibility() + one.sideways()
        one.look(dark=True, width=390)
        found[path, "phone"] = one.sideways()
    assert not any(found.values()), {where: lines for where, lines in found.items() if lines}
