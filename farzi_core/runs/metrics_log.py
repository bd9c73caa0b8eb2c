"""metrics.jsonl: one event a line, append-only, one writer. Readers skip a torn or damaged line.

Every line ends in a CRC-32 of what comes before it, so that a flipped bit cannot pass as a number. A resumed run
repeats the steps after its checkpoint; its `attempt` line says from which byte on the older lines of these kinds no
longer count (`replaces_from`), and `read` leaves those out.
"""

import json
import math
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from farzi_core.errors import StoreError
from farzi_core.limits import MAX_METRICS_BYTES, TAIL_BYTES
from farzi_core.runs.files import open_append, read_bounded, read_tail

Event = dict[str, Any]
METRICS = "metrics.jsonl"
REPEATED = frozenset(
    {"step", "validation", "average", "rollback"}
)  # kinds that a resumed run writes again from its checkpoint on
_CRC = ', "crc": "'
_CRC_LENGTH = len(_CRC) + 8 + len('"}')


class Line(NamedTuple):
    offset: int  # bytes from the start of what was read
    event: Event


class MetricsLog:
    """The one writer of a run's metrics.jsonl."""

    def __init__(self, path: Path) -> None:
        self._path = path
        tail = read_tail(path, TAIL_BYTES)
        self._torn = bool(tail) and not tail.endswith(b"\n")
        times = [line.event.get("elapsed") for line in _lines(tail)]
        self.elapsed = max((float(one) for one in times if isinstance(one, int | float)), default=0.0)
        """Seconds of work on the newest line; 0 in a new log."""

    @property
    def position(self) -> int:
        """Bytes written so far."""
        return self._path.stat().st_size if self._path.exists() else 0

    def append(self, event: Event) -> None:
        """Write one line; raises `StoreError` when the disk does not take it."""
        content = (b"\n" if self._torn else b"") + encode(event)
        descriptor = open_append(self._path)
        self._torn = True
        try:
            if os.write(descriptor, content) < len(content):
                raise StoreError("metrics.jsonl: the disk took only a part of a line; free space, then resume the run")
        finally:
            os.close(descriptor)
        self._torn = False


def encode(event: Event) -> bytes:
    """One line with its checksum. Numbers that are not finite become null: JSON has none."""
    body = json.dumps(_finite(event), allow_nan=False)[:-1]
    return f'{body}{_CRC}{zlib.crc32(body.encode()):08x}"}}\n'.encode()


def read(path: Path) -> list[Event]:
    """Every event that counts, oldest first; empty if there is no log (yet, or any more)."""
    if not path.exists():
        return []
    counting: list[Line] = []
    for line in _lines(read_bounded(path, MAX_METRICS_BYTES)):
        replaced = line.event.get("replaces_from")
        if isinstance(replaced, int):
            counting = [one for one in counting if one.offset < replaced or one.event["event"] not in REPEATED]
        counting.append(line)
    return [line.event for line in counting]


def latest(path: Path) -> dict[str, Event]:
    """The newest event of each kind near the end of the log; cheap however long the log is."""
    return {line.event["event"]: line.event for line in _lines(read_tail(path, TAIL_BYTES))}


def _lines(content: bytes) -> Iterator[Line]:
    offset = 0
    for raw in content.splitlines(keepends=True):
        event = _decode(raw)
        if event is not None:
            yield Line(offset, event)
        offset += len(raw)


def _decode(raw: bytes) -> Event | None:
    raw = raw.rstrip(b"\r\n")
    body, checksum = raw[:-_CRC_LENGTH], raw[-_CRC_LENGTH:]
    if checksum != f'{_CRC}{zlib.crc32(body):08x}"}}'.encode():
        return None
    try:
        event = json.loads(body + b"}")
    except (ValueError, RecursionError):  # a checksum is no secret: a hostile folder can have a fitting one
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
