"""An event table as a folder: events.parquet, items.parquet, card.json. Used for imported data sets and caches."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from farzi_core.data import columns
from farzi_core.data.events import EventTable, IngestReport
from farzi_core.errors import DatasetError
from farzi_core.runs import atomic

EVENTS_FILE = "events.parquet"
ITEMS_FILE = "items.parquet"
CARD_FILE = "card.json"
SCHEMA_VERSION = 1
_AGAIN = "remove it and import the file again"


class Card(BaseModel):
    """What a stored table is and where it comes from; `card.json`, written last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    name: str
    source: str
    licence: str
    citation: str
    stored: str
    """UTC time of storing, for show."""
    report: IngestReport


def save_table(table: EventTable, folder: Path) -> None:
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


def cache_table(table: EventTable, folder: Path) -> None:
    """`save_table` for what can be made again: a full disk costs the time of making it, nothing else."""
    try:
        save_table(table, folder)
    except DatasetError as error:
        logging.getLogger(__name__).warning("not cached: %s", error)


def _fill(table: EventTable, temporary: Path) -> None:
    table.frame.to_parquet(temporary / EVENTS_FILE, index=False, compression="zstd")
    table.items.to_parquet(temporary / ITEMS_FILE, index=False, compression="zstd")
    card = Card(
        name=table.name,
        source=table.source,
        licence=table.licence,
        citation=table.citation,
        stored=datetime.now(UTC).isoformat(timespec="seconds"),
        report=table.report,
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
    """The stored event table; raises `DatasetError` where it is missing or damaged."""
    card = load_card(folder)
    try:
        frame = pd.read_parquet(folder / EVENTS_FILE, columns=[columns.USER, columns.ITEM, columns.TIME])
        frame = frame.astype({columns.USER: "str", columns.ITEM: "str", columns.TIME: "float64"})
        items = pd.read_parquet(folder / ITEMS_FILE, columns=[columns.ITEM, columns.TITLE, columns.GROUP]).astype("str")
        return EventTable(card.name, frame, items, card.report, card.source, card.licence, card.citation)
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        raise DatasetError(
            f"data set {card.name!r}: its tables cannot be read ({type(error).__name__}); {_AGAIN}"
        ) from None
