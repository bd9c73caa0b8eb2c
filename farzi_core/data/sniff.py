"""Which text layout is this? Delimiter, header or not, and published layouts, from the first lines.

What is recognised here is shown to the user before anything is imported, and can be overruled. Nothing else of the
reader looks at content to decide how to read it.
"""

import re
from collections.abc import Sequence

from farzi_core import limits
from farzi_core.data.delimited import DelimitedSource, Dialect, first_rows, name_of
from farzi_core.data.encoding import to_utf8
from farzi_core.data.mapping import Mapping
from farzi_core.data.shapes import GENRES, SHAPES, Shape
from farzi_core.data.source import HEAD_ROWS, ReadOptions, Source, check_columns, too_many_rows
from farzi_core.errors import DatasetError

DELIMITERS = (",", "\t", ";", "|")  # tried in this order; a space or :: only in published layouts or by choice
CHOICES = (*DELIMITERS, " ", "::")
_SHAPE_LINES = 20
_TYPED = re.compile(r"(?P<name>[^:]+):(token|token_seq|float|float_seq)")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_ESHOP = Mapping(user="session ID", item="page 2 (clothing model)", order="order", group="page 1 (main category)")
_ESHOP_GROUPS = {"1": "trousers", "2": "skirts", "3": "blouses", "4": "sale"}  # the data set's own description


def open_text(data: bytes, options: ReadOptions, suffix: str) -> Source:
    """A delimited or one-sequence-a-line source; raises `DatasetError`. `suffix` is the file's own, such as ".csv"."""
    if options.delimiter is not None and options.delimiter not in CHOICES:
        raise DatasetError(f"unknown delimiter {options.delimiter!r}; choose one of {', '.join(map(name_of, CHOICES))}")
    shape = _shape(data, options)
    if shape is not None:
        encoding = options.encoding or shape.encoding
        text = to_utf8(data, encoding)
        _check_lines(text)
        return DelimitedSource(
            shape.format, shape.columns, text, Dialect(shape.delimiter, quoted=False),
            delimiter=shape.delimiter, encoding=encoding, header=False, known=shape.mapping,
        )  # fmt: skip
    text = to_utf8(data, options.encoding)
    _check_lines(text)
    return _named(_generic(text, options, suffix))


def _shape(data: bytes, options: ReadOptions) -> Shape | None:
    """The published layout whose form the first lines have, unless the user said otherwise."""
    if options.header:
        return None
    window = data[: limits.MAX_HEADER_BYTES]
    lines = window.decode("latin-1").replace("\r\n", "\n").split("\n")
    if len(window) < len(data):
        lines = lines[:-1]  # cut in the middle
    sample = [line for line in lines if line][:_SHAPE_LINES]
    allowed = (shape for shape in SHAPES if options.delimiter in (None, shape.delimiter))
    return next((shape for shape in allowed if shape.fits(sample)), None)


def _check_lines(text: bytes) -> None:
    """Bound the first line, and the number of lines where a line end always ends a row."""
    end = text.find(b"\n")
    size = len(text) if end < 0 else end
    if size > limits.MAX_HEADER_BYTES:
        raise DatasetError(
            f"line 1 has {size:,} bytes; at most {limits.MAX_HEADER_BYTES:,} are read as column names. "
            "The file has no line ends, or is not a text table"
        )
    if b'"' not in text and text.count(b"\n") > limits.MAX_EVENTS + 1:
        raise too_many_rows()


def _generic(text: bytes, options: ReadOptions, suffix: str) -> DelimitedSource:
    delimiter = options.delimiter if options.delimiter is not None else _delimiter(text, suffix)
    if not delimiter:
        return _single(text, options, suffix)
    dialect = Dialect(delimiter, quoted=delimiter != "::")
    rows = first_rows(text, dialect, HEAD_ROWS)
    if not rows:
        raise DatasetError("the file starts with blank lines only; choose a file with events")
    header = _has_header(rows) if options.header is None else options.header
    names, notes = _names(rows[0]) if header else (_numbered(len(rows[0])), ())
    return DelimitedSource(
        f"delimited text ({name_of(delimiter)})", check_columns(names), text, dialect,
        delimiter=delimiter, encoding=options.encoding or "utf-8", header=header, notes=notes,
    )  # fmt: skip


def _single(text: bytes, options: ReadOptions, suffix: str) -> DelimitedSource:
    """One cell a line: plain sequences without a header (.txt), or a table of one column."""
    dialect = Dialect("", quoted=False)
    rows = first_rows(text, dialect, 1)
    if not rows:
        raise DatasetError("the file starts with blank lines only; choose a file with events")
    header = suffix not in (".txt", "") if options.header is None else options.header
    names = (rows[0][0].strip(),) if header else ("sequence",)
    return DelimitedSource(
        "one sequence a line", check_columns(names), text, dialect,
        delimiter=None, encoding=options.encoding or "utf-8", header=header,
    )  # fmt: skip


def _delimiter(text: bytes, suffix: str) -> str:
    """The delimiter that cuts all first rows into the same number of cells; "" if the first line holds none."""
    scores = {delimiter: _score(text, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: scores[delimiter])  # ties: the earlier one
    enough = 0.5 if suffix == ".txt" else 0.0  # prose has commas too; in a .csv they are meant
    return best if scores[best][0] > enough else ""


def _score(text: bytes, delimiter: str) -> tuple[float, int]:
    """(share of first rows as wide as the first, its width); the share is 0 where the first line is not cut."""
    try:
        rows = first_rows(text, Dialect(delimiter, quoted=True), HEAD_ROWS)
    except DatasetError:  # broken quotes: named with their line when the table is read
        return (0.4, 2) if delimiter.encode() in text.partition(b"\n")[0] else (0.0, 1)
    width = len(rows[0]) if rows else 1
    return (sum(len(row) == width for row in rows) / len(rows), width) if width > 1 else (0.0, 1)


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """False where the first row looks like all others: it has a number, and a number wherever the others have one."""
    first, rest = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if not any(_NUMBER.fullmatch(cell) for cell in first) or not rest:
        return True
    numeric = [all(_NUMBER.fullmatch(row[at]) for row in rest) for at in range(len(first))]
    return any(number and not _NUMBER.fullmatch(cell) for number, cell in zip(numeric, first, strict=True))


def _names(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Column names from a header line, and what was done to them."""
    names = tuple(cell.strip() or f"column {at}" for at, cell in enumerate(cells, start=1))
    unnamed = [name for name, cell in zip(names, cells, strict=True) if not cell.strip()]
    return names, (f"columns without a name are called {', '.join(unnamed[:5])}",) if unnamed else ()


def _numbered(width: int) -> tuple[str, ...]:
    return tuple(f"column {at}" for at in range(1, width + 1))


def _named(source: DelimitedSource) -> Source:
    """Layouts that are told by their header: RecBole's typed names, the UCI e-shop, and u.item under a header."""
    typed = [_TYPED.fullmatch(name) for name in source.columns]
    if all(typed):
        names = check_columns([match["name"] for match in typed if match])
        return _copy(source, "RecBole atomic file", names, None, {})
    if set(_ESHOP.chosen().values()) <= set(source.columns):
        return _copy(source, "UCI e-shop clicks", source.columns, _ESHOP, _ESHOP_GROUPS)
    return source


def _copy(
    source: DelimitedSource, label: str, names: tuple[str, ...], known: Mapping | None, groups: dict[str, str]
) -> Source:
    return DelimitedSource(
        label, names, source.data, source.dialect, delimiter=source.delimiter, encoding=source.encoding,
        header=source.header, known=known, group_names=groups, notes=source.notes,
    )  # fmt: skip


def flagged_genre(flags: Sequence[str]) -> str:
    """The first genre whose flag is set in a row of u.item."""
    return next((genre for genre, flag in zip(GENRES, flags, strict=True) if flag == "1"), "")
