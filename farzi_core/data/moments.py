"""Texts of a time or order column -> sortable numbers. Exact keys for sorting, float64 seconds for the table.

Accepted: whole numbers, decimal numbers, ISO 8601 dates and times (with or without zone), 8-digit dates. One column,
one kind. Unix units are told apart by size, because no log is both from 1970 and from the year 5138.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from farzi_core.errors import DatasetError

Kind = Literal["unix", "iso", "number"]
INTEGER = r"^-?([0-9]{1,18}|[1-8][0-9]{18})$"  # fits int64
DECIMAL = r"^-?[0-9]{1,30}(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,3})?$"
COMPACT = r"^(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$"
ISO = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$"
)
FORMS = "whole or decimal numbers, or ISO 8601 such as 2008-04-01 or 2008-04-01T12:30:00Z"
_EARLIEST_UNIX = 100_000_000  # seconds: March 1973; smaller whole numbers are counters, not clocks
# Upper bound of the absolute value, units a second. 1e11 s is the year 5138; 1e11 ms is March 1973.
_UNITS = (
    (1e11, 1, "seconds"),
    (1e14, 1_000, "milliseconds"),
    (1e17, 1_000_000, "microseconds"),
    (1e19, 10**9, "nanoseconds"),
)
_EXACT = 2**53  # largest whole number that float64 keeps exactly

Place = Callable[[int], str]


@dataclass(frozen=True)
class Moments:
    """One number an event: `key` sorts exactly; `value` is stored (unix seconds, or the number itself)."""

    key: npt.NDArray[Any]  # [N] int64 or float64
    value: npt.NDArray[np.float64]  # [N]
    kind: Kind
    sentence: str


def parse_times(texts: Any, name: str, place: Place) -> Moments:
    """Times of a `pyarrow.ChunkedArray` of texts; raises `DatasetError` with the place, the value and the rule."""
    first = texts[0].as_py()
    if re.match(ISO, first) or _all_match(texts, COMPACT):
        return _iso(texts, name, place)
    numbers = _numbers(texts, name, place)
    if numbers.min() < 0:
        row = int(np.argmax(numbers < 0))
        raise _refusal(
            place(row), name, texts[row].as_py(), "unix times before 1970 are not read; write ISO 8601 dates"
        )
    if numbers.max() < _EARLIEST_UNIX:
        sentence = f"the numbers in {name!r} are too small for unix times and are read as order numbers"
        return Moments(numbers, numbers.astype(np.float64), "number", sentence)
    return _unix(numbers, texts, name, place)


def parse_order(texts: Any, name: str, place: Place) -> Moments:
    """Order numbers (or, if they are written so, ISO times) of a column of texts; raises `DatasetError`."""
    if re.match(ISO, texts[0].as_py()):
        return _iso(texts, name, place)
    numbers = _numbers(texts, name, place)
    if np.abs(numbers).max() > _EXACT:
        row = int(np.argmax(np.abs(numbers) > _EXACT))
        raise _refusal(
            place(row), name, texts[row].as_py(), "order numbers are at most 2^53; choose it as time if it is one"
        )
    return Moments(numbers, numbers.astype(np.float64), "number", f"order numbers from {name!r}")


def looks_like_time(cells: Sequence[str]) -> bool:
    """Whether sample cells are plausible times: ISO, or numbers of the size of unix times."""
    return bool(cells) and all(
        re.match(ISO, cell) or (re.match(INTEGER, cell) and int(cell) >= _EARLIEST_UNIX) for cell in cells
    )


def _numbers(texts: Any, name: str, place: Place) -> npt.NDArray[Any]:
    """int64 if every text is a whole number, else float64, finite."""
    if _all_match(texts, INTEGER):
        whole: npt.NDArray[Any] = pc.cast(texts, pa.int64()).to_numpy()
        return whole
    row = _first_mismatch(texts, DECIMAL)
    if row is not None:
        raise _refusal(place(row), name, texts[row].as_py(), f"times are {FORMS}, one kind in the whole column")
    numbers: npt.NDArray[Any] = pc.cast(texts, pa.float64()).to_numpy()
    if not np.isfinite(numbers).all():
        row = int(np.argmax(~np.isfinite(numbers)))
        raise _refusal(place(row), name, texts[row].as_py(), "times are finite numbers")
    return numbers


def _unix(numbers: npt.NDArray[Any], texts: Any, name: str, place: Place) -> Moments:
    units = np.searchsorted([bound for bound, _, _ in _UNITS], numbers, side="right")
    zero = numbers == 0  # a missing time written as 0 fits every unit, and sorts first
    unit = int(units.max())
    if unit >= len(_UNITS):
        row = int(np.argmax(units))
        raise _refusal(place(row), name, texts[row].as_py(), "unix times have at most nanoseconds")
    odd = (units != unit) & ~zero
    if odd.any():
        row = int(np.argmax(odd))
        rule = f"other rows are unix {_UNITS[unit][2]} by their size; use one unit in the whole column"
        raise _refusal(place(row), name, texts[row].as_py(), rule)
    return Moments(numbers, numbers / _UNITS[unit][1], "unix", f"unix {_UNITS[unit][2]} from {name!r}")


def _iso(texts: Any, name: str, place: Place) -> Moments:
    compact = _all_match(texts, COMPACT)
    row = None if compact else _first_mismatch(texts, ISO)
    if row is not None:
        raise _refusal(place(row), name, texts[row].as_py(), f"times are {FORMS}, one kind in the whole column")
    coded = texts.dictionary_encode().combine_chunks()
    series = pd.Series(coded.dictionary.to_pandas()).str.replace(",", ".")
    stamps = pd.to_datetime(series, format="%Y%m%d" if compact else "ISO8601", utc=True, errors="coerce")
    if stamps.isna().any():
        code = int(np.argmax(stamps.isna().to_numpy()))
        row = pc.index(coded.indices, code).as_py()
        raise _refusal(place(row), name, texts[row].as_py(), "there is no such day or hour")
    exact = _exact(stamps, name)
    codes = coded.indices.to_numpy()
    scale = 10**9 if stamps.dt.unit == "ns" else 10**6
    zone = (
        ""
        if _all_match(texts, r"(Z|[0-9][+-][0-9]{2}(:?[0-9]{2})?)$") and not compact
        else "; without a zone they are read as UTC"
    )
    return Moments(exact[codes], (exact / scale)[codes], "iso", f"ISO 8601 times from {name!r}{zone}")


def _exact(stamps: "pd.Series[Any]", name: str) -> npt.NDArray[np.int64]:
    """Stamps as whole microseconds, or nanoseconds where the file has them."""
    try:
        unit = stamps if stamps.dt.unit == "ns" else stamps.dt.as_unit("us")
    except (OverflowError, ValueError) as error:
        raise DatasetError(f"the times in {name!r} are out of range ({error}); years 1 to 9999 are read") from None
    return unit.to_numpy(dtype=f"datetime64[{unit.dt.unit}]").view(np.int64)


def _all_match(texts: Any, pattern: str) -> bool:
    return _first_mismatch(texts, pattern) is None


def _first_mismatch(texts: Any, pattern: str) -> int | None:
    """Row of the first text that does not match, or None."""
    row = 0
    for chunk in texts.chunks:
        at = pc.index(pc.match_substring_regex(chunk, pattern), False).as_py()
        if at >= 0:
            return int(row + at)
        row += len(chunk)
    return None


def _refusal(place: str, name: str, value: str, rule: str) -> DatasetError:
    return DatasetError(f"{place}: {name!r} is {value[:80]!r}; {rule}")
