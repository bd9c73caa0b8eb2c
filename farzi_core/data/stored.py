"""Data as a folder, for imported data sets and caches: card.json, and events.parquet with items.parquet, or
texts.parquet for a corpus.
"""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from farzi_core.data import columns
from farzi_core.data.corpus import Corpus, TokeniserKind, corpus_frame
from farzi_core.data.events import EventTable, IngestReport
from farzi_core.errors import DatasetError
from farzi_core.runs import atomic

EVENTS_FILE = "events.parquet"
ITEMS_FILE = "items.parquet"
TEXTS_FILE = "texts.parquet"
CARD_FILE = "card.json"
SCHEMA_VERSION = 1
_AGAIN = "remove it and import the file again"


class Card(BaseModel):
    """What is stored and where it comes from; `card.json`, written last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    name: str
    source: str
    licence: str
    citation: str
    stored: str
    """UTC time of storing, for show."""
    report: IngestReport
    kind: Literal["events", "text"] = "events"
    tokeniser: TokeniserKind = "words"
    """Of a text: what it asks for."""


def save_table(table: EventTable | Corpus, folder: Path) -> None:
    """Write `table` as the new folder `folder`, whole or not at all; an existing folder is left as it is.

    Raises `DatasetError` where it cannot be written.
    """
    if folder.exists():
        return
    try:
        temporary = atomic.temporary_folder(folder)
        try:
            _fill(table, temporary)
            atomic.commit_folder(temporary, folder)
        finally:
            atomic.discard(temporary)
    except OSError as error:
        if not folder.exists():  # else somebody stored the same content first: nothing to do
            reason = error.strerror or type(error).__name__
            raise DatasetError(f"{table.name!r} could not be stored in {folder.parent}: {reason}") from error


def cache_table(table: EventTable | Corpus, folder: Path) -> None:
    """`save_table` for what can be made again: a full disk costs the time of making it, nothing else."""
    try:
        save_table(table, folder)
    except DatasetError as error:
        logging.getLogger(__name__).warning("not cached: %s", error)


def _fill(table: EventTable | Corpus, temporary: Path) -> None:
    if isinstance(table, Corpus):
        table.frame.to_parquet(temporary / TEXTS_FILE, index=False, compression="zstd")
    else:
        table.frame.to_parquet(temporary / EVENTS_FILE, index=False, compression="zstd")
        table.items.to_parquet(temporary / ITEMS_FILE, index=False, compression="zstd")
    card = Card(
        name=table.name,
        source=table.source,
        licence=table.licence,
        citation=table.citation,
        stored=datetime.now(UTC).isoformat(timespec="seconds"),
        report=table.report,
        kind="text" if isinstance(table, Corpus) else "events",
        tokeniser=table.tokeniser if isinstance(table, Corpus) else "words",
    )
    (temporary / CARD_FILE).write_text(card.model_dump_json(indent=1), encoding="utf-8")


def load_card(folder: Path) -> Card:
    """The card of a stored table; raises `DatasetError` where it is missing, damaged or from a newer version."""
    try:
        values: dict[str, Any] = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        card = Card.model_validate(values)
    except (OSError, ValueError, ValidationError) as error:
        raise DatasetError(
            f"data set {folder.name}: its card cannot be read ({type(error).__name__}); {_AGAIN}"
        ) from None
    if card.schema_version > SCHEMA_VERSION:
        raise DatasetError(
            f"data set {folder.name} was stored by a newer Farzi Studio (schema {card.schema_version}, this one reads "
            f"{SCHEMA_VERSION}); update Farzi Studio"
        )
    return card


def load_table(folder: Path) -> EventTable:
    """The stored event table; raises `DatasetError` where it is missing, damaged or a text."""
    stored = load_stored(folder)
    if isinstance(stored, Corpus):
        raise DatasetError(f"data set {stored.name!r} is a text, not a table of events; import the events")
    return stored


def load_stored(folder: Path) -> EventTable | Corpus:
    """The stored events or text; raises `DatasetError` where they are missing or damaged."""
    card = load_card(folder)
    try:
        if card.kind == "text":
            return _corpus(card, folder)
        frame = pd.read_parquet(folder / EVENTS_FILE, columns=[columns.USER, columns.ITEM, columns.TIME])
        frame = frame.astype({columns.USER: "str", columns.ITEM: "str", columns.TIME: "float64"})
        items = pd.read_parquet(folder / ITEMS_FILE, columns=[columns.ITEM, columns.TITLE, columns.GROUP]).astype("str")
        return EventTable(card.name, frame, items, card.report, card.source, card.licence, card.citation)
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        raise DatasetError(
            f"data set {card.name!r}: its tables cannot be read ({type(error).__name__}); {_AGAIN}"
        ) from None


def _corpus(card: Card, folder: Path) -> Corpus:
    stored = pd.read_parquet(folder / TEXTS_FILE, columns=[columns.USER, columns.PART, columns.TEXT]).astype("str")
    frame = corpus_frame(*(stored[name].tolist() for name in (columns.USER, columns.PART, columns.TEXT)))
    return Corpus(card.name, frame, card.report, card.source, card.licence, card.citation, card.tokeniser)
