"""Delimited text -> columns of strings, by the rules of the standard library's strict `csv` reader.

Own rules on top: every row has as many fields as the first; blank lines hold nothing and are counted; nothing is
converted. One pass in chunks: a million rows of four columns take about a second.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NoReturn, Protocol

from farzi_core import limits
from farzi_core.data.source import CHUNK_ROWS, HEAD_ROWS, ColumnBuilder, RawTable, Source
from farzi_core.errors import DatasetError

_BLANK_LINES = 1000  # blank lines passed over while looking at the first rows


@dataclass(frozen=True)
class Dialect:
    """How cells are separated. `delimiter` "" means that a line is one cell."""

    delimiter: str
    quoted: bool


class Rows(Protocol):
    """An iterator of rows that knows the physical line it has reached, as `csv.reader` does."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


class PlainRows:
    """Rows of a dialect `csv` has no word for: several characters between cells, or none. No quotes."""

    def __init__(self, lines: Iterable[str], delimiter: str) -> None:
        self._lines = iter(lines)
        self._delimiter = delimiter
        self.line_num = 0

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        line = next(self._lines).rstrip("\r\n")
        self.line_num += 1
        if len(line) > limits.MAX_CELL_CHARACTERS:
            raise csv.Error("field larger than field limit")
        if not line:
            return []
        return line.split(self._delimiter) if self._delimiter else [line]


def open_rows(data: bytes, dialect: Dialect) -> Rows:
    """All rows of checked UTF-8 text; blank lines come as []. The iterator raises `csv.Error`."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    if len(dialect.delimiter) != 1:
        return PlainRows(lines, dialect.delimiter)
    csv.field_size_limit(limits.MAX_CELL_CHARACTERS)  # global to the process; ours is the only csv reader
    if dialect.quoted:
        return csv.reader(lines, delimiter=dialect.delimiter, strict=True)
    return csv.reader(lines, delimiter=dialect.delimiter, quotechar=None, quoting=csv.QUOTE_NONE, strict=True)


def first_rows(data: bytes, dialect: Dialect, count: int) -> list[list[str]]:
    """The first `count` rows that are not blank, among the first lines; raises `DatasetError` with the line."""
    rows = islice(_guarded(open_rows(data, dialect)), count + _BLANK_LINES)
    return list(islice((row for row in rows if row), count))


@dataclass(frozen=True)
class DelimitedSource(Source):
    """A delimited text table; `data` is checked UTF-8."""

    data: bytes
    dialect: Dialect

    def head(self, rows: int = HEAD_ROWS) -> list[tuple[str, ...]]:
        skip = int(self.header)
        taken = [tuple(row) for row in first_rows(self.data, self.dialect, rows + skip)[skip:]]
        if any(len(row) != len(self.columns) for row in taken):
            self._refuse_width()
        return taken

    def read(self, wanted: Sequence[str], optional: Sequence[str] = ()) -> RawTable:
        rows = open_rows(self.data, self.dialect)
        index = {name: self.columns.index(name) for name in wanted}
        builder, blank = ColumnBuilder(wanted), 0
        body = _guarded(rows)
        blank += self._skip_header(body)
        while batch := list(islice(body, CHUNK_ROWS)):
            if set(map(len, batch)) != {len(self.columns)}:
                full = [row for row in batch if row]
                blank += len(batch) - len(full)
                if any(len(row) != len(self.columns) for row in full):
                    self._refuse_width()
                batch = full
            if batch:
                builder.add(len(batch), {name: [row[at] for row in batch] for name, at in index.items()})
        return builder.finish(blank)

    def place(self, row: int) -> str:
        return f"line {self._line_of(row + int(self.header))}"

    def _skip_header(self, body: Iterator[list[str]]) -> int:
        """Pass over the header; returns how many blank lines stood before it."""
        blank = 0
        if self.header:
            while not next(body, ["end"]):
                blank += 1
        return blank

    def _line_of(self, index: int) -> int:
        """First physical line of the non-blank row `index`; reads again, for error messages only."""
        rows = open_rows(self.data, self.dialect)
        before = 0
        for row in rows:
            if row and index == 0:
                return before + 1
            index -= bool(row)
            before = rows.line_num
        raise AssertionError("row beyond the end of the table")

    def _refuse_width(self) -> NoReturn:
        rows = open_rows(self.data, self.dialect)
        before = 0
        for row in rows:
            if row and len(row) != len(self.columns):
                shown = self.dialect.delimiter.join(row)[:80]
                raise DatasetError(
                    f"line {before + 1}: {len(row):,} fields, but the first line has {len(self.columns)} "
                    f"(separator {name_of(self.dialect.delimiter)}): {shown!r}. Every row needs the same number; "
                    "put quotes around cells that hold the separator, or choose another delimiter"
                )
            before = rows.line_num
        raise AssertionError("no row of a wrong width")


def _guarded(rows: Rows) -> Iterator[list[str]]:
    """`rows` with `csv.Error` turned into words that name the line where the bad row starts."""
    reached = 0
    try:
        for row in rows:
            reached = rows.line_num
            yield row
    except csv.Error as error:
        raise DatasetError(f"line {reached + 1}: {_words(str(error))}") from None


def _words(reason: str) -> str:
    if "field limit" in reason:
        return f"a cell is longer than {limits.MAX_CELL_CHARACTERS:,} characters, the most that is read"
    if "unexpected end" in reason:
        return 'a quoted cell is never closed; add the missing " or double every " inside quoted cells'
    if "expected after" in reason:
        return 'text follows a closing quote; write a " inside a quoted cell as ""'
    return reason


def name_of(delimiter: str | None) -> str:
    """A delimiter in words."""
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space", "::": "double colon", "": "none"}
    return names.get(delimiter or "", repr(delimiter))
