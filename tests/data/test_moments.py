"""Times sort as they are written, in one unit, and everything else is refused by line and value."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from farzi_core.data.moments import Moments, looks_like_time, parse_order, parse_times
from farzi_core.errors import DatasetError


def place(row: int) -> str:
    return f"line {row + 2}"


def times(*texts: str) -> Moments:
    return parse_times(pa.chunked_array([pa.array(texts, pa.large_string())]), "t", place)


def order(*texts: str) -> Moments:
    return parse_order(pa.chunked_array([pa.array(texts, pa.large_string())]), "t", place)


@pytest.mark.parametrize(
    "texts",
    [
        ("1207008000", "1207008001"),
        ("1207008000000", "1207008001000"),
        ("1207008000000000", "1207008001000000"),
        ("1207008000000000000", "1207008001000000000"),
        ("1207008000.0", "1.207008001e9"),
        ("2008-04-01", "2008-04-01 00:00:01"),
        ("2008-04-01T00:00:00Z", "2008-04-01T02:00:01+02:00"),
        ("2008-04-01T00:00Z", "2008-04-01T00:00:01,000Z"),
    ],
)
def test_every_form_of_the_same_moment_gives_the_same_unix_seconds(texts: tuple[str, str]) -> None:
    assert times(*texts).value.tolist() == [1207008000.0, 1207008001.0]


def test_eight_digits_are_dates() -> None:
    assert np.diff(times("20080401", "20080402").value).tolist() == [86400.0]


def test_dates_before_1970_are_read_when_they_are_iso() -> None:
    assert times("1961-07-03", "1970-01-01").value.tolist() == [datetime(1961, 7, 3, tzinfo=UTC).timestamp(), 0.0]


def test_small_numbers_are_order_numbers_and_it_is_said() -> None:
    found = times("3", "1")
    assert (found.kind, found.value.tolist()) == ("number", [3.0, 1.0])
    assert "too small for unix times" in found.sentence


def test_nanoseconds_sort_exactly_where_float64_cannot() -> None:
    found = times("1207008000000000002", "1207008000000000001")
    assert found.value[0] == found.value[1]
    assert found.key[0] > found.key[1]


def test_iso_nanoseconds_sort_exactly() -> None:
    found = times("2008-04-01T00:00:00.000000002", "2008-04-01T00:00:00.000000001")
    assert found.key[0] - found.key[1] == 1


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("1207008000", "inf"), "line 3: 't' is 'inf'; times are whole or decimal numbers, or ISO 8601"),
        (("1207008000", "nan"), "line 3: 't' is 'nan'"),
        (("1207008000", ""), "line 3: 't' is ''"),
        (("1207008000", "1e999"), "line 3: 't' is '1e999'; times are finite"),
        (("1207008000", "-5"), "line 3: 't' is '-5'; unix times before 1970 are not read"),
        (("1207008000", "1207008000000"), "line 2: 't' is '1207008000'; other rows are unix milliseconds"),
        (("2008-04-01", "2008-02-30"), "line 3: 't' is '2008-02-30'; there is no such day or hour"),
        (("2008-04-01", "1207008000"), "line 3: 't' is '1207008000'; times are .* one kind"),
        (("01/04/2008",), "line 2: 't' is '01/04/2008'"),
        (("\u0661\u0662",), "line 2: 't' is"),
        (("1e25",), "at most nanoseconds"),
    ],
)
def test_other_times_are_refused_by_line_value_and_rule(texts: tuple[str, ...], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        times(*texts)


def test_order_numbers_may_be_negative_but_must_be_exact() -> None:
    assert order("-1", "5").value.tolist() == [-1.0, 5.0]
    with pytest.raises(DatasetError, match=r"line 3: .* at most 2\^53"):
        order("1", str(2**53 + 1))


def test_sample_cells_are_recognised_as_times() -> None:
    assert looks_like_time(["1207008000"])
    assert looks_like_time(["2008-04-01"])
    assert not looks_like_time(["5"])
    assert not looks_like_time([])
