"""What a user waits for and what the server costs: start to first page < 5 s, resident memory < 200 MB then.

Streamlit, pandas, Arrow and plotly alone come to about 195 MB once all of them were used, so that a walk through every
page may take a little more; what people add on top of each other must stay small.
"""

import time
from collections.abc import Callable

from fixtures import make_finished_run, snapshots
from studio import Studio, Tab

START_SECONDS = 5.0
SERVER_MB = 200.0
EVERY_PAGE_MB = 225.0
RUN = "r-0000000000000001"
ROUNDS = 3
PEOPLE = 3
PAGES = ("/", "/data?data=planted", "/distill", "/runs", "/sequences", "/factors", "/replay", "/surgery", "/accuracy")


def test_the_first_page_is_there_in_five_seconds(studio: Studio, tab: Callable[..., Tab]) -> None:
    make_finished_run(studio.home, more=snapshots(0, 10, 20))
    one = tab()
    tries = []
    for _ in range(ROUNDS):  # the best of three: other work on the machine only ever adds time
        studio.kill()
        begun = time.monotonic()
        studio.start()
        one.open("/", "Farzi Studio")
        tries.append(time.monotonic() - begun)
        if tries[-1] < START_SECONDS:
            break
    print(f"\nstart to first page: {', '.join(f'{one:.2f} s' for one in tries)}; {studio.memory:.0f} MB")  # noqa: T201
    assert min(tries) < START_SECONDS
    assert studio.memory < SERVER_MB


def test_the_server_stays_small(studio: Studio, tab: Callable[..., Tab]) -> None:
    tabs = [tab() for _ in range(PEOPLE)]
    for path in PAGES:
        for one in tabs:  # all of them ask before the first has its page
            one.page.goto(f"{studio.url}{path if '?' in path else f'{path}?run={RUN}'}", wait_until="commit")
        for one in tabs:
            one.idle()
    print(f"\nserver after {PEOPLE} people on every page: {studio.memory:.0f} MB")  # noqa: T201
    assert studio.memory < EVERY_PAGE_MB
