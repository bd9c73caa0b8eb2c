"""Starting, stopping and resuming workers. No torch: pages and the command line use it.

A worker is a process of its own session that outlives the server; nothing here waits for it. Every function may be
called twice, or by twenty people at once: what is already done is not done again.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from farzi_core.config import RunConfig, with_settings
from farzi_core.errors import FarziError, RunError, StoreError
from farzi_core.home import home
from farzi_core.limits import MAX_AUTOMATIC_RESUMES, STOP_GRACE_SECONDS
from farzi_core.runs import atomic, environment, manifest
from farzi_core.runs.files import open_append
from farzi_core.runs.locks import identity, run_locked, signal_worker, store_locked
from farzi_core.runs.manifest import FINISHED, RESUMABLE, Process, RunState
from farzi_core.runs.run import LAUNCHED, STOP, WORKER_LOG, Run, has_worker, how_it_ended, launched_process
from farzi_core.runs.slots import enqueue, leave, next_number, waiting
from farzi_core.runs.store import Store

logger = logging.getLogger(__name__)

WORKER: tuple[str, ...] = ("-m", "farzi_core.runs.worker")
"""Arguments of the interpreter before the run folder; tests put a worker with a tiny pipeline here."""


class Reconciled(NamedTuple):
    """What `reconcile` did, as run ids."""

    resumed: list[str]
    failed: list[str]


def submit(config: RunConfig, request_id: str | None = None, store: Store | None = None) -> Run:
    """Make a run and start its worker; the same `request_id` gives the same run and starts nothing twice."""
    run = (store or Store()).create(config, request_id)
    launch(run)
    return run


def launch(run: Run) -> None:
    """Start a worker unless the run has one or is finished. The worker queues for its device by itself."""
    with store_locked(run.folder.parent):
        _launch(run)


def stop(run: Run, *, force: bool = False) -> None:
    """Ask the worker to write a checkpoint and end. `force`: wait `STOP_GRACE_SECONDS`, then SIGKILL it."""
    if run.manifest.state in FINISHED:
        return
    run.request_stop()
    for process in _processes(run):
        signal_worker(process, run.id, signal.SIGTERM)
    if force and not _ended(run, STOP_GRACE_SECONDS):
        for process in _processes(run):
            signal_worker(process, run.id, signal.SIGKILL)
        _ended(run, STOP_GRACE_SECONDS)


def resume(run: Run) -> None:
    """Queue the run again; it goes on from its newest valid checkpoint, or from the start where there is none."""
    with store_locked(run.folder.parent):
        if not run.state().active:
            _again(run)
            _launch(run)


def requeue(run: Run) -> None:
    """`resume` for a worker that is there already: the calling process."""
    with store_locked(run.folder.parent):
        _again(run)


def duplicate(run: Run) -> RunConfig:
    """The settings of a run, to start another one from."""
    name = f"Copy of {run.config.name}"[:200] if run.config.name else ""
    return with_settings(run.config, {"name": name})


def queue(store: Store | None = None) -> list[str]:
    """Ids of waiting runs in the order in which they will start."""
    return [one.run_id for one in waiting((store or Store()).root)]


def queue_position(run: Run) -> int | None:
    """1 for the run that starts next on its device; None for a run that does not wait."""
    places = waiting(run.folder.parent)
    mine = next((one for one in places if one.run_id == run.id), None)
    return None if mine is None else sum(one.slot == mine.slot and one <= mine for one in places)


def reconcile(store: Store | None = None) -> Reconciled:
    """At app start: clear what crashes left, and restart runs whose worker is gone, at most
    `MAX_AUTOMATIC_RESUMES` times without progress; then they are failed."""
    store = store or Store()
    store.sweep()
    done = Reconciled([], [])
    for summary in reversed(store.list()):  # oldest first, as they were queued
        if summary.state in {RunState.INTERRUPTED, RunState.QUEUED}:
            try:
                with store_locked(store.root):
                    _reconcile(Run(store.root / summary.id), done)
            except (FarziError, OSError):  # one bad run must not keep the app from starting
                logger.exception("run %s could not be restarted", summary.id)
    return done


def _reconcile(run: Run, done: Reconciled) -> None:
    state = run.state()
    if state is RunState.QUEUED and not has_worker(run.folder):  # its launcher died before starting it
        _launch(run)
        done.resumed.append(run.id)
    elif state is RunState.INTERRUPTED and not run.read_only:
        tries = run.manifest.automatic_resumes
        if tries < MAX_AUTOMATIC_RESUMES:
            _requeue(run, automatic_resumes=tries + 1)
            _launch(run)
            done.resumed.append(run.id)
        else:
            _fail(run, f"Gave up after {tries} restarts without progress. {how_it_ended(run.folder)}")
            done.failed.append(run.id)


def _launch(run: Run) -> None:
    """Start the worker; the store is locked."""
    current = run.manifest
    if current.state in FINISHED or (run.folder / STOP).exists() or has_worker(run.folder):
        return
    if run.read_only:
        raise StoreError(run.read_only)
    enqueue(run.folder.parent, environment.slot_for(run.config.runtime.device), current.ticket, run.id)
    process = _start([sys.executable, *WORKER, str(run.folder)], run.folder / WORKER_LOG)
    started = identity(process.pid) or Process(pid=process.pid, started=-1)  # dead already: like no living process
    atomic.write_bytes(run.folder / LAUNCHED, started.model_dump_json().encode())


def _start(command: list[str], log: Path) -> "subprocess.Popen[bytes]":
    """A detached process: own session, no stdin, output appended to `log`; it does not notice when we die."""
    project = str(Path(__file__).parents[2])
    paths = [project, *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", "FARZI_HOME": str(home())}
    try:
        output = open_append(log)
    except OSError as error:
        raise StoreError(f"{log.name} of run {log.parent.name} cannot be written ({error.strerror})") from None
    try:
        process = subprocess.Popen(  # noqa: S603 - an argument list, no shell; the folder's name is a checked id
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=project,
            env={**os.environ, **variables},
        )
    finally:
        os.close(output)
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()  # or it stays a zombie
    return process


def _again(run: Run) -> None:
    state = run.state()
    if run.read_only or state not in RESUMABLE:
        raise RunError(run.read_only or f"Run {run.id} is {state}; only a run that ended early can be resumed")
    _requeue(run, ticket=next_number(run.folder.parent), automatic_resumes=0)


def _requeue(run: Run, **changes: int) -> None:
    with run_locked(run.folder):
        (run.folder / STOP).unlink(missing_ok=True)
        (run.folder / LAUNCHED).unlink(missing_ok=True)  # the last worker may still be on its way out
        queued = {"state": RunState.QUEUED, "error": "", "finished": None, "process": None, **changes}
        manifest.write(run.folder, run.manifest.model_copy(update=queued))


def _fail(run: Run, sentence: str) -> None:
    with run_locked(run.folder):
        manifest.write(run.folder, run.manifest.model_copy(update=manifest.ending(RunState.FAILED, sentence)))
    leave(run.folder.parent, run.id)


def _processes(run: Run) -> list[Process]:
    """The worker that says it has the run, and the one that was started last (usually the same)."""
    found = [run.manifest.process, launched_process(run.folder)]
    return [one for index, one in enumerate(found) if one is not None and one not in found[:index]]


def _ended(run: Run, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while has_worker(run.folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
