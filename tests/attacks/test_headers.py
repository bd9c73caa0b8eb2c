"""First lines made to cost time or to confuse: bounded and checked before any table library sees them."""

import time

import pytest

from farzi_core import limits
from farzi_core.data.ingest import preview
from farzi_core.errors import DatasetError


def refused(content: bytes, words: str) -> None:
    start = time.process_time()
    with pytest.raises(DatasetError, match=words):
        preview(content, "x.csv")
    assert time.process_time() - start < 1


def test_forty_thousand_equal_names_are_refused_at_once() -> None:
    refused(b"a," * 40_000 + b"a\n" + b"1," * 40_000 + b"1\n", "line 1 has 80,001 bytes; at most 65,536")


def test_thirty_thousand_equal_names_below_the_byte_cap_are_refused_at_once() -> None:
    refused(b"a," * 30_000 + b"a\n" + b"1," * 30_000 + b"1\n", "line 1: 30,001 columns; at most 64")


def test_a_megabyte_of_equal_names_is_refused_at_once() -> None:
    refused(b"a," * 500_000 + b"a\n", "line 1 has 1,000,001 bytes")


def test_one_column_too_many_is_refused_and_the_most_are_read() -> None:
    names = ",".join(f"c{n}" for n in range(limits.MAX_COLUMNS))
    row = ",".join("x" * limits.MAX_COLUMNS)
    assert len(preview(f"{names}\n{row}\n".encode(), "x.csv").columns) == limits.MAX_COLUMNS
    refused(f"{names},more\n{row},x\n".encode(), "line 1: 65 columns; at most 64")


def test_equal_names_are_refused_with_the_name() -> None:
    refused(b"user,item,user\nu,a,b\n", "line 1: column 3 is called 'user' like one before it")
    refused(b"user,item, user\nu,a,b\n", "line 1: column 3 is called 'user' like one before it")


def test_unprintable_and_endless_names_are_refused() -> None:
    refused("user,it\u202eem\nu,a\n".encode(), "line 1: the name of column 2 is")
    refused(b"user," + b"x" * 300 + b"\nu,a\n", "line 1: the name of column 2 is")


def test_a_quoted_name_over_two_lines_is_refused() -> None:
    refused(b'user,"it\nem"\nu,a\n', "line 1: the name of column 2 is")


def test_forty_thousand_keys_in_one_json_object_are_refused_at_once() -> None:
    keys = ",".join(f'"k{n}":1' for n in range(40_000))
    refused(f"{{{keys}}}\n".encode(), "40,000 columns; at most 64")
