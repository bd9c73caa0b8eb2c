"""Every data set this installation can open: built-in, from the catalogue, or imported by the user.

Imported events or texts are a folder `<FARZI_HOME>/datasets/d-<16 hex digits>`: the digits are a digest of the content,
so importing the same twice gives the same id. Names for people are data inside the card and never a path.
"""

import hashlib
import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from farzi_core.data import catalogue, columns, planted, python_calls, python_docs
from farzi_core.data.corpus import Corpus
from farzi_core.data.dataset import Task
from farzi_core.data.events import EventTable
from farzi_core.data.stored import load_card, load_stored, save_table
from farzi_core.errors import DatasetError
from farzi_core.home import home
from farzi_core.runs import atomic

Progress = Callable[[int, int], None]
IMPORTED = "dataset:"  # prefix of the source of an imported data set
_ID = re.compile(r"d-[0-9a-f]{16}")


class SourceCard(BaseModel):
    """One line of the list of data sets. Texts of imported sets are the user's: show them as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    """What `open_source` and `RunConfig.data.source` take."""
    name: str
    kind: Literal["builtin", "catalogue", "imported"]
    task: Task
    sentence: str
    licence: str
    citation: str = ""
    sequences: int | None = None
    events: int | None = None
    items: int | None = None
    ready: bool
    """False: needs a download first, or cannot be read; `sentence` says so."""


def add(events: EventTable | Corpus) -> str:
    """Store events or a text for good and return its id; the same content gives the same id and is stored once."""
    identifier = f"d-{_digest(events)[:16]}"
    save_table(events, _folder(identifier))
    return identifier


def remove(identifier: str) -> None:
    """Delete an imported data set; raises `DatasetError` where there is none. Finished runs keep what they need."""
    atomic.remove_folder(_existing(identifier))


def open_source(source: str, progress: Progress | None = None) -> EventTable | Corpus:
    """The events or the text of a built-in name, a catalogue name or `dataset:<id>`; raises `DatasetError`.

    `progress(done, total)` is called while Python calls are read for the first time (bytes of source).
    """
    if source == python_calls.SOURCE:
        return python_calls.read_python_calls(progress)
    if source == planted.SOURCE:
        return planted.read_planted()
    if source == python_docs.SOURCE:
        return python_docs.read_python_docs()
    if source.startswith(IMPORTED):
        return load_stored(_existing(source.removeprefix(IMPORTED)))
    if source in catalogue.ENTRIES:
        return catalogue.open_entry(source)
    known = ", ".join([*_BUILTIN, *catalogue.ENTRIES])
    raise DatasetError(f"unknown data set {source!r}; known are {known}, and {IMPORTED}<id> of an import")


def label(source: str) -> str:
    """The name a person gave an imported data set, from its card; any other source, or one that cannot be read, as is.

    Reads one small file. The name is the user's: show it as text.
    """
    if not source.startswith(IMPORTED):
        return source
    try:
        return load_card(_existing(source.removeprefix(IMPORTED))).name
    except DatasetError:
        return source


def list_sources(*, counts: bool = True) -> list[SourceCard]:
    """Built-in, catalogue and imported data sets, in this order; a damaged one is listed as not ready.

    `counts=False` leaves out the sizes of built-in sets that would have to be made for it (30 MB in a server).
    """
    builtin = [_builtin_card(key, counts) for key in _BUILTIN]
    return [*builtin, *map(_catalogue_card, catalogue.ENTRIES), *_imported_cards()]


_BUILTIN: dict[str, tuple[str, Task, str, str]] = {
    python_calls.SOURCE: (
        python_calls.NAME,
        "recommendation",
        "Which function is called next? Real code of this Python and its packages, one sequence a function.",
        python_calls.LICENCE,
    ),
    planted.SOURCE: (
        planted.NAME,
        "recommendation",
        "Generated walks through groups of items; the best possible accuracy is known exactly.",
        planted.LICENCE,
    ),
    python_docs.SOURCE: (
        python_docs.NAME,
        "language",
        "Sentences of the Python language reference: which word comes next?",
        python_docs.LICENCE,
    ),
}


def _builtin_card(key: str, counts: bool) -> SourceCard:
    name, task, sentence, licence = _BUILTIN[key]
    known = _builtin_counts(key, counts) or {}
    return SourceCard(
        key=key,
        name=name,
        kind="builtin",
        task=task,
        sentence=sentence,
        licence=licence,
        sequences=known.get("sequences"),
        events=known.get("events"),
        items=known.get("items"),
        ready=True,
    )


def _builtin_counts(key: str, make: bool) -> dict[str, int] | None:
    if key == python_calls.SOURCE:
        return python_calls.cached_counts()
    return _made_counts(key) if make else None


@lru_cache(maxsize=4)
def _made_counts(key: str) -> dict[str, int]:
    report = open_source(key).report
    return {"sequences": report.users, "events": report.events, "items": report.items}


def _catalogue_card(key: str) -> SourceCard:
    entry = catalogue.ENTRIES[key]
    return SourceCard(
        key=key,
        name=entry.name,
        kind="catalogue",
        task=entry.task,
        sentence=entry.sentence,
        licence=entry.licence,
        citation=entry.citation,
        sequences=entry.sequences,
        events=entry.events,
        items=entry.items,
        ready=catalogue.is_ready(key),
    )


def _imported_cards() -> list[SourceCard]:
    folder = home() / "datasets"
    names = sorted(entry.name for entry in folder.iterdir() if _ID.fullmatch(entry.name)) if folder.is_dir() else []
    return [_imported_card(name) for name in names]


def _imported_card(identifier: str) -> SourceCard:
    key = IMPORTED + identifier
    try:
        card = load_card(_existing(identifier))
    except DatasetError as error:
        return SourceCard(
            key=key,
            name=identifier,
            kind="imported",
            task="recommendation",
            sentence=str(error),
            licence="",
            ready=False,
        )
    return SourceCard(
        key=key,
        name=card.name,
        kind="imported",
        task="language" if card.kind == "text" else "recommendation",
        sentence=f"Imported {card.stored} from {card.report.file}",
        licence=card.licence,
        citation=card.citation,
        sequences=card.report.users,
        events=card.report.events,
        items=card.report.items,
        ready=True,
    )


def _folder(identifier: str) -> Path:
    if not _ID.fullmatch(identifier):
        raise DatasetError(f"{identifier!r} is not the id of an imported data set; ids look like d-0123456789abcdef")
    return home() / "datasets" / identifier


def _existing(identifier: str) -> Path:
    folder = _folder(identifier)
    if folder.is_symlink() or any(entry.is_symlink() for entry in folder.glob("*")):
        raise DatasetError(f"data set {identifier} contains a link; links are not followed. Remove it by hand")
    if not folder.is_dir():
        raise DatasetError(
            f"there is no imported data set {identifier}; it may have been removed. Import the file again"
        )
    return folder


def _digest(events: EventTable | Corpus) -> str:
    """SHA-256 hex over events and items, or over the sentences; the name and the report are not content."""
    sha = hashlib.sha256()
    if isinstance(events, Corpus):
        for name in (columns.USER, columns.PART, columns.TEXT):
            sha.update(json.dumps(events.frame[name].tolist()).encode())
        return sha.hexdigest()
    for name in (columns.USER, columns.ITEM):
        codes, ids = pd.factorize(events.frame[name])
        sha.update(json.dumps(ids.tolist()).encode())
        sha.update(np.ascontiguousarray(codes, dtype="<i8").tobytes())
    sha.update(np.ascontiguousarray(events.frame[columns.TIME], dtype="<f8").tobytes())
    for name in (columns.ITEM, columns.TITLE, columns.GROUP):
        sha.update(json.dumps(events.items[name].tolist()).encode())
    return sha.hexdigest()
