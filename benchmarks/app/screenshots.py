"""Pictures of the real app on a real run, for README and docs/gallery.md: light and dark, 1280 wide.

    python -m farzi_core demo
    python -m benchmarks.app.screenshots last

Starts the app on a free port with the data home in use (FARZI_HOME), opens every page of the run in Debian's chromium
(FARZI_CHROMIUM names another program), waits until it is drawn, and writes docs/screenshots/. Needs the packages of
tests/requirements.txt.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from farzi_core.commands.find import find_run

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "screenshots"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WIDTH, HEIGHT, MOST = 1280, 860, 1500  # pixels; MOST bounds the height of a picture
PATIENCE = 60  # seconds


def pages(run_id: str, data: str) -> dict[str, str]:
    """Name of a picture -> address."""
    return {
        "home": "/",
        "data": f"/data?data={data}",
        "distil": f"/distill?data={data}",
        **{name: f"/{name}?run={run_id}" for name in ("runs", "sequences", "factors", "replay", "accuracy")},
        "surgery": f"/surgery?run={run_id}&edits=zero.1~scale.2.0.5",
        "learn": "/learn",
    }


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def serve(port: int, home: str = "") -> subprocess.Popen[bytes]:
    """The app, once it answers; with the data home in use, or another one."""
    words = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    variables = {"PYTHONPATH": str(ROOT)} | ({"FARZI_HOME": home} if home else {})
    server = subprocess.Popen(words, cwd=ROOT, env={**os.environ, **variables}, stderr=subprocess.DEVNULL)
    for _ in range(PATIENCE * 5):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2)
            return server
        except OSError:
            time.sleep(0.2)
    server.kill()
    raise SystemExit(f"the app did not answer on port {port} within {PATIENCE} s")


def take(page: Page, address: str, file: Path) -> None:
    """Open a page, wait until it is quiet, and save what fits into MOST pixels."""
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.goto(address)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=PATIENCE * 1000)
    page.wait_for_timeout(2500)  # charts fade in
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": WIDTH, "height": min(int(height), MOST)})
    page.wait_for_timeout(1000)
    page.screenshot(path=file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    run = find_run(parser.parse_args().run)
    program = os.environ.get("FARZI_CHROMIUM") or shutil.which("chromium")
    OUT.mkdir(exist_ok=True)
    port = free_port()
    server = serve(port)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
            for scheme in ("light", "dark"):
                page = browser.new_context(color_scheme=scheme, reduced_motion="reduce").new_page()
                for name, address in pages(run.id, run.config.data.source).items():
                    suffix = "-dark" if scheme == "dark" else ""
                    take(page, f"http://127.0.0.1:{port}{address}", OUT / f"{name}{suffix}.png")
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
