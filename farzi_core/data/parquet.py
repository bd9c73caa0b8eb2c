"""Parquet -> columns of strings. The footer is judged before any page is expanded.

A file of 200 kB can promise 400 MB (dictionary and run-length pages), so rows x columns is capped from the footer;
texts are read as dictionaries, so that one long text repeated a million times stays one text; extension types
(CVE-2023-47248) and everything that is not a number, a text, a date or a list of texts is refused by its type.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from farzi_core import limits
from farzi_core.data.source import CHUNK_ROWS, HEAD_ROWS, ColumnBuilder, RawTable, Source, check_columns
from farzi_core.errors import DatasetError

FORMAT = "Parquet"
MAGIC = b"PAR1"
_HEAD_CHARACTERS = 2000  # of a text, and elements of a list, that a preview looks at
_HEAD_ELEMENTS = 200


def open_parquet(data: bytes) -> "ParquetSource":
    """A source whose footer passed every cap; raises `DatasetError`."""
    footer = int.from_bytes(data[-8:-4], "little")
    if data[-4:] != MAGIC or footer > min(len(data), limits.MAX_PARQUET_FOOTER_BYTES):
        raise DatasetError("the Parquet file has no valid footer; it is cut off, encrypted or damaged")
    with _words():
        file = _open(data, [])
        schema, metadata = file.schema_arrow, file.metadata
    names = check_columns(schema.names)
    _check_size(metadata)
    kinds = tuple(_kind(schema.field(name)) for name in names)
    return ParquetSource(FORMAT, names, data, kinds)


@dataclass(frozen=True)
class ParquetSource(Source):
    """A Parquet table. `kinds` has one of text, integer, number, time, list, other a column."""

    data: bytes
    kinds: tuple[str, ...]

    def head(self, rows: int = HEAD_ROWS) -> list[tuple[str, ...]]:
        readable = [name for name in self.columns if self.kind_of(name) != "other"]
        with _words():
            batch = next(self._batches(readable, rows), None)
            columns = {name: _strings(_short(batch.column(name))).to_pylist() for name in readable} if batch else {}
        count = len(batch) if batch else 0
        empty = [""] * count
        cells = [[_shown(value) for value in columns.get(name, empty)] for name in self.columns]
        return list(zip(*cells, strict=True))[:rows]

    def read(self, wanted: Sequence[str], optional: Sequence[str] = ()) -> RawTable:
        for name in wanted:
            if self.kind_of(name) == "other":
                raise DatasetError(
                    f"column {name!r} has a type that is not read; use texts, numbers, dates or lists of texts"
                )
        builder = ColumnBuilder(wanted)
        with _words():
            for batch in self._batches(wanted, CHUNK_ROWS):
                cells = {name: _strings(batch.column(name)) for name in wanted}
                for name in optional:
                    cells[name] = cells[name].fill_null("")
                for name in wanted:
                    self._refuse_nulls(cells[name], name, builder.rows)
                builder.add(len(batch), cells)
        return builder.finish()

    def place(self, row: int) -> str:
        return f"row {row + 1}"

    def kind_of(self, column: str) -> str:
        return self.kinds[self.columns.index(column)]

    def _batches(self, wanted: Sequence[str], rows: int) -> Any:
        texts = [name for name in wanted if self.kind_of(name) == "text"]
        return _open(self.data, texts).iter_batches(batch_size=rows, columns=list(wanted), use_threads=False)

    def _refuse_nulls(self, column: Any, name: str, before: int) -> None:
        if column.null_count:
            row = before + pc.index(column.is_null(), True).as_py()
            raise DatasetError(f"{self.place(row)}: {name!r} is null; every event needs a value there")


def _open(data: bytes, dictionaries: list[str]) -> Any:
    return pq.ParquetFile(
        io.BytesIO(data),
        read_dictionary=dictionaries,
        memory_map=False,
        pre_buffer=False,
        thrift_string_size_limit=limits.MAX_PARQUET_FOOTER_BYTES,
        thrift_container_size_limit=1_000_000,
    )


def _check_size(metadata: Any) -> None:
    rows, columns = metadata.num_rows, metadata.num_columns
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    values = [sum(group.column(index).num_values for group in groups) for index in range(columns)]  # list elements too
    longest, cells = max([rows, *values]), max(rows * columns, sum(values))
    if longest > limits.MAX_EVENTS or cells > limits.MAX_CELLS:
        raise DatasetError(
            f"the Parquet file announces {longest:,} rows and {cells:,} cells; at most {limits.MAX_EVENTS:,} rows and "
            f"{limits.MAX_CELLS:,} cells are read. Keep the columns user, item and time, or a sample of users"
        )


def _kind(field: Any) -> str:
    """What a column may be used for, from its type alone."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if _is_text(kind):
        return "text"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "time"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return "list" if _kind(pa.field("", kind.value_type)) in ("text", "integer") else "other"
    return "other"


def _strings(column: Any) -> Any:
    """`column` with every value as its text; a dictionary is checked for giants before it is spread out."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pc.cast(column, pa.list_(pa.large_string()))
    if pa.types.is_dictionary(column.type):
        _check_cells(column.dictionary)
        _check_spread(column)
        return pc.cast(column.dictionary, pa.large_string()).take(column.indices)
    return pc.cast(column, pa.large_string())


def _short(column: Any) -> Any:
    """The first characters or elements of every value: enough to look at."""
    kind = column.type
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        return pa.DictionaryArray.from_arrays(column.indices, _short(column.dictionary))
    if _is_text(kind):
        return pc.utf8_slice_codeunits(column, 0, _HEAD_CHARACTERS)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pc.list_slice(column, 0, _HEAD_ELEMENTS)
    return column


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _check_cells(texts: Any) -> None:
    if _is_text(texts.type):
        longest = pc.max(pc.binary_length(texts)).as_py() or 0
        if longest > limits.MAX_CELL_CHARACTERS:
            raise DatasetError(
                f"a text of {longest:,} bytes; at most {limits.MAX_CELL_CHARACTERS:,} characters a cell are read"
            )


def _check_spread(column: Any) -> None:
    """Refuse a batch whose texts, written out, are far larger than any table of ids and titles."""
    if not _is_text(column.dictionary.type):
        return
    size = pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0
    if size > limits.MAX_EXPANDED_BYTES // 4:
        raise DatasetError(f"{len(column):,} rows hold {size:,} bytes of text: this is not a table of events")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join("" if one is None else one for one in value)
    return "" if value is None else str(value)


@contextmanager
def _words() -> Iterator[None]:
    """Turn what pyarrow says about damaged files into a `DatasetError`."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, MemoryError):
            raise
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DatasetError(
            f"the Parquet file cannot be read ({first}); it is damaged or uses a feature that is not supported"
        ) from None
