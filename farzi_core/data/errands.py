"""Work of seconds to minutes that a page asks for, in a process of its own: portraits, downloads, asking students.

    page -> start(errand) -> python -m farzi_core.data.errands KIND SOURCE -> result.json
    page -> look(errand)  -> progress, result or refusal from files, the same for every tab and for a new server

Event tables and parsers therefore never enter the server. An errand runs once at a time: its process holds a lock.
"""

import hashlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from farzi_core.data import catalogue, library
from farzi_core.data.corpus import Corpus
from farzi_core.data.events import Finding, IngestReport
from farzi_core.data.prepare import prepare
from farzi_core.data.profile import Profile, profile
from farzi_core.data.turns import turn
from farzi_core.errors import DatasetError, FarziError, StoreError
from farzi_core.evaluation import surgery
from farzi_core.evaluation.prompt import Answer
from farzi_core.evaluation.surgery import Retrained
from farzi_core.home import home
from farzi_core.limits import MAX_RECORD_BYTES
from farzi_core.runs import atomic, cached
from farzi_core.runs.environment import offer_to_oom_killer
from farzi_core.runs.files import open_append, read_bounded
from farzi_core.runs.locks import alive, held, identity, try_lock
from farzi_core.runs.manifest import RUN_ID, Process

Kind = Literal["portrait", "download", "retrain", "answer"]
OF_A_RUN: tuple[Kind, ...] = ("retrain", "answer")  # each question is an errand of its own, and each holds torch
Result = TypeVar("Result", bound=BaseModel)
RULE = 3  # part of the folder's name: raise it when a result changes its form or meaning
NOTE_SECONDS = 0.3  # least time between two notes of progress
_ROOT = Path(__file__).resolve().parents[2]  # where `farzi_core` is importable from, installed or not
log = logging.getLogger(__name__)


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Portrait(Record):
    """A data set as the Data page shows it: how it was read, what was set aside, how it looks."""

    report: IngestReport
    findings: tuple[Finding, ...]
    """Of `prepare`, with its default settings."""
    profile: Profile

    @property
    def sizes(self) -> dict[str, int]:
        """What an estimate needs. Items are those as read: the profile has the default cut behind it."""
        return {"sequences": self.profile.sequences, "events": self.profile.events, "items": self.report.items}


class Look(Record):
    """Where an errand is. Neither at work, nor refused, nor with a result: it was never started, or was killed."""

    at_work: bool
    done: int = 0
    total: int = 0
    """Units depend on the errand (bytes); 0 where unknown."""
    waiting: str = ""
    """What it waits for before it begins."""
    refused: str = ""
    """Why it could not be done; a sentence that may quote data."""


@dataclass(frozen=True)
class Errand:
    """One thing to do: its kind and what it is about, a data set, or a run and what is asked of it
    (`surgery.source`, `prompt.Question.source`)."""

    kind: Kind
    source: str

    @property
    def folder(self) -> Path:
        """Named by a digest, so that no text from outside becomes a path. What is about a run goes with the run."""
        rule = f"{RULE}.{surgery.RULE}" if self.kind == "retrain" else RULE
        digest = hashlib.sha256(f"{self.kind}\n{self.source}\n{rule}".encode()).hexdigest()
        return (cached.folder(self.run_id) if self.run_id else _folder()) / digest[:16]

    @property
    def run_id(self) -> str:
        """The run it is about, or nothing."""
        first = self.source.partition("/")[0] if self.kind in OF_A_RUN else ""
        return first if RUN_ID.fullmatch(first) else ""


def _folder() -> Path:
    return home() / "cache" / "errands"


def portrait(source: str) -> Portrait | None:
    """The finished portrait of a data set, or None."""
    return _result(Errand("portrait", source), Portrait)


def retrained(source: str) -> Retrained | None:
    """What students learnt from an edited run, or None as long as none were trained."""
    return _result(Errand("retrain", source), Retrained)


def answered(source: str) -> Answer | None:
    """What the students of a run say to a question, or None as long as nobody asked."""
    return _result(Errand("answer", source), Answer)


def _result(errand: Errand, form: type[Result]) -> Result | None:
    try:
        return form.model_validate_json(read_bounded(errand.folder / cached.RESULT, MAX_RECORD_BYTES))
    except (StoreError, ValidationError):
        return None


_READ: dict[Kind, Callable[[str], BaseModel | None]] = {
    "portrait": portrait,
    "retrain": retrained,
    "answer": answered,
}


def finished(errand: Errand) -> bool:
    """Whether the errand has done what it was for."""
    if errand.kind == "download":
        return catalogue.is_ready(errand.source)
    return _READ[errand.kind](errand.source) is not None


def look(errand: Errand) -> Look:
    """Progress or refusal, as the errand's process noted it last."""
    at_work = held(errand.folder / "lock") or alive(_started(errand))
    try:
        note = Look.model_validate_json(read_bounded(errand.folder / "note.json", MAX_RECORD_BYTES))
    except (StoreError, ValidationError):
        note = Look(at_work=at_work)
    return note.model_copy(update={"at_work": at_work})


def start(errand: Errand) -> None:
    """Begin, unless it is being done already. Returns at once."""
    errand.folder.mkdir(parents=True, exist_ok=True)
    (errand.folder / "note.json").unlink(missing_ok=True)
    output = open_append(errand.folder / "log")
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-m", "farzi_core.data.errands", errand.kind, errand.source],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=_ROOT,
            env={**os.environ, "FARZI_HOME": str(home())},
        )
    finally:
        os.close(output)
    if (started := identity(process.pid)) is not None:
        atomic.write_bytes(errand.folder / "started.json", started.model_dump_json().encode())
    threading.Thread(target=process.wait, daemon=True).start()  # or it stays a zombie


def _started(errand: Errand) -> Process | None:
    """The process that was started last; it may not have reached its lock yet."""
    try:
        return Process.model_validate_json(read_bounded(errand.folder / "started.json", MAX_RECORD_BYTES))
    except (StoreError, ValidationError):
        return None


def main(kind: str, source: str) -> None:
    """The process: one errand under its lock; what a user can cause becomes a note, a bug goes to the log."""
    if kind not in get_args(Kind):
        raise SystemExit(f"unknown errand {kind!r}")
    errand = Errand(cast(Kind, kind), source)
    lock = try_lock(errand.folder / "lock")
    if lock is None:
        return  # somebody else is at it
    try:
        with _turn(errand):
            result = _WORK[errand.kind](source, _notes(errand))
    except FarziError as error:
        _note(errand, Look(at_work=False, refused=str(error)))
    except Exception:
        log.exception("errand failed")
        _note(errand, Look(at_work=False, refused="An internal error; the log of the errand has the details."))
    else:
        if result is not None:
            atomic.write_bytes(errand.folder / cached.RESULT, result.model_dump_json().encode())
        if errand.run_id:
            cached.keep_newest(errand.run_id)
        (errand.folder / "note.json").unlink(missing_ok=True)
    finally:
        lock.release()


def _turn(errand: Errand) -> AbstractContextManager[None]:
    """Errands of a kind in `OF_A_RUN` come one at a time: there may be one for everything that a person types."""
    if errand.kind not in OF_A_RUN:
        return nullcontext()
    said = Look(at_work=True, waiting="Waiting until another one like it is done")
    return turn(_folder(), errand.kind, lambda: _note(errand, said))


Progress = Callable[[int, int], None]


def _portrait(source: str, progress: Progress) -> Portrait:
    card = next((one for one in library.list_sources(counts=False) if one.key == source), None)
    if card is None:
        raise DatasetError(f"there is no data set {source!r}; choose one from the list")
    opened = library.open_source(source, progress)
    dataset = prepare(opened, task=card.task)
    events = None if isinstance(opened, Corpus) else opened
    return Portrait(report=opened.report, findings=dataset.findings, profile=profile(dataset, events))


def _download(source: str, progress: Progress) -> None:
    """Started only after the licence was accepted on the page."""
    from farzi_core.data import download  # only in the errand's process: the server needs no HTTP client

    download.download(source, accept_licence=True, progress=lambda done, total: progress(done, total or 0))


def _retrain(source: str, progress: Progress) -> Retrained:
    from farzi_core import retrain  # torch, for which this process is

    return retrain.retrain(source, progress)


def _answer(source: str, _: Progress) -> Answer:
    from farzi_core.answer import answer  # torch, for which this process is

    return answer(source)


_WORK: dict[Kind, Callable[[str, Progress], BaseModel | None]] = {
    "portrait": _portrait,
    "download": _download,
    "retrain": _retrain,
    "answer": _answer,
}


def _notes(errand: Errand) -> Progress:
    """A callback that writes progress down now and then."""
    last = 0.0

    def note(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= NOTE_SECONDS:
            last = time.monotonic()
            _note(errand, Look(at_work=True, done=done, total=total))

    return note


def _note(errand: Errand, note: Look) -> None:
    atomic.write_bytes(errand.folder / "note.json", note.model_dump_json().encode())


if __name__ == "__main__":
    offer_to_oom_killer()
    main(*sys.argv[1:3])
