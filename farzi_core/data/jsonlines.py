"""JSON lines -> columns of strings: one flat object a line, numbers kept as written, lists only as sequences."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

import pyarrow as pa

from farzi_core import limits
from farzi_core.data.source import CHUNK_ROWS, HEAD_ROWS, ColumnBuilder, RawTable, Source, check_columns
from farzi_core.errors import DatasetError

FORMAT = "JSON lines"


def open_json_lines(data: bytes, encoding: str) -> "JsonLinesSource":
    """A source over checked UTF-8; its columns are the keys of the first `HEAD_ROWS` objects, in order."""
    names: dict[str, None] = {}
    for _, record in islice(records(data), HEAD_ROWS):
        names.update(dict.fromkeys(record))
    return JsonLinesSource(FORMAT, check_columns(tuple(names)), data, encoding=encoding)


@dataclass(frozen=True)
class JsonLinesSource(Source):
    """A JSON lines table; `data` is checked UTF-8."""

    data: bytes

    def head(self, rows: int = HEAD_ROWS) -> list[tuple[str, ...]]:
        taken = [record for _, record in islice(records(self.data), rows)]
        return [tuple(_shown(record.get(name)) for name in self.columns) for record in taken]

    def read(self, wanted: Sequence[str], optional: Sequence[str] = ()) -> RawTable:
        builder, lines = ColumnBuilder(wanted), records(self.data)
        blank = 0
        last = 0
        while batch := list(islice(lines, CHUNK_ROWS)):
            builder.add(len(batch), {name: _column(batch, name, name in optional) for name in wanted})
            blank += batch[-1][0] - last - len(batch)
            last = batch[-1][0]
        return builder.finish(blank)

    def place(self, row: int) -> str:
        line, _ = next(islice(records(self.data), row, None))
        return f"line {line}"


def records(data: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of every line that is not blank."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_object, parse_int=str, parse_float=str, parse_constant=_refuse_constant
    )
    for number, line in enumerate(io.BytesIO(data), start=1):
        text = line.decode("utf-8").strip()
        if not text:
            continue
        try:
            record = decoder.decode(text)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise DatasetError(
                f"line {number}: not a JSON object ({reason}): {text[:60]!r}; write one object a line"
            ) from None
        if not isinstance(record, dict):
            raise DatasetError(f"line {number}: {text[:60]!r} is not a JSON object; write one object a line")
        yield number, record


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _column(batch: list[tuple[int, dict[str, Any]]], name: str, optional: bool) -> Any:
    """One column of a batch: all strings (numbers as written), or all lists of strings."""
    if optional:
        batch = [
            (line, {name: "", **{key: one for key, one in record.items() if one is not None}}) for line, record in batch
        ]
    values = [_checked(line, name, record) for line, record in batch]
    lists = isinstance(values[0], list)
    for (line, _), value in zip(batch, values, strict=True):
        if isinstance(value, list) != lists:
            raise DatasetError(
                f"line {line}: {name!r} is a {'text' if lists else 'list'} here and was not before; use one kind"
            )
    try:
        return pa.array(values, pa.list_(pa.large_string()) if lists else pa.large_string())
    except UnicodeEncodeError:
        line = next(line for (line, _), value in zip(batch, values, strict=True) if _has_surrogate(value))
        raise DatasetError(
            f"line {line}: {name!r} holds half a character (a lone surrogate); write whole characters"
        ) from None


def _checked(line: int, name: str, record: dict[str, Any]) -> str | list[str]:
    if name not in record:
        raise DatasetError(f"line {line}: the key {name!r} is missing; every object needs it")
    value = record[name]
    if isinstance(value, str):
        if len(value) > limits.MAX_CELL_CHARACTERS:
            raise DatasetError(f"line {line}: {name!r} is longer than {limits.MAX_CELL_CHARACTERS:,} characters")
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    raise DatasetError(f"line {line}: {name!r} is {_shown(value)[:60]}; a text, a number or a list of them is needed")


def _has_surrogate(value: str | list[str]) -> bool:
    return any(0xD800 <= ord(letter) <= 0xDFFF for letter in "".join(value))


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " ".join(value).encode("utf-8", "replace").decode("utf-8")
    return "" if value is None else json.dumps(value)
