"""Twelve files that are small and promise to be huge: refused quickly and without growing."""

import gzip
import io
import resource
import struct
import time
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from farzi_core import limits
from farzi_core.data.ingest import Input, import_events
from farzi_core.data.mapping import Mapping
from farzi_core.errors import DatasetError

ROWS = b"user,item\n" + b"u,a\n" * 64
BIG = 24 * limits.MIB  # expanded bytes: enough to pass the floor, small enough to build in a test
SECONDS = 2
GROWTH = 200 * limits.MIB


def gzip_of_one_letter() -> bytes:
    return gzip.compress(b"a" * BIG)


def gzip_of_rows() -> bytes:
    return gzip.compress(ROWS + b"u,a\n" * (BIG // 4))


def gzip_in_members() -> bytes:
    return gzip.compress(b"u,a\n" * (limits.MIB // 4)) * 24


def gzip_in_gzip() -> bytes:
    return gzip.compress(gzip.compress(b"a" * BIG))


def zipped(name: str, content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return sink.getvalue()


def zip_of_a_known_member() -> bytes:
    return zipped("ml-100k/u.data", b"1\t1\t1\t881250949\n" * (BIG // 16))


def zip_that_lies_about_its_packed_size() -> bytes:
    content = bytearray(zip_of_a_known_member())
    place = content.rfind(b"PK\x01\x02")
    content[place + 20 : place + 24] = struct.pack("<I", 2**31)
    return bytes(content)


def zip_of_many_members() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for number in range(3000):
            archive.writestr(f"member-{number}", b"")
    return sink.getvalue()


def zip_with_a_second_directory() -> bytes:
    content = zipped("ml-100k/u.data", ROWS)
    place = content.rfind(b"PK\x05\x06")
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, 0, 1)
    return content[:place] + locator + content[place:]


def zip_in_gzip() -> bytes:
    return gzip.compress(zipped("ml-100k/u.data", ROWS))


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def parquet_of_one_row_25_million_times() -> bytes:
    return parquet(pa.table({"user": pa.array(np.zeros(25_000_000, np.int8)), "item": pa.nulls(25_000_000, pa.int8())}))


def parquet_of_one_long_text() -> bytes:
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, np.int32)), pa.array(["x" * limits.MIB]))
    return parquet(pa.table({"user": texts, "item": texts}))


def parquet_of_long_lists() -> bytes:
    offsets = pa.array([0, 25_000_000], pa.int64())
    lists = pa.LargeListArray.from_arrays(offsets, pa.array(np.zeros(25_000_000, np.int8)))
    return parquet(pa.table({"sequence": lists}))


BOMBS = (
    gzip_of_one_letter,
    gzip_of_rows,
    gzip_in_members,
    gzip_in_gzip,
    zip_of_a_known_member,
    zip_that_lies_about_its_packed_size,
    zip_of_many_members,
    zip_with_a_second_directory,
    zip_in_gzip,
    parquet_of_one_row_25_million_times,
    parquet_of_one_long_text,
    parquet_of_long_lists,
)


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_bomb_is_refused_quickly_and_without_growing(bomb: Callable[[], bytes]) -> None:
    content = bomb()
    assert len(content) < limits.MIB
    mapping = Mapping(sequence="sequence") if bomb is parquet_of_long_lists else Mapping(user="user", item="item")
    before, start = _peak(), time.process_time()
    with pytest.raises(DatasetError):
        import_events(Input(content, "clicks.csv"), mapping)
    assert time.process_time() - start < SECONDS
    assert _peak() - before < GROWTH


def test_bombs_are_twelve() -> None:
    assert len({bomb() for bomb in BOMBS[:9]}) + len(BOMBS[9:]) == 12


def test_a_gzip_that_is_cut_off_or_changed_is_refused() -> None:
    whole = gzip.compress(ROWS)
    for content in (whole[:-1], whole[: len(whole) // 2], whole[:-5] + b"\x00" + whole[-4:], whole + b"junk"):
        with pytest.raises(DatasetError, match="the gzip file is damaged"):
            import_events(Input(content, "x.gz"), Mapping(user="user", item="item"))


def test_raw_deflate_is_no_table() -> None:
    with pytest.raises(DatasetError):
        import_events(Input(zlib.compress(ROWS), "x.csv"), Mapping(user="user", item="item"))


def _peak() -> int:
    """Largest resident size of this process so far, bytes (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
