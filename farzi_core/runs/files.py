"""Reading what may be hostile or half-written: only regular files, never through a link, never without a bound."""

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from farzi_core.errors import StoreError

# O_NONBLOCK: opening a planted FIFO must not wait for a writer. Missing flags (Windows) are 0.
_SAFE_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def open_regular(path: Path) -> BinaryIO:
    """`path` opened for reading; raises `OSError` if it is missing or a link, `StoreError` if not a plain file."""
    descriptor = os.open(path, os.O_RDONLY | _SAFE_FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StoreError(f"{path.name} in {path.parent.name} is not a plain file; delete the run or restore the file")
    return os.fdopen(descriptor, "rb")


def open_append(path: Path) -> int:
    """A descriptor that appends to `path` (made if missing), never through a link."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFE_FLAGS, 0o644)


def read_bounded(path: Path, limit: int) -> bytes:
    """All of `path`; raises `StoreError` if it is missing, unreadable or larger than `limit` bytes."""
    try:
        with open_regular(path) as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise StoreError(f"{path.name} of {path.parent.name} cannot be read: {error.strerror}") from None
    if len(content) > limit:
        raise StoreError(f"{path.name} of {path.parent.name} has more than {limit:,} bytes and was not read")
    return content


def read_tail(path: Path, limit: int) -> bytes:
    """The last `limit` bytes of `path` at most; empty if it is missing or not a plain file."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - limit))
            return file.read(limit)
    except (OSError, StoreError):
        return b""


Stamp = tuple[int, int, int, int]


def stamp(path: Path) -> Stamp:
    """Changes whenever the file does (zeros if it is missing): the key under which what was read may be remembered."""
    try:
        found = os.lstat(path)
    except OSError:
        return (0, 0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
