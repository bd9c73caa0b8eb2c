"""What a computation needs from its surroundings: a place for events, checkpoints and finished stages, and a stop sign.

The numerics know nothing of folders: `runs.folder.FolderRecorder` writes to a run folder, `MemoryRecorder` keeps
everything in memory for notebooks and tests.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from torch import Tensor

Meta = dict[str, Any]  # JSON values


class Saved(NamedTuple):
    """Tensors by name and the JSON values that belong to them."""

    tensors: dict[str, Tensor]
    meta: Meta


class Stopped(Exception):
    """Raised by the pipeline after a stop request was seen and a checkpoint written."""


class Recorder(Protocol):
    def log(self, event: str, /, **values: Any) -> None:
        """Append one line to the run's record (kinds: `docs/run-folder.md`)."""

    def should_stop(self) -> bool:
        """True once a person asked the run to stop; asked after every step."""

    def checkpoint(self, tensors: Mapping[str, Tensor], meta: Meta) -> None:
        """Everything a resume needs, replacing the one before (two generations are kept)."""

    def last_checkpoint(self) -> Saved | None:
        """The newest valid checkpoint."""

    def snapshot(self, step: int, tensors: Mapping[str, Tensor], meta: Meta) -> None:
        """The synthetic data at an outer step, kept for good (replay)."""

    def keep(self, name: str, tensors: Mapping[str, Tensor], meta: Meta) -> None:
        """The product of a finished stage, written once; a resumed run reads it instead of computing it again."""

    def kept(self, name: str) -> Saved | None:
        """What `keep` stored under `name`, or None."""


def stop_where_asked(recorder: Recorder) -> None:
    """Raise `Stopped` if the run was asked to stop: for work before and after the outer loop, which keeps nothing."""
    if recorder.should_stop():
        raise Stopped


def kept_or_made(recorder: Recorder, name: str, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """A stage's tensors: read if the stage is done, else made and kept. Raises `Stopped` before it makes them."""
    saved = recorder.kept(name)
    if saved is not None:
        return saved.tensors
    stop_where_asked(recorder)
    # In the memory layout in which a resumed run reads them: another one changes the last bit of matrix products
    tensors = {part: tensor.contiguous() for part, tensor in make().items()}
    recorder.keep(name, tensors, {})
    return tensors


class MemoryRecorder:
    """A `Recorder` without files: `events` holds the log, `on_event` sees each line as it is made."""

    def __init__(self, on_event: Callable[[Meta], None] | None = None) -> None:
        self.events: list[Meta] = []
        self.snapshots: dict[int, Saved] = {}
        self.stop_requested = False
        self._on_event = on_event
        self._checkpoint: Saved | None = None
        self._kept: dict[str, Saved] = {}

    def log(self, event: str, /, **values: Any) -> None:
        line = {"event": event, **values}
        self.events.append(line)
        if self._on_event:
            self._on_event(line)

    def should_stop(self) -> bool:
        return self.stop_requested

    def checkpoint(self, tensors: Mapping[str, Tensor], meta: Meta) -> None:
        self._checkpoint = _copy(tensors, meta)

    def last_checkpoint(self) -> Saved | None:
        return self._checkpoint

    def snapshot(self, step: int, tensors: Mapping[str, Tensor], meta: Meta) -> None:
        self.snapshots[step] = _copy(tensors, meta)

    def keep(self, name: str, tensors: Mapping[str, Tensor], meta: Meta) -> None:
        self._kept[name] = _copy(tensors, meta)

    def kept(self, name: str) -> Saved | None:
        return self._kept.get(name)


def _copy(tensors: Mapping[str, Tensor], meta: Meta) -> Saved:
    return Saved({name: tensor.detach().clone() for name, tensor in tensors.items()}, dict(meta))
