"""A run is replayed by mouse and keyboard, then one factor is cut out and the students are trained again."""

import re
from collections.abc import Callable

import pytest
from fixtures import make_finished_run, snapshots
from playwright.sync_api import expect
from small import SETTINGS
from studio import Studio, Tab

from farzi_core.config import RunConfig, with_settings
from farzi_core.runs import launcher
from farzi_core.runs.manifest import RunState
from tests.workers import until

FIXTURE = "r-0000000000000001"


@pytest.fixture(scope="module")
def serving(studio: Studio) -> Studio:
    make_finished_run(studio.home, more=snapshots(*range(0, 21, 5)))
    studio.start()
    return studio


def test_play_moves_the_step_and_so_do_the_arrow_keys(serving: Studio, tab: Callable[..., Tab]) -> None:
    one = tab()
    one.open(f"/replay?run={FIXTURE}&step=5", "Replay")
    slider, where = one.page.get_by_role("slider", name="Snapshot"), one.page.locator("#where")
    expect(slider).to_have_value("1")
    one.page.get_by_role("button", name="Play", exact=True).click()
    expect(where).to_have_text("outer step 20, snapshot 5 of 5")  # it ends by itself
    expect(one.page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    one.page.wait_for_url("**step=20*")
    slider.press("ArrowLeft")
    expect(where).to_have_text("outer step 15, snapshot 4 of 5")
    one.page.wait_for_url("**step=15*")
    one.page.reload()
    expect(where).to_have_text("outer step 15, snapshot 4 of 5")
    one.page.emulate_media(reduced_motion="no-preference")  # items glide between snapshots
    one.page.get_by_role("button", name="Play", exact=True).click()
    expect(where).to_have_text("outer step 20, snapshot 5 of 5")
    one.idle()


def test_students_are_retrained_and_a_colleague_s_link_shows_it(serving: Studio, tab: Callable[..., Tab]) -> None:
    config = with_settings(RunConfig(), {**SETTINGS, "data.source": "planted"})
    one, other = tab(), tab()
    run = launcher.submit(config, store=serving.store)
    until(lambda: run.state() is RunState.DONE, 180)
    one.open(f"/surgery?run={run.id}", "Surgery")
    one.page.get_by_role("button", name="Make this edit").click()
    one.page.wait_for_url("**edits=zero.1*")
    one.idle()
    one.page.get_by_role("button", name="Retrain the students").click()
    one.shown(re.compile("Students trained"))
    one.page.reload()  # the work goes on, and the page finds it again
    expect(one.page.get_by_text(re.compile("The (edits made|difference cannot)"))).to_be_visible(timeout=120_000)
    address = one.page.url.removeprefix(serving.url)
    other.open(address, "Surgery")
    other.shown(re.compile("2 fresh students on each side"))
    one.idle()
