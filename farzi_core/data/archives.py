"""Zip files of known layout (MovieLens, the UCI e-shop) and of texts, read member by member in memory.

Member names are compared with the names or endings asked for and never become a path. The directory is bounded before
`zipfile` looks at it (a zip can list millions of members), only stored and deflated members are read, and each under
the caps.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from farzi_core import limits
from farzi_core.data.unpack import read_capped
from farzi_core.errors import DatasetError

MAGIC = b"PK\x03\x04"
_END = b"PK\x05\x06"  # end of central directory; 22 bytes plus a comment of at most 65,535
_END64 = (
    b"PK\x06\x07"  # 20 bytes before _END: lets a second, 64-bit size overrule the one checked here; no known zip has it
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Layout:
    """Which member of an official zip holds the events, and which the titles."""

    name: str
    events: str
    titles: str | None = None


LAYOUTS = (
    Layout("MovieLens 100K zip", "ml-100k/u.data", "ml-100k/u.item"),
    Layout("MovieLens 1M zip", "ml-1m/ratings.dat", "ml-1m/movies.dat"),
    Layout("MovieLens 10M zip", "ml-10M100K/ratings.dat", "ml-10M100K/movies.dat"),
    Layout("MovieLens latest-small zip", "ml-latest-small/ratings.csv", "ml-latest-small/movies.csv"),
    Layout("MovieLens 20M zip", "ml-20m/ratings.csv", "ml-20m/movies.csv"),
    Layout("UCI e-shop zip", "e-shop clothing 2008.csv"),
)


@dataclass(frozen=True)
class Archive:
    """The bytes of the members that a known layout names."""

    layout: Layout
    events: bytes
    titles: bytes | None


def open_archive(data: bytes) -> Archive:
    """The members of a known zip; raises `DatasetError` for every other zip."""
    _check_directory(data)
    with _words(), zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        layout = next((one for one in LAYOUTS if one.events in names), None)
        if layout is None:
            known = ", ".join(one.name for one in LAYOUTS)
            raise DatasetError(f"this zip has none of the known layouts ({known}); unpack it and give the table itself")
        titles = _member(archive, layout.titles, len(data)) if layout.titles and layout.titles in names else None
        return Archive(layout, _member(archive, layout.events, len(data)), titles)


def text_members(data: bytes, suffixes: Collection[str]) -> tuple[list[tuple[str, bytes]], list[str]]:
    """(name, bytes) of the members whose names end in one of `suffixes`, sorted by name, and the names of the others;
    raises `DatasetError`. Hidden members, which every zip made on a Mac has beside the real ones, are left out.

    All together may expand to `MAX_EXPANDED_BYTES`. Names are for people; none becomes a path.
    """
    _check_directory(data)
    with _words(), zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = sorted({name for name in archive.namelist() if not name.endswith("/") and not _hidden(name)})
        names = [name for name in files if PurePosixPath(name).suffix.lower() in suffixes]
        promised = sum(archive.getinfo(name).file_size for name in names)
        if promised > limits.MAX_EXPANDED_BYTES:  # a lying directory is caught member by member
            raise DatasetError(
                f"the zip expands to {promised:,} bytes; at most {limits.MAX_EXPANDED_BYTES:,} are read. Split it"
            )
        return [(name, _member(archive, name, len(data))) for name in names], sorted({*files} - {*names})


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _check_directory(data: bytes) -> None:
    """Bound the directory before `zipfile` builds an object for each of its entries."""
    place = data.rfind(_END, max(0, len(data) - 22 - 65_535))
    if place < 0 or place + 22 > len(data):
        raise DatasetError("the zip file has no directory; it is cut off, download or copy it again")
    _, _, _, count, size, _ = struct.unpack("<HHHHII", data[place + 4 : place + 20])
    zip64 = data[place - 20 : place].startswith(_END64) if place >= 20 else False
    if size > limits.MAX_ZIP_DIRECTORY_BYTES or zip64:
        raise DatasetError(
            f"the zip's directory has {size:,} bytes ({count:,} members); at most {limits.MAX_ZIP_DIRECTORY_BYTES:,} "
            "bytes are read. Unpack it and give the table itself"
        )


def _member(archive: zipfile.ZipFile, name: str, packed: int) -> bytes:
    entries = [entry for entry in archive.infolist() if entry.filename == name]
    if len(entries) > 1:
        raise DatasetError(f"the zip holds {name!r} {len(entries)} times; it is not the official file")
    entry = entries[0]
    if entry.flag_bits & 1:
        raise DatasetError(f"{name!r} in the zip is encrypted; unpack it and give the table itself")
    if entry.compress_type not in _METHODS:
        raise DatasetError(f"{name!r} in the zip uses compression method {entry.compress_type}; only deflate is read")
    with archive.open(entry) as stream:
        return read_capped(stream, min(entry.compress_size, packed), f"{name!r} in the zip")


@contextmanager
def _words() -> Iterator[None]:
    """Turn what `zipfile` says about damaged files into a `DatasetError`."""
    try:
        yield
    except DatasetError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, struct.error, ValueError) as error:
        raise DatasetError(f"the zip file is damaged ({error}); download or copy it again") from None
