"""`FolderRecorder`: the `Recorder` of a run folder. Every commit is file first, manifest last.

A crash between the two leaves a file that the manifest does not know, which counts as absent and is removed by the
next worker. Checkpoints have two generations; the newest whose checksum fits wins.
"""

import logging
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from farzi_core.errors import RunError, StoreError
from farzi_core.limits import MIN_FREE_BYTES
from farzi_core.recorder import Meta, Saved
from farzi_core.runs import atomic, checkpoint, manifest
from farzi_core.runs.files import open_regular, sha256
from farzi_core.runs.manifest import FileRecord, Manifest
from farzi_core.runs.metrics_log import METRICS, MetricsLog
from farzi_core.runs.run import RESULT

GENERATIONS = 2
CHECKPOINTS = "checkpoints"
STAGES = "stages"
SNAPSHOTS = "snapshots"
logger = logging.getLogger(__name__)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class FolderRecorder:
    """Writes what a computation hands over into `folder`; the caller holds the run's lock."""

    def __init__(self, folder: Path, current: Manifest, should_stop: Callable[[], bool]) -> None:
        self.folder = folder
        self.manifest = current
        self.should_stop = should_stop
        self._log = MetricsLog(folder / METRICS)
        self._worked_before = self._log.elapsed
        self._began = time.monotonic()
        for name in (CHECKPOINTS, STAGES, SNAPSHOTS):
            (folder / name).mkdir(exist_ok=True)

    @property
    def elapsed(self) -> float:
        """Seconds of work since the run's first start, over all attempts."""
        return round(self._worked_before + time.monotonic() - self._began, 3)

    def log(self, event: str, /, **values: Any) -> None:
        if "data_digest" in values:
            self._note_data(str(values["data_digest"]))
        self._writing("metrics.jsonl", lambda: self._log.append({"event": event, "elapsed": self.elapsed, **values}))

    def log_attempt(self) -> None:
        """First line of an attempt; says from where on older lines are repeated."""
        environment = self.manifest.environment
        assert environment is not None, "the worker writes it before the first event"
        values: Meta = {"attempt": self.manifest.attempt, "device": environment.device, "threads": environment.threads}
        if self.manifest.attempt > 1:
            newest = self._newest_checkpoint()
            values["replaces_from"] = newest.meta["log_position"] if newest else 0
        self.log("attempt", **values)

    def checkpoint(self, tensors: Mapping[str, Tensor], meta: Meta) -> None:
        old = self._checkpoints()
        newest = int(Path(old[-1]).stem) if old else 0
        name = f"{CHECKPOINTS}/{newest + 1:010d}.safetensors"
        content = checkpoint.pack("The checkpoint", tensors, {"meta": meta, "log_position": self._log.position})
        record = self._write(name, content)
        kept = [*old[1 - GENERATIONS :], name]
        files = {one: file for one, file in self.manifest.files.items() if one not in old or one in kept}
        step = meta.get("step", self.manifest.step)
        self.commit(files={**files, name: record}, step=step, automatic_resumes=0)
        for one in set(old) - set(kept):
            (self.folder / one).unlink(missing_ok=True)

    def last_checkpoint(self) -> Saved | None:
        newest = self._newest_checkpoint()
        return Saved(newest.tensors, newest.meta["meta"]) if newest else None

    def snapshot(self, step: int, tensors: Mapping[str, Tensor], meta: Meta) -> None:
        self._keep(f"{SNAPSHOTS}/{step:010d}.safetensors", tensors, meta)

    def keep(self, name: str, tensors: Mapping[str, Tensor], meta: Meta) -> None:
        assert _NAME.fullmatch(name), name
        self._keep(f"{STAGES}/{name}.safetensors", tensors, meta)

    def kept(self, name: str) -> Saved | None:
        return self._read(f"{STAGES}/{name}.safetensors")

    def commit_result(self, write: Callable[[Path], None]) -> None:
        """Let `write` fill a temporary folder, give it the name result/ and enter its files into the manifest."""
        self._check_space(0)
        final = self.folder / RESULT
        temporary = atomic.temporary_folder(final)
        self._writing("The result", lambda: write(temporary))
        names = sorted(one.relative_to(temporary).as_posix() for one in temporary.rglob("*") if one.is_file())
        records = {f"{RESULT}/{name}": _record((temporary / name).read_bytes()) for name in names}
        others = {name: one for name, one in self.manifest.files.items() if not name.startswith(f"{RESULT}/")}
        if final.exists():  # of an earlier attempt
            self.commit(files=others)
            atomic.remove_folder(final)
        self._writing("The result", lambda: atomic.commit_folder(temporary, final))
        self.commit(files={**others, **records})

    def commit(self, **changes: Any) -> None:
        """Write the manifest with these fields changed; everything handed over before is now part of the run."""
        changed = self.manifest.model_copy(update=changes)
        self._writing("The manifest", lambda: manifest.write(self.folder, changed))
        self.manifest = changed

    def _keep(self, name: str, tensors: Mapping[str, Tensor], meta: Meta) -> None:
        record = self._write(name, checkpoint.pack(name, tensors, meta))
        self.commit(files={**self.manifest.files, name: record}, automatic_resumes=0)

    def _checkpoints(self) -> list[str]:
        return sorted(name for name in self.manifest.files if name.startswith(f"{CHECKPOINTS}/"))

    def _newest_checkpoint(self) -> Saved | None:
        return next((saved for name in reversed(self._checkpoints()) if (saved := self._read(name))), None)

    def _read(self, name: str) -> Saved | None:
        """The file `name` if the manifest has it and its checksum fits; a damaged one is reported in worker.log."""
        record = self.manifest.files.get(name)
        if record is None:
            return None
        try:
            with open_regular(self.folder / name) as file:
                content = file.read(record.size + 1)
            if _record(content) != record:
                raise StoreError("its checksum does not fit")
            return checkpoint.unpack(name, content)
        except (OSError, StoreError) as error:
            logger.warning("%s is damaged and is not used: %s", name, error)
            return None

    def _write(self, name: str, content: bytes) -> FileRecord:
        self._check_space(len(content))
        self._writing(name, lambda: atomic.write_bytes(self.folder / name, content))
        return _record(content)

    def _check_space(self, size: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < MIN_FREE_BYTES + 2 * size:
            raise StoreError(
                f"The disk has {free / 2**20:,.0f} MiB free; {(MIN_FREE_BYTES + 2 * size) / 2**20:,.0f} MiB are needed "
                "to go on. What was saved before is kept: free some space, then resume the run"
            )

    @staticmethod
    def _writing(what: str, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            raise StoreError(
                f"{what} could not be written ({error.strerror}). What was saved before is kept: free some space "
                "or correct the permissions, then resume the run"
            ) from error

    def _note_data(self, digest: str) -> None:
        environment = self.manifest.environment
        if environment is None or environment.data_digest == digest:
            return
        if environment.data_digest:
            raise RunError("The data changed since this run began, so it cannot go on; duplicate it to start afresh")
        self.commit(environment=environment.model_copy(update={"data_digest": digest}))


def clear_uncommitted(folder: Path, current: Manifest) -> None:
    """Remove what an interrupted worker wrote but did not commit: temporary files, and files the manifest lacks."""
    for place in (folder, *(folder / name for name in (CHECKPOINTS, STAGES, SNAPSHOTS))):
        atomic.sweep(place)
    for name in (CHECKPOINTS, STAGES, SNAPSHOTS):
        for file in (folder / name).glob("*"):
            if f"{name}/{file.name}" not in current.files and not file.is_dir():
                file.unlink()
    if (folder / RESULT).is_dir() and not any(name.startswith(f"{RESULT}/") for name in current.files):
        atomic.remove_folder(folder / RESULT)


def _record(content: bytes) -> FileRecord:
    return FileRecord(sha256=sha256(content), size=len(content))
