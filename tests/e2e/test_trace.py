"""A click on an item of the strip traces it: the chooser, the address and the map of items follow."""

import re
from collections.abc import Callable

from fixtures import make_finished_run
from playwright.sync_api import expect
from studio import Studio, Tab

from farzi_core.views import sequences
from farzi_core.views.load import RunView


def test_a_click_on_the_strip_traces_the_item_to_the_map(studio: Studio, tab: Callable[..., Tab]) -> None:
    folder = make_finished_run(studio.home)
    view = RunView(folder)
    top = sequences.positions(view.synthetic, 0, view.vocab, 1)
    wanted = top[top["item"] != "id0"].iloc[0]
    studio.start()
    one = tab()
    one.open(f"/sequences?run={folder.name}", "Sequences")
    strip = one.page.locator(f".st-key-strip_{folder.name}_0_0_read")
    strip.locator(".trace.bars").first.locator(".point").nth(int(wanted["position"]) - 1).click(force=True)
    one.page.wait_for_url(re.compile(f"item={wanted['item']}(&|$)"))
    one.idle()
    expect(one.page.get_by_label("Item to trace")).to_have_value(wanted["title"])
    one.page.get_by_role("link", name="Find it on the map of items").click()
    expect(one.page.get_by_role("heading", level=1, name="Factors", exact=True)).to_be_visible()
    one.idle()
    expect(one.page.get_by_label("Highlight")).to_have_value(wanted["title"])
    one.shown(re.compile(r"items found"))
