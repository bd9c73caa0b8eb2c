"""Every durable write of the project: a reader sees the old content or the new, never a mixture.

write a sibling temporary file -> fsync -> os.replace -> fsync the folder (ALICE, OSDI'14; reliability of each
step is tested by replaying every prefix of the calls). Stray temporary files are swept by `sweep`.
"""

import os
import secrets
import shutil
from pathlib import Path

TEMPORARY = ".tmp-"  # prefix of names that are never read


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`; on any error the old file stays as it was."""
    temporary = path.with_name(f"{TEMPORARY}{path.name}-{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def temporary_folder(final: Path) -> Path:
    """A fresh sibling folder of `final` to fill; `commit_folder` gives it its name."""
    temporary = final.with_name(f"{TEMPORARY}{final.name}-{secrets.token_hex(4)}")
    temporary.mkdir(parents=True)
    return temporary


def commit_folder(temporary: Path, final: Path) -> None:
    """Sync every file of `temporary`, then rename it to `final`, which must not exist."""
    for file in temporary.rglob("*"):
        _sync_file(file)
    sync_folder(temporary)
    os.rename(temporary, final)
    sync_folder(final.parent)


def publish(part: Path, final: Path) -> None:
    """Give the finished file `part` its name, replacing what stood there; both in the same folder."""
    _sync_file(part)
    os.replace(part, final)
    sync_folder(final.parent)


def _sync_file(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable; a no-op where folders cannot be opened (Windows)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> int:
    """Remove what an interrupted write left in `folder`; returns how many entries went."""
    strays = [entry for entry in folder.iterdir() if entry.name.startswith(TEMPORARY)] if folder.is_dir() else []
    for entry in strays:
        shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)
    return len(strays)


def discard(temporary: Path) -> None:
    """Remove a temporary folder that will not be committed."""
    shutil.rmtree(temporary, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Take `folder` away at once (readers see all of it or nothing), then delete what it held."""
    temporary = folder.with_name(f"{TEMPORARY}{folder.name}-{secrets.token_hex(4)}")
    os.rename(folder, temporary)
    sync_folder(folder.parent)
    shutil.rmtree(temporary, ignore_errors=True)  # what stays is swept at the next start
