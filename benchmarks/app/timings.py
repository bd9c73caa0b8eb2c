"""What a person waits for: a newcomer's first pictures, and the script of every page on a finished run.

    python -m farzi_core demo
    python -m benchmarks.app.timings last

First pictures: seconds from `streamlit run app.py` on an empty data home until Home is drawn, and until the run that
its button starts shows its live curve, in Debian's chromium (FARZI_CHROMIUM names another program). Pages: seconds of
the script of each page on the run, without a browser; the first time, which imports and reads, and the median of RUNS
further ones, beside a page without content (a script of one title). Writes timings.json beside this file.
Needs the packages of tests/requirements.txt.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from streamlit.testing.v1 import AppTest

from benchmarks.app.screenshots import FLAGS, ROOT, free_port, pages, serve
from farzi_core.commands.find import find_run

RUNS = 7
PATIENCE = 120_000  # ms
MAIN = ROOT / "pages" / "_main.py"
EMPTY = "import streamlit as st\nst.title('Empty')"


def first_pictures() -> dict[str, float]:
    """Seconds since the start of the server on an empty home."""
    program = os.environ.get("FARZI_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=program, args=FLAGS).new_page()
        page.set_default_timeout(PATIENCE)
        port, begun = free_port(), time.monotonic()
        server = serve(port, home)
        try:
            page.goto(f"http://127.0.0.1:{port}/")
            page.get_by_test_id("stImage").last.wait_for()
            found = {"home": time.monotonic() - begun}
            page.get_by_role("button", name="Distil the built-in data now").click()
            page.locator(".js-plotly-plot").first.wait_for()
            found["live curve"] = time.monotonic() - begun
            page.get_by_role("button", name="Stop").first.click()
            page.get_by_text("stopped").first.wait_for()
        finally:
            server.terminate()
            server.wait()
    return {name: round(seconds, 1) for name, seconds in found.items()}


def script(at: AppTest) -> tuple[float, float]:
    """Seconds of the first run and the median of the further ones."""
    taken = []
    for _ in range(1 + RUNS):
        started = time.perf_counter()
        at.run()
        taken.append(time.perf_counter() - started)
        assert not at.exception, at.exception
    return taken[0], statistics.median(taken[1:])


def page_scripts(run_id: str, data: str) -> list[dict[str, Any]]:
    """One row a page."""
    _, empty = script(AppTest.from_string(EMPTY, default_timeout=60))
    rows = []
    for name, address in pages(run_id, data).items():
        path, _, query = address.partition("?")
        at = AppTest.from_file(str(MAIN), default_timeout=60)
        at.switch_page(f"{path.strip('/') or 'home'}.py")
        for pair in filter(None, query.split("&")):
            key, value = pair.split("=")
            at.query_params[key] = value
        first, later = script(at)
        rows.append({"page": name, "first": round(first, 3), "seconds": round(later, 3), "ratio": round(later / empty)})
    return [{"page": "(empty)", "seconds": round(empty, 4)}, *rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    run = find_run(parser.parse_args().run)
    document = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "first pictures": first_pictures(),
        "pages": page_scripts(run.id, run.config.data.source),
    }
    Path(__file__).with_name("timings.json").write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
