"""The real worker process without torch, for tests of locks, queue and signals: only the computing is replaced.

It writes "start <id>" and "end <id>" to the file `order` in the store. Names of runs: "crash" dies by SIGKILL,
"deaf" ignores every wish to stop, "sleep" works until it is stopped; any other takes 20 milliseconds.
"""

import os
import signal
import sys
import time
import types
from collections.abc import Callable

from farzi_core.runs import manifest, worker
from farzi_core.runs.manifest import Manifest, RunState
from farzi_core.runs.run import Run


def compute(run: Run, current: Manifest, should_stop: Callable[[], bool], *_unused: object) -> RunState:
    running = current.model_copy(update={"state": RunState.RUNNING})
    manifest.write(run.folder, running)
    if run.config.name == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    _note(run, "start")
    deadline = time.monotonic() + 0.02
    while time.monotonic() < deadline or run.config.name in {"sleep", "deaf"}:
        time.sleep(0.005)
        if should_stop() and run.config.name != "deaf":
            break
    _note(run, "end")
    state = RunState.STOPPED if should_stop() else RunState.DONE
    manifest.write(run.folder, running.model_copy(update=manifest.ending(state)))
    return state


def _note(run: Run, what: str) -> None:
    descriptor = os.open(run.folder.parent / "order", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{what} {run.id}\n".encode())
    os.close(descriptor)


if __name__ == "__main__":
    attempt = types.ModuleType("farzi_core.runs.attempt")
    attempt.compute = compute
    device = types.ModuleType("farzi_core.device")
    device.pick = lambda _: types.SimpleNamespace(type="cpu")
    sys.modules |= {module.__name__: module for module in (attempt, device)}
    status = worker.main()
    assert "torch" not in sys.modules, "a worker must not import torch before it has its device"
    sys.exit(status)
