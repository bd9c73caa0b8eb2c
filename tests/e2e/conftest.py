"""Debian's Chromium drives the real app. After each test: no error on a page, in the log, or beyond this machine."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from studio import Studio, Tab

FLAGS = (
    "--no-sandbox",  # containers have no user namespaces; the pages under test are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")  # not the session: Playwright keeps an event loop running in this thread
def browser() -> Iterator[Browser]:
    """Chromium; without it the tests are skipped, except under CI, where they fail."""
    program = os.environ.get("FARZI_CHROMIUM") or shutil.which("chromium")
    if not program:
        reason = "no chromium: install it (apt-get install chromium) or set FARZI_CHROMIUM to a Chromium program"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A server that is not started yet, with an empty data home."""
    one = Studio(tmp_path_factory.mktemp("studio"))
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def tab(browser: Browser, studio: Studio) -> Iterator[Callable[..., Tab]]:
    """Makes tabs: `tab(dark=True, width=390)`. Each has its own cookies and session, like another person's."""
    tabs: list[Tab] = []

    def make(dark: bool = False, width: int = 1280) -> Tab:
        tabs.append(Tab(browser, studio, dark, width))
        return tabs[-1]

    yield make
    problems = [problem for one in tabs for problem in one.problems]
    for one in tabs:
        one.close()
    assert not problems + studio.problems()
