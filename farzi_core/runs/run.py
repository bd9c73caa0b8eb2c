"""One run folder, seen from outside: its settings, state, events and sizes. Reads only; no torch."""

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from farzi_core.config import RunConfig
from farzi_core.errors import FarziError, StoreError
from farzi_core.limits import MAX_RECORD_BYTES, REMEMBERED_RUNS, TAIL_BYTES
from farzi_core.runs import metrics_log
from farzi_core.runs.files import Stamp, read_bounded, read_tail, stamp
from farzi_core.runs.locks import RUN_LOCK, alive, held
from farzi_core.runs.manifest import CONFIG, FINISHED, Manifest, Process, RunState
from farzi_core.runs.metrics_log import METRICS, Event
from farzi_core.runs.migrate import Opened, read_manifest

STOP = "stop"
LAUNCHED = "launch.json"
WORKER_LOG = "worker.log"
RESULT = "result"
ATTEMPT_MARK = "=== attempt"  # starts the first line of an attempt in worker.log

WITHOUT_A_WORD = (
    "The worker ended without a word: probably out of memory or killed. Resume goes on from the last checkpoint; "
    "if it happens again, choose smaller sizes"
)


@dataclass(frozen=True)
class RunSummary:
    """What a list of runs shows; made for damaged folders too."""

    id: str
    state: RunState
    error: str = ""
    """Why it failed, diverged, was interrupted or cannot be read; a sentence for people."""
    name: str = ""
    number: int = 0
    """Order of creation in this store."""
    source: str = ""
    preset: str = ""
    created: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    attempt: int = 0
    stage: str = ""
    step: int = 0
    """Outer step of the newest checkpoint."""
    steps: int = 0
    """Outer steps the run is set to take."""


class Run:
    """A run folder. Cheap to make; every property is read from disk when asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name

    def __repr__(self) -> str:
        return f"Run({self.id})"

    @cached_property
    def config(self) -> RunConfig:
        """The settings; raises `StoreError` if the file is damaged or was changed by hand."""
        stored = _read_config(self.folder, stamp(self.folder / CONFIG))
        opened = self._opened
        if not opened.read_only and stored.digest != opened.manifest.config_digest:
            raise StoreError(f"config.json of run {self.id} was changed after the run was made; delete the run")
        return stored.config

    @property
    def manifest(self) -> Manifest:
        """The manifest as it is on disk now; raises `StoreError` if it is damaged."""
        return self._opened.manifest

    @property
    def read_only(self) -> str:
        """Why this run may not be changed (a newer version wrote it); empty for every other run."""
        return self._opened.read_only

    @property
    def _opened(self) -> Opened:
        return read_manifest(self.folder)

    @property
    def result(self) -> Path | None:
        """The folder of results (`docs/run-folder.md`), or None before there are any."""
        committed = any(name.startswith(f"{RESULT}/") for name in self.manifest.files)
        return self.folder / RESULT if committed else None

    @property
    def snapshots(self) -> dict[int, Path]:
        """Outer step -> file of the synthetic data at that step, in order."""
        names = sorted(name for name in self.manifest.files if name.startswith("snapshots/"))
        return {int(Path(name).stem): self.folder / name for name in names}

    def state(self) -> RunState:
        """Computed from lock and manifest; `damaged` where the manifest cannot be read."""
        try:
            return computed_state(self.folder, self.manifest)
        except StoreError:
            return RunState.DAMAGED

    def events(self, after: int = 0) -> list[Event]:
        """Lines of metrics.jsonl that count, oldest first, without the first `after` of them."""
        return metrics_log.read(self.folder / METRICS)[after:]

    def latest(self) -> dict[str, Event]:
        """The newest event of each kind (`step`, `progress`, `stage`, ...), read from the end of the log."""
        return metrics_log.latest(self.folder / METRICS)

    def log_tail(self, lines: int = 50) -> str:
        """The last lines of worker.log, undecodable bytes replaced."""
        return "\n".join(_log_text(self.folder).splitlines()[-lines:]) if lines > 0 else ""

    def request_stop(self) -> None:
        """Ask the worker to write a checkpoint and end; it looks after every step."""
        if self.read_only:
            raise StoreError(self.read_only)
        (self.folder / STOP).touch()

    def size(self) -> int:
        """Bytes in the folder; links are counted as links."""
        return sum(
            os.lstat(os.path.join(base, name)).st_size
            for base, _, names in os.walk(self.folder)
            for name in names
            if os.path.lexists(os.path.join(base, name))
        )

    def summary(self) -> RunSummary:
        """One line for a list; never raises for what a damaged folder can hold."""
        try:
            opened = self._opened
            config = self.config
            state = computed_state(self.folder, opened.manifest)
        except FarziError as error:
            return RunSummary(self.id, RunState.DAMAGED, str(error))
        one = opened.manifest
        return RunSummary(
            id=self.id,
            state=state,
            error=opened.read_only or one.error or (how_it_ended(self.folder) if state is RunState.INTERRUPTED else ""),
            name=config.name,
            number=one.number,
            source=config.data.source,
            preset=config.preset,
            created=one.created,
            started=one.started,
            finished=one.finished,
            attempt=one.attempt,
            stage=one.stage,
            step=one.step,
            steps=config.outer.steps,
        )


def settings_digest(config: RunConfig) -> str:
    """Digest of everything but the name, which people may change."""
    return stored_digest(config.model_dump(mode="json"))


def stored_digest(values: dict[str, Any]) -> str:
    """`settings_digest` of the settings as they were written."""
    return hashlib.sha256(json.dumps({**values, "name": ""}, sort_keys=True).encode()).hexdigest()


def stored_settings(folder: Path) -> dict[str, Any]:
    """The values of config.json as they were written. A later version knows more settings: their defaults are no part
    of what an older run was made with, nor of its digest. Raises `StoreError` if they cannot be read."""
    return _read_config(folder, stamp(folder / CONFIG)).values


class _Stored(NamedTuple):
    """config.json: the settings, the values as they were written, and their digest."""

    config: RunConfig
    values: dict[str, Any]
    digest: str


def read_config(folder: Path) -> RunConfig:
    """The settings in a run folder; raises `StoreError` if they cannot be read. `Run.config` also checks them."""
    return _read_config(folder, stamp(folder / CONFIG)).config


@lru_cache(maxsize=REMEMBERED_RUNS)
def _read_config(folder: Path, _stamp: Stamp) -> _Stored:
    content = read_bounded(folder / CONFIG, MAX_RECORD_BYTES)
    try:
        config = RunConfig.model_validate_json(content)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the file"
        raise StoreError(
            f"config.json of run {folder.name} is damaged at {place!r}: {error.errors()[0]['msg']}; delete the run"
        ) from None
    values = json.loads(content)
    return _Stored(_as_made(config, values), values, stored_digest(values))


def _as_made(config: RunConfig, values: dict[str, Any]) -> RunConfig:
    """`config` with what the run did where a setting came later than the run and its default does something else:
    `evaluation.decays` held for every architecture before there were `evaluation.other_decays`."""
    if "other_decays" in values.get("evaluation", {}):
        return config
    evaluation = config.evaluation.model_copy(update={"other_decays": config.evaluation.decays})
    return config.model_copy(update={"evaluation": evaluation})


def computed_state(folder: Path, manifest: Manifest) -> RunState:
    """Liveness is the lock, or a process that was just launched and has not reached the lock yet."""
    if manifest.state in FINISHED:
        return manifest.state
    asked_to_stop = (folder / STOP).exists()
    if has_worker(folder):
        return RunState.STOPPING if asked_to_stop else manifest.state
    if asked_to_stop:
        return RunState.STOPPED
    never_launched = manifest.attempt == 0 and not (folder / LAUNCHED).exists()
    return RunState.QUEUED if never_launched else RunState.INTERRUPTED


def has_worker(folder: Path) -> bool:
    """True while a worker holds the lock, or was started and is on its way to it."""
    return held(folder / RUN_LOCK) or alive(launched_process(folder))


def launched_process(folder: Path) -> Process | None:
    """The process the launcher started last, or None."""
    try:
        return Process.model_validate_json(read_bounded(folder / LAUNCHED, MAX_RECORD_BYTES))
    except (StoreError, ValidationError):
        return None


def how_it_ended(folder: Path) -> str:
    """A sentence on a worker that ended without saying so itself: its last words, or that there were none."""
    words = _log_text(folder).rpartition(ATTEMPT_MARK)[2]
    if "Traceback (most recent call last)" in words:
        return f"The worker ended with an internal error ({words.strip().splitlines()[-1][:200]}); see the log"
    return WITHOUT_A_WORD


def _log_text(folder: Path) -> str:
    return read_tail(folder / WORKER_LOG, TAIL_BYTES).decode("utf-8", errors="replace")
