"""A file -> its plain bytes: size caps, gunzip, never anything on disk.

A compressed file is expanded in memory in small steps, and refused as soon as it has grown past `MAX_EXPANDED_BYTES`
or past `MAX_EXPANSION_RATIO` times its own size, so that a bomb costs as little as a small file.
"""

import gzip
import io
import stat
import zlib
from pathlib import Path
from typing import Protocol

from farzi_core import limits
from farzi_core.errors import DatasetError

GZIP_MAGIC = b"\x1f\x8b"


class Readable(Protocol):
    """What `gzip` and `zipfile` open."""

    def read(self, size: int, /) -> bytes: ...


_STEP = limits.MIB  # bytes expanded between two looks at the caps


def read_file(path: str | Path) -> bytes:
    """The bytes of a regular file of at most `MAX_EXPANDED_BYTES`; raises `DatasetError`."""
    file = Path(path)
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DatasetError(f"{file.name!r} is not a regular file; choose a file, not a folder or a device")
        check_size(status.st_size, limits.MAX_EXPANDED_BYTES, file.name)
        return file.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, DatasetError):
            raise
        reason = getattr(error, "strerror", None) or "the name is not usable"
        raise DatasetError(f"{file.name!r} cannot be read: {reason}; check the path and its permissions") from None


def shown_name(name: str) -> str:
    """A user's name of a file or data set as short printable text: for people only, never opened."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[: limits.MAX_NAME_LENGTH])


def check_size(size: int, most: int, name: str) -> None:
    """Raise `DatasetError` unless 0 < size <= most (bytes)."""
    if size == 0:
        raise DatasetError(f"{name!r} is empty (0 bytes); choose a file with events or text")
    if size > most:
        raise DatasetError(
            f"{name!r} has {size / limits.MIB:,.0f} MiB; the largest file read is {most / limits.MIB:,.0f} MiB. "
            "Split it, or take a part: fewer columns, users or chapters"
        )


def gunzip(data: bytes) -> bytes:
    """`data` as it is, or expanded once if it is gzip; raises `DatasetError` if damaged, nested or exploding."""
    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            expanded = read_capped(stream, len(data), "the gzip file")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DatasetError(f"the gzip file is damaged ({error}); compress or download it again") from None
    if expanded.startswith(GZIP_MAGIC):
        raise DatasetError("the gzip file holds another gzip file; unpack it once and try again")
    return expanded


def read_capped(stream: Readable, packed: int, what: str) -> bytes:
    """Everything in `stream`, expanded from `packed` bytes; raises `DatasetError` once it grows past the caps."""
    most = min(limits.MAX_EXPANDED_BYTES, max(limits.EXPANSION_FLOOR_BYTES, packed * limits.MAX_EXPANSION_RATIO))
    parts, size = [], 0
    while part := stream.read(_STEP):
        size += len(part)
        if size > most:
            raise DatasetError(
                f"{what} of {packed:,} bytes expands to more than {most:,} bytes; at most "
                f"{limits.MAX_EXPANSION_RATIO} times its size and {limits.MAX_EXPANDED_BYTES:,} bytes are read. "
                "Unpack it yourself if you trust it"
            )
        parts.append(part)
    return b"".join(parts)
