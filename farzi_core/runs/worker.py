"""The one long process of a run: `python -m farzi_core.runs.worker RUN_FOLDER`.

It takes run.lock, waits for its device, computes, commits the result, and writes the manifest last. However it ends, a
sentence says so; a traceback goes to worker.log only. torch is imported after the wait: a queue of workers stays small.
"""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from farzi_core.errors import ConfigError, FarziError
from farzi_core.limits import RUN_LOCK_SECONDS
from farzi_core.runs import environment, manifest
from farzi_core.runs.locks import RUN_LOCK, identity, try_lock
from farzi_core.runs.manifest import FINISHED, Manifest, RunState
from farzi_core.runs.run import ATTEMPT_MARK, STOP, Run
from farzi_core.runs.slots import device_slot, leave
from farzi_core.runs.store import Store

if TYPE_CHECKING:
    from farzi_core.runs.attempt import Pipeline

logger = logging.getLogger("farzi_core.worker")


class StopSign:
    """True once the run's stop file exists or SIGTERM came."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / STOP
        self._signalled = False

    def __call__(self) -> bool:
        return self._signalled or self._file.exists()

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signalled = True


def main(arguments: Sequence[str] | None = None, pipeline: "Pipeline | None" = None) -> int:
    """Work on the run folder named by the only argument; exit status 0 unless the run failed."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    values = sys.argv[1:] if arguments is None else arguments
    if len(values) != 1:
        logger.error("usage: python -m farzi_core.runs.worker RUN_FOLDER")
        return 2
    folder = Path(values[0]).absolute()
    try:
        return work(Store(folder.parent).open(folder.name), pipeline)
    except FarziError:
        logger.exception("the run cannot go on")
        return 1


def work(run: Run, pipeline: "Pipeline | None" = None) -> int:
    """One attempt on `run`; returns the exit status. Does nothing if another worker has it or it is finished."""
    stop = StopSign(run.folder)
    signal.signal(signal.SIGTERM, stop.on_signal)
    environment.offer_to_oom_killer()
    lock = try_lock(run.folder / RUN_LOCK, RUN_LOCK_SECONDS)
    if lock is None:
        logger.info("another worker has run %s", run.id)
        return 0
    try:
        if run.manifest.state in FINISHED or run.read_only:
            logger.info("run %s is finished; nothing to do", run.id)
            return 0
        return 1 if _attempt(run, stop, pipeline) is RunState.FAILED else 0
    finally:
        leave(run.folder.parent, run.id)
        lock.release()


def _attempt(run: Run, stop: StopSign, pipeline: "Pipeline | None") -> RunState:
    """Wait for the device, compute, and write down how it ended."""
    current = run.manifest.model_copy(
        update={"state": RunState.QUEUED, "attempt": run.manifest.attempt + 1, "process": identity(os.getpid())}
    )
    logger.info("%s %d of run %s", ATTEMPT_MARK, current.attempt, run.id)
    manifest.write(run.folder, current)
    slot = environment.slot_for(run.config.runtime.device)
    while True:
        with device_slot(run.folder.parent, slot, current.ticket, run.id, stop) as mine:
            if not mine:
                return _end(run, current, RunState.STOPPED)
            threads = environment.thread_count(run.config, current.environment)
            environment.pin_threads(threads)
            from farzi_core.device import pick  # torch comes in here
            from farzi_core.runs import attempt

            try:
                device = pick(run.config.runtime.device)
            except ConfigError as error:
                return _end(run, current, RunState.FAILED, str(error))
            if environment.slot_for(device.type) == slot:
                return attempt.compute(run, current, stop, device, threads, pipeline)
            slot = environment.slot_for(device.type)  # the guess was wrong: queue where the work happens


def _end(run: Run, current: Manifest, state: RunState, error: str = "") -> RunState:
    """Write down an end that came before the recorder was there."""
    logger.info("%s %s", state.value, error)
    manifest.write(run.folder, current.model_copy(update=manifest.ending(state, error)))
    return state


if __name__ == "__main__":
    sys.exit(main())
