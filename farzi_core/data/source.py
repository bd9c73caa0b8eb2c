"""What every format looks like after it was opened: names, a few rows to look at, whole columns on request.

All columns are read as strings (or lists of strings), exactly as written: `007`, `NA` and 23-digit numbers stay.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from farzi_core import limits
from farzi_core.data.mapping import Mapping
from farzi_core.errors import DatasetError

HEAD_ROWS = 100  # rows looked at to recognise columns
CHUNK_ROWS = 1 << 16  # rows held as Python objects at a time


class ReadOptions(BaseModel):
    """What the user may decide about reading; None means: recognise it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delimiter: str | None = None
    """Column separator: one of , ; tab | space or ::"""
    encoding: str | None = None
    """One of `encoding.ENCODINGS`."""
    header: bool | None = None
    """Whether the first line holds the column names."""


@dataclass(frozen=True)
class RawTable:
    """Columns as read: `pyarrow.ChunkedArray` of large_string or list<large_string>, `rows` long each."""

    columns: dict[str, Any]
    rows: int
    blank_lines: int = 0


@dataclass(frozen=True)
class Source(ABC):
    """An opened table. `known` is the mapping of a format whose columns have fixed meanings."""

    format: str
    columns: tuple[str, ...]
    delimiter: str | None = field(default=None, kw_only=True)
    encoding: str | None = field(default=None, kw_only=True)
    header: bool = field(default=True, kw_only=True)
    known: Mapping | None = field(default=None, kw_only=True)
    group_names: dict[str, str] = field(default_factory=dict, kw_only=True)
    titles: "Source | None" = field(default=None, kw_only=True)
    notes: tuple[str, ...] = field(default=(), kw_only=True)

    @abstractmethod
    def head(self, rows: int = HEAD_ROWS) -> list[tuple[str, ...]]:
        """The first rows, as strings."""

    @abstractmethod
    def read(self, wanted: Sequence[str], optional: Sequence[str] = ()) -> RawTable:
        """The named columns in full; raises `DatasetError` with the line, the value and the rule.

        A value that is missing altogether (null, no key) is refused, in `optional` columns it is read as "".
        """

    @abstractmethod
    def place(self, row: int) -> str:
        """Where row 0, 1, ... is in the file, for people: "line 17"."""

    def kind_of(self, column: str) -> str:
        """ "text" unless the format stores types (Parquet)."""
        return "text"


class ColumnBuilder:
    """Collects rows chunk by chunk into Arrow columns, so that Python objects never pile up."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self.chunks: dict[str, list[Any]] = {name: [] for name in wanted}
        self.rows = 0

    def add(self, count: int, cells: dict[str, Any]) -> None:
        """Append `count` rows: one list of strings, or Arrow array, a column."""
        self.rows += count
        if self.rows > limits.MAX_EVENTS:
            raise too_many_rows()
        for name, chunks in self.chunks.items():
            values = cells[name]
            chunks.append(pa.array(values, pa.large_string()) if isinstance(values, list) else values)

    def finish(self, blank_lines: int = 0) -> RawTable:
        if self.rows == 0:
            raise DatasetError("the table has no rows; choose a file with at least one event")
        columns = {name: pa.chunked_array(chunks) for name, chunks in self.chunks.items()}
        return RawTable(columns, self.rows, blank_lines)


def too_many_rows() -> DatasetError:
    return DatasetError(
        f"the table has more than {limits.MAX_EVENTS:,} rows, the most that are read; take a sample of users"
    )


def check_columns(names: Sequence[str]) -> tuple[str, ...]:
    """`names` if they are at most `MAX_COLUMNS`, printable, short and unique; raises `DatasetError`."""
    if len(names) > limits.MAX_COLUMNS:
        raise DatasetError(
            f"line 1: {len(names):,} columns; at most {limits.MAX_COLUMNS} are read. Keep user, item and time, "
            "or choose another delimiter"
        )
    for position, name in enumerate(names, start=1):
        if not name.isprintable() or len(name) > limits.MAX_COLUMN_NAME_LENGTH:
            raise DatasetError(
                f"line 1: the name of column {position} is {name[:40]!r}; names are printable and at most "
                f"{limits.MAX_COLUMN_NAME_LENGTH} characters long"
            )
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if name in seen:
            raise DatasetError(
                f"line 1: column {position} is called {name!r} like one before it; give each its own name"
            )
        seen.add(name)
    return tuple(names)
