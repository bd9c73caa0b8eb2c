"""One at a time, and a bounded number that wait for it: processes that would each hold torch come one after the other.

    <kind>.lock              held by the one whose turn it is
    <kind>.waiting-<n>.lock  held by each that waits, n below `MAX_WAITING`

The kernel frees both when a process dies, so none that was killed keeps a place.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from farzi_core.errors import RunError
from farzi_core.limits import MAX_WAITING, SLOT_POLL_SECONDS
from farzi_core.runs.locks import try_lock


@contextmanager
def turn(folder: Path, kind: str, waits: Callable[[], None]) -> Iterator[None]:
    """Hold the turn of `kind`; `waits` is called once where somebody else has it. Raises `RunError` where as many as
    may wait already do. Who waits longest is not first: whoever looks next takes a turn that is free."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}.lock"
    if (lock := try_lock(path)) is None:
        place = _place(folder, kind)
        waits()
        try:
            while (lock := try_lock(path)) is None:
                time.sleep(SLOT_POLL_SECONDS)
        finally:
            place.release()
    try:
        yield
    finally:
        lock.release()


def _place(folder: Path, kind: str) -> FileLock:
    """A place among those that wait."""
    for number in range(MAX_WAITING):
        if (place := try_lock(folder / f"{kind}.waiting-{number}.lock")) is not None:
            return place
    raise RunError(
        f"{MAX_WAITING} others like this one wait already, and no more than {MAX_WAITING} may. Nothing is lost: they "
        "go on; ask again when some of them are done"
    )
