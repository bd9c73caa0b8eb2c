"""The queue: one active run a device, first come first served.

A waiting run has an empty marker file `queue/<slot>/<ticket>-<run id>`. Its worker starts when no live run stands
before it and `slot-<slot>.lock` is free; the kernel frees that lock when a worker dies, so a crash never blocks the
queue. Order comes from tickets (a counter), not from clocks.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from farzi_core.errors import StoreError
from farzi_core.limits import SLOT_POLL_SECONDS
from farzi_core.runs import atomic
from farzi_core.runs.files import read_bounded
from farzi_core.runs.locks import try_lock
from farzi_core.runs.manifest import RUN_ID
from farzi_core.runs.migrate import read_manifest
from farzi_core.runs.run import has_worker

COUNTER = "counter"
QUEUE = "queue"
_MARKER = re.compile(rf"(\d{{12}})-({RUN_ID.pattern})")


class Waiting(NamedTuple):
    """One place in the queue of a slot."""

    ticket: int
    run_id: str
    slot: str


def next_number(root: Path) -> int:
    """The next number of this store's counter; call it with the store locked."""
    try:
        last = int(read_bounded(root / COUNTER, 32))
    except (StoreError, ValueError):  # a new store, or a damaged counter: go on after the highest number in use
        last = max((_number(folder) for folder in root.glob("r-*")), default=0)
    atomic.write_bytes(root / COUNTER, str(last + 1).encode())
    return last + 1


def enqueue(root: Path, slot: str, ticket: int, run_id: str) -> None:
    """Put the run's marker into the queue of `slot`, and take away any other it has."""
    folder = root / QUEUE / slot
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / f"{ticket:012d}-{run_id}"
    marker.touch()
    for other in (root / QUEUE).glob(f"*/*-{run_id}"):
        if other != marker:
            other.unlink(missing_ok=True)


def leave(root: Path, run_id: str) -> None:
    """Take the run's markers away: it has started, ended or is gone."""
    for marker in (root / QUEUE).glob(f"*/*-{run_id}"):
        marker.unlink(missing_ok=True)


def waiting(root: Path) -> list[Waiting]:
    """Live waiting runs in the order in which they will start; places of dead or deleted runs are left out."""
    places = []
    for marker in (root / QUEUE).glob("*/*"):
        match = _MARKER.fullmatch(marker.name)
        if match:
            places.append(Waiting(int(match[1]), match[2], marker.parent.name))
    return [one for one in sorted(places) if has_worker(root / one.run_id)]


@contextmanager
def device_slot(root: Path, slot: str, ticket: int, run_id: str, should_stop: Callable[[], bool]) -> Iterator[bool]:
    """Wait for this run's turn and hold the slot; gives False if a stop was requested meanwhile."""
    enqueue(root, slot, ticket, run_id)
    lock = None
    while lock is None and not should_stop():
        if not _someone_before(root, slot, ticket, run_id):
            lock = try_lock(root / f"slot-{slot}.lock")
        if lock is None:
            time.sleep(SLOT_POLL_SECONDS)
    leave(root, run_id)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


def _someone_before(root: Path, slot: str, ticket: int, run_id: str) -> bool:
    return any(one.slot == slot and (one.ticket, one.run_id) < (ticket, run_id) for one in waiting(root))


def _number(folder: Path) -> int:
    try:
        return read_manifest(folder).manifest.ticket
    except StoreError:
        return 0
