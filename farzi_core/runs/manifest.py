"""The manifest: which files of a run exist, with their SHA-256, and how far the run is. Written last at each commit.

On disk it is wrapped with a checksum over its exact bytes, so that one flipped bit is seen.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from farzi_core.errors import StoreError
from farzi_core.runs import atomic
from farzi_core.runs.files import sha256

SCHEMA_VERSION = 1
RUN_ID = re.compile(r"r-[0-9a-f]{16}")
MANIFEST = "manifest.json"
CONFIG = "config.json"

_FRAME = re.compile(rb'\{"checksum": "([0-9a-f]{64})", "manifest": (.*)\}\n', re.DOTALL)


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"  # computed: running, and asked to stop
    DONE = "done"
    STOPPED = "stopped"
    DIVERGED = "diverged"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # computed: unfinished, and nobody holds the lock
    DAMAGED = "damaged"  # computed: the folder cannot be read

    @property
    def active(self) -> bool:
        """True while a worker is, or is about to be, at work."""
        return self in {RunState.QUEUED, RunState.RUNNING, RunState.STOPPING}


FINISHED = frozenset({RunState.DONE, RunState.STOPPED, RunState.DIVERGED, RunState.FAILED})
RESUMABLE = frozenset({RunState.STOPPED, RunState.INTERRUPTED, RunState.FAILED, RunState.DIVERGED})


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Process(Record):
    """A worker's identity: a pid alone is reused, pid and start time together are not."""

    pid: int = Field(gt=0)
    started: float
    """Seconds between boot and the start of the process: unlike a wall-clock time, it does not move with the clock."""


class FileRecord(Record):
    sha256: str
    size: int


class Environment(Record):
    """Where the numbers come from: the same environment, config and data give the same bits."""

    device: str
    device_name: str = ""
    threads: int
    python: str
    platform: str
    versions: dict[str, str]
    code: str
    """SHA-256 (16 hex digits) over the sources of farzi_core."""
    data_digest: str = ""
    """`DatasetInfo.digest`, once the data were prepared."""


class Manifest(Record):
    schema_version: int = SCHEMA_VERSION
    id: str
    number: int
    """Order of creation in this store, from 1; unlike `created` it does not depend on a clock."""
    ticket: int
    """Place in the queue: the number at first, a fresh higher one at each resume by a person."""
    config_digest: str
    """Digest of the settings without the name (`settings_digest`)."""
    state: RunState = RunState.QUEUED
    stage: str = ""
    step: int = 0
    """Outer step of the newest checkpoint."""
    attempt: int = 0
    """Workers that have started on this run."""
    automatic_resumes: int = 0
    """Restarts by `launcher.reconcile` since the last progress."""
    created: AwareDatetime
    started: AwareDatetime | None = None
    finished: AwareDatetime | None = None
    error: str = ""
    process: Process | None = None
    environment: Environment | None = None
    files: dict[str, FileRecord] = Field(default_factory=dict)
    """Relative path -> checksum and size of every committed file."""


def now() -> datetime:
    """UTC, whole seconds; for show only."""
    return datetime.now(UTC).replace(microsecond=0)


def seal(manifest: Manifest) -> bytes:
    body = manifest.model_dump_json(indent=1).encode()
    return b'{"checksum": "' + sha256(body).encode() + b'", "manifest": ' + body + b"}\n"


def unseal(content: bytes) -> bytes:
    """The manifest's JSON; raises `StoreError` when the checksum does not fit."""
    frame = _FRAME.fullmatch(content)
    if frame is None or sha256(frame[2]).encode() != frame[1]:
        raise StoreError("manifest.json is damaged: its checksum does not fit; duplicate the run, or delete it")
    return frame[2]


def write(folder: Path, manifest: Manifest) -> None:
    atomic.write_bytes(folder / MANIFEST, seal(manifest))


def ending(state: RunState, error: str = "") -> dict[str, Any]:
    """What changes in the manifest of a run that comes to an end."""
    return {"state": state, "error": error, "finished": now(), "process": None}
