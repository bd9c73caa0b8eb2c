"""The real app as its users have it: a server process of its own, and browser tabs that notice everything wrong."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from farzi_core.runs import launcher
from farzi_core.runs.store import Run, RunSummary, Store

PROJECT = Path(__file__).resolve().parents[2]
SOCKETS = Path(__file__).resolve().parent / "socket_log"
PATIENCE = 30_000  # ms; two busy cores
QUIET = 200  # ms without a running script or a grey element: a click has reached the server and come back
TRIES = 3
expect.set_options(timeout=PATIENCE)
LOOPBACK = re.compile(r"127\.|localhost$|::1$|None$|/")  # None: a server binding; a path: a Unix socket
BROKEN = re.compile(r"Traceback|page error|\bERROR\b|Exception|Warning")

# Rules of axe that Streamlit's own chrome breaks, with the element: nothing of ours may hide behind them.
UPSTREAM: dict[str, str] = {}


class Studio:
    """`streamlit run app.py` on a free port with a data home of its own; `start` again after `kill` is a restart."""

    def __init__(self, folder: Path) -> None:
        self.home, self._log, self._sockets = folder / "home", folder / "server.log", folder / "sockets.log"
        self.store = Store(self.home / "runs")
        self.port, self._process = 0, None

    def start(self) -> float:
        """Seconds until the server answers."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        paths = os.pathsep.join([str(SOCKETS), str(PROJECT)])
        variables = {"FARZI_HOME": str(self.home), "PYTHONPATH": paths, "FARZI_SOCKET_LOG": str(self._sockets)}
        begun = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)],
                cwd=PROJECT,
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while not self._answers():
            assert self._process.poll() is None, f"the server ended: {self._log.read_text()}"
            assert time.monotonic() - begun < PATIENCE / 1000, f"no answer: {self._log.read_text()}"
            time.sleep(0.05)
        return time.monotonic() - begun

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/_stcore/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def memory(self) -> float:
        """Resident set size of the server in MB."""
        assert self._process
        return psutil.Process(self._process.pid).memory_info().rss / 1e6

    def kill(self) -> None:
        """kill -9 of the server alone; workers are processes of their own."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """End the server and every worker that a failed test left."""
        self.kill()
        for one in self.runs():
            if one.state.active:
                launcher.stop(Run(self.store.root / one.id), force=True)

    def runs(self) -> list[RunSummary]:
        return self.store.list()

    def problems(self) -> list[str]:
        """Lines of the server's log that tell of an error, and addresses outside this machine it reached for."""
        outside = [
            line
            for line in (self._sockets.read_text().splitlines() if self._sockets.exists() else [])
            if not LOOPBACK.match(line.split("\t")[1])
        ]
        return [line for line in self._log.read_text().splitlines() if BROKEN.search(line)] + outside


class Tab:
    """One browser tab on the app; `problems` collects what no page may do."""

    def __init__(self, browser: Browser, studio: Studio, dark: bool = False, width: int = 1280) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            accept_downloads=True,
        )
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.studio, self.problems = studio, list[str]()
        self.page.on("request", lambda request: self._check_request(request.url))
        self.page.on("websocket", lambda channel: self._check_request(channel.url))
        self.page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        self.page.on("dialog", lambda dialog: (self.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.context.on("page", lambda other: self.problems.append(f"a window opened: {other.url}"))

    def _check_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            self.problems.append(f"request to another host: {url}")

    def open(self, path: str, title: str | None = None) -> None:
        """Follow a link to `path`, as typed into the address bar; `title` is the heading that must appear."""
        self.page.goto(f"{self.studio.url}{path}")
        if title:
            expect(self.page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible()
        self.idle()

    def go(self, title: str) -> None:
        """Click a page in the navigation."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        expect(self.page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible()
        self.idle()

    def idle(self) -> None:
        """Wait until the script has run, nothing is grey any more and every chart is drawn; then look for errors.

        One look is not enough: between a click and the server's answer, and between a script that ends and the next
        that it asked for, the page looks finished.
        """
        self.page.evaluate("() => { window.quietSince = null }")
        self.page.wait_for_function(
            """quiet => {
                const app = document.querySelector('[data-testid="stApp"]')
                const busy = app?.dataset.testScriptState !== 'notRunning'
                    || document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]')
                if (busy) { window.quietSince = null; return false }
                window.quietSince ??= performance.now()
                return performance.now() - window.quietSince >= quiet
            }""",
            arg=QUIET,
        )
        self.check()

    def look(self, dark: bool, width: int) -> None:
        """See the open page in another theme and width, as the machine's own setting and a phone give them."""
        self.page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
        self.page.set_viewport_size({"width": width, "height": 900})
        expect(self.page.get_by_test_id("stApp")).to_have_css("color-scheme", "dark" if dark else "light")
        self.idle()

    def choose(self, label: str, value: str) -> None:
        """Pick `value` in the select box `label`; a list that a rerun of the page closed is opened again."""
        box = self.page.get_by_role("combobox", name=re.compile(rf"\b{re.escape(label)}\b")).first
        option = self.page.get_by_role("option", name=value, exact=True)
        for attempt in range(TRIES):
            box.click()
            try:
                option.click(timeout=PATIENCE / TRIES)
                break
            except PlaywrightTimeout:
                if attempt == TRIES - 1:
                    raise
                self.page.keyboard.press("Escape")
        self.idle()

    def check(self) -> None:
        """The page shows no error that it should not show."""
        expect(self.page.get_by_test_id("stException")).to_have_count(0)
        expect(self.page.get_by_role("dialog").filter(has_text="Page not found")).to_have_count(0)
        expect(self.page.get_by_text("did not expect")).to_have_count(0)

    def shown(self, text: str | re.Pattern[str]) -> Locator:
        """The first element with this text, once it is there."""
        found = self.page.get_by_text(text).first
        expect(found).to_be_visible()
        return found

    def accessibility(self) -> list[str]:
        """What axe calls serious or critical, one line an element."""
        found: Any = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']} ({one['impact']}): {node['target']} {node.get('failureSummary', '')}"
            for one in found
            if one["impact"] in {"serious", "critical"} and one["id"] not in UPSTREAM
            for node in one["nodes"]
        ]

    def sideways(self) -> list[str]:
        """Scrollable page containers that are wider than the window."""
        wide: list[str] = self.page.evaluate(
            """() => [document.scrollingElement, ...document.querySelectorAll(
                '[data-testid="stApp"], [data-testid="stMain"], [data-testid="stMainBlockContainer"]')]
                .filter(one => one.scrollWidth > one.clientWidth + 1)
                .map(one => `${one.dataset.testid || one.tagName}: ${one.scrollWidth} in ${one.clientWidth}`)"""
        )
        return wide

    def close(self) -> None:
        self.context.close()
