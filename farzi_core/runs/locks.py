"""Who is alive: the kernel frees a lock when its holder dies, so a held lock is the one sign of life that cannot lie.

Readers probe a lock for microseconds; writers therefore wait a little instead of giving up at once.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from farzi_core.errors import RunError, StoreError
from farzi_core.limits import RUN_LOCK_SECONDS, STORE_LOCK_SECONDS
from farzi_core.runs.manifest import Process

RUN_LOCK = "run.lock"
STORE_LOCK = "store.lock"
_POLL = 0.01  # seconds
_PROBES = 3  # a lock that another reader probes is free at the next look


def try_lock(path: Path, seconds: float = 0.0) -> FileLock | None:
    """The lock at `path`, held, or None if someone else has it after `seconds`."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=seconds, poll_interval=_POLL)
    except Timeout:
        return None
    return lock


def held(path: Path) -> bool:
    """True if a process holds the lock at `path`. Never makes the file."""
    for probe in range(_PROBES):
        if not path.exists():
            return False
        if probe:
            time.sleep(_POLL / 5)
        try:
            lock = try_lock(path)
        except OSError:
            return False  # the run vanished, or run.lock is no file: nobody can hold it
        if lock is not None:
            lock.release()
            return False
    return True


@contextmanager
def run_locked(folder: Path, seconds: float = RUN_LOCK_SECONDS) -> Iterator[None]:
    """Hold the run's lock; raises `RunError` while its worker has it."""
    lock = try_lock(folder / RUN_LOCK, seconds)
    if lock is None:
        raise RunError(f"Run {folder.name} has a worker at work; stop it first")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def store_locked(root: Path) -> Iterator[None]:
    """Hold the store's lock, for the moments in which runs are made, started or renamed."""
    root.mkdir(parents=True, exist_ok=True)
    lock = try_lock(root / STORE_LOCK, STORE_LOCK_SECONDS)
    if lock is None:
        raise StoreError(f"The run store {root} has been busy for {STORE_LOCK_SECONDS:.0f} seconds; try again")
    try:
        yield
    finally:
        lock.release()


def identity(pid: int) -> Process | None:
    """The process with this pid, or None if it is gone (a zombie is gone)."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return Process(pid=pid, started=round(process.create_time() - psutil.boot_time(), 2))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def alive(process: Process | None) -> bool:
    """True if exactly this process still lives: same pid and same start, counted from boot."""
    if process is None:
        return False
    found = identity(process.pid)
    return found is not None and abs(found.started - process.started) < 1.0


def signal_worker(process: Process | None, run_id: str, number: int) -> bool:
    """Send signal `number` to the worker of `run_id`; False, and no signal, unless pid, start and command line fit."""
    if process is None or not alive(process):
        return False
    try:
        found = psutil.Process(process.pid)
        if not any(run_id in part for part in found.cmdline()):
            return False
        found.send_signal(number)  # psutil checks once more that the pid was not reused
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return True
