"""Too long, too wide, too deep, or no file at all: refused soon, within the memory of the input."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from farzi_core import limits
from farzi_core.data.ingest import Input, import_events, preview
from farzi_core.data.mapping import Mapping
from farzi_core.errors import DatasetError

MIB = limits.MIB
INPUTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "100 MB without a line end": (lambda: b"a" * (100 * MIB), "line 1 has more than 16,777,216 bytes"),
    "100 MB in one cell": (lambda: b"user,item\nu," + b"a" * (100 * MIB), "line 2 has more than 16,777,216 bytes"),
    "10 MB in one cell": (lambda: b"user,item\nu," + b"a" * (10 * MIB), "line 2: a cell is longer than"),
    "100 MB in a quoted cell": (lambda: b'user,item\nu,"' + b"a\n" * (50 * MIB), "line 2: a cell is longer than"),
    "4 million commas": (lambda: b"user,item\n" + b"," * (4 * MIB), "line 2: 4,194,305 fields"),
    "100 MB of blank lines": (lambda: b"user,item\n" + b"\n" * (100 * MIB), "more than 20,000,000 rows"),
    "a deep JSON line": (lambda: b'{"user":' + b"[" * (10 * MIB), "line 1: not a JSON object"),
}


@pytest.mark.parametrize("name", INPUTS)
def test_giants_are_refused_soon(name: str) -> None:
    make, words = INPUTS[name]
    content = make()
    start = time.process_time()
    with pytest.raises(DatasetError, match=words):
        import_events(Input(content, "x.csv"), Mapping(user="user", item="item"))
    assert time.process_time() - start < 5


def test_folders_devices_pipes_and_missing_files_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(DatasetError, match="is not a regular file"):
            preview(path)
    for path in (tmp_path / "missing.csv", Path("a\x00b"), tmp_path / ("x" * 5000)):
        with pytest.raises(DatasetError, match="cannot be read"):
            preview(path)


def test_a_file_over_the_cap_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "sparse.csv"
    with file.open("wb") as stream:
        stream.truncate(limits.MAX_EXPANDED_BYTES + 1)
    with pytest.raises(DatasetError, match=r"'sparse.csv' has 1,024 MiB; the largest file read is 1,024 MiB"):
        preview(file)
