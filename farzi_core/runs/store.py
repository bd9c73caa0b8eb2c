"""All runs of one data home: make, list, open, rename, delete. No torch: pages use it.

A run's folder name is a random id, or is derived from the idempotency key of a form (`request_id`); no text of a user
ever becomes a path.
"""

import json
import os
import secrets
from pathlib import Path

from farzi_core.config import RunConfig, with_settings
from farzi_core.errors import RunError, StoreError
from farzi_core.home import home
from farzi_core.runs import atomic, cached, manifest
from farzi_core.runs.files import sha256
from farzi_core.runs.locks import run_locked, store_locked
from farzi_core.runs.manifest import CONFIG, RUN_ID, Manifest, RunState
from farzi_core.runs.run import Run, RunSummary, has_worker, settings_digest, stored_settings
from farzi_core.runs.slots import next_number

__all__ = ["Run", "RunState", "RunSummary", "Store"]


class Store:
    """The run folders under `root`; default: `runs/` of the data home."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or home() / "runs").resolve()

    def create(self, config: RunConfig, request_id: str | None = None) -> Run:
        """A queued run with these settings. The same `request_id` gives the same run, however often and from wherever.

        The folder is filled under a temporary name and renamed: it is there with everything in it, or not at all.
        """
        run = self._run(_run_id(request_id))
        with store_locked(self.root):
            if not os.path.lexists(run.folder):
                self._fill(run, config)
        return self.open(run.id)

    def _fill(self, run: Run, config: RunConfig) -> None:
        number = next_number(self.root)
        first = Manifest(
            id=run.id,
            number=number,
            ticket=number,
            config_digest=settings_digest(config),
            created=manifest.now(),
        )
        temporary = atomic.temporary_folder(run.folder)
        atomic.write_bytes(temporary / CONFIG, _config_bytes(config))
        manifest.write(temporary, first)
        atomic.commit_folder(temporary, run.folder)

    def open(self, run_id: str) -> Run:
        """The run with this id; raises `RunError` if there is none, `StoreError` if its manifest is damaged."""
        run = self._existing(run_id)
        _ = run.manifest
        return run

    def list(self) -> list[RunSummary]:
        """Newest first. A damaged folder becomes a summary in state `damaged`; it never breaks the list."""
        if not self.root.is_dir():
            return []
        names = [entry.name for entry in os.scandir(self.root) if RUN_ID.fullmatch(entry.name)]
        summaries = [one for one in map(self._summary, names) if one is not None]
        return sorted(summaries, key=lambda one: (one.number, one.id), reverse=True)

    def rename(self, run_id: str, name: str) -> None:
        """Give the run another name for people; raises `ConfigError` for a name that is too long."""
        run = self._existing(run_id)
        with store_locked(self.root):
            _refuse_read_only(run)
            with_settings(run.config, {"name": name})  # refuses names that break a rule
            renamed = {**stored_settings(run.folder), "name": name}  # nothing else changes, whichever version wrote it
            atomic.write_bytes(run.folder / CONFIG, json.dumps(renamed, indent=1).encode() + b"\n")

    def delete(self, run_id: str) -> None:
        """Remove the run and its retrainings for good; raises `RunError` while it has a worker. Damaged runs can be
        deleted too."""
        run = self._existing(run_id)
        with store_locked(self.root):
            _refuse_read_only(run)
            if run.state().active and has_worker(run.folder):
                raise RunError(f"Run {run.id} has a worker at work; stop it first")
            with run_locked(run.folder):  # the worker of a run that has just ended needs a moment to go
                atomic.remove_folder(run.folder)
            cached.forget(run.id)

    def sweep(self) -> int:
        """Remove what crashed creations and deletions left; returns how many entries."""
        with store_locked(self.root):
            return atomic.sweep(self.root)

    def _summary(self, run_id: str) -> RunSummary | None:
        run = self._run(run_id)
        if run.folder.is_symlink():
            return RunSummary(
                run_id, RunState.DAMAGED, "This run folder is a symbolic link, which is refused; remove it"
            )
        summary = run.summary()
        return summary if run.folder.is_dir() else None  # it may have been deleted while we looked

    def _existing(self, run_id: str) -> Run:
        run = self._run(run_id)
        if run.folder.is_symlink():
            raise StoreError(f"Run {run_id} is a symbolic link, which is refused; remove the link by hand")
        if not run.folder.is_dir():
            raise RunError(f"There is no run {run_id}; it may have been deleted. Choose one from the list")
        return run

    def _run(self, run_id: str) -> Run:
        if not RUN_ID.fullmatch(run_id):
            raise RunError(f"{run_id[:80]!r} is no run id; an id is r- and 16 hex digits. Choose a run from the list")
        folder = self.root / run_id
        assert folder.parent == self.root
        return Run(folder)


def _run_id(request_id: str | None) -> str:
    if request_id is None:
        return f"r-{secrets.token_hex(8)}"
    return f"r-{sha256(request_id.encode('utf-8', errors='surrogatepass'))[:16]}"


def _config_bytes(config: RunConfig) -> bytes:
    return config.model_dump_json(indent=1).encode() + b"\n"


def _refuse_read_only(run: Run) -> None:
    try:
        reason = run.read_only
    except StoreError:  # damaged: nothing left to protect
        return
    if reason:
        raise StoreError(reason)
