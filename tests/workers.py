"""Real worker processes for tests, and how to wait for them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from farzi_core.config import RunConfig, with_settings
from farzi_core.runs.run import Run

FAULTS = Path(__file__).parent / "faults"
TINY = str(FAULTS / "tiny_worker.py")
LIGHT = str(FAULTS / "light_worker.py")
PROJECT = Path(__file__).parents[1]


def config(*, steps: int = 60, milliseconds: int = 3, name: str = "", **settings: object) -> RunConfig:
    """Settings for `faults/tiny_worker.py`: so many steps, so long each."""
    values = {"outer.steps": steps, "inner.steps": milliseconds, "name": name, "runtime.device": "cpu", **settings}
    return with_settings(RunConfig(), values)


def until(condition: Callable[[], bool], seconds: float = 30.0) -> float:
    """Wait for `condition`; the seconds it took. Fails the test when it does not come true."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "waited in vain"
        time.sleep(0.005)
    return time.monotonic() - start


class Zygote:
    """One process with torch imported that forks a worker a run folder (see `faults/tiny_worker.py`)."""

    def __init__(self) -> None:
        self._working = False
        self._process = subprocess.Popen(
            [sys.executable, TINY, "--zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=PROJECT,
            env={"PYTHONPATH": str(PROJECT), "PATH": ""},
        )

    def start(self, run: Run, kind: str = "tiny") -> int:
        """Start a worker for `run` with the tiny or the "real" pipeline; its pid."""
        assert self._process.stdin is not None
        if self._working:  # of a test that failed half-way
            self.ended()
        self._working = True
        self._process.stdin.write(f"{kind} {run.folder}\n")
        return self._line()

    def ended(self) -> int:
        """Wait for the worker's end; its exit code, negative for a signal."""
        self._working = False
        return self._line()

    def kill(self, pid: int) -> bool:
        """kill -9; False if the worker had ended by itself before."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return self.ended() == -signal.SIGKILL

    def work(self, run: Run, kind: str = "tiny") -> int:
        """A whole attempt; its exit code."""
        self.start(run, kind)
        return self.ended()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _line(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())
