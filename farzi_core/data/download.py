"""Downloads of catalogue entries: https only, resumed where they stopped, verified before anyone sees the file.

A download writes `<file>.part` and renames it when complete and verified, so a file with its final name is good. An
interrupted part is kept and continued with an HTTP Range request; a part that fails its checksum is thrown away.
`FARZI_CATALOGUE_BASE` replaces scheme and host of every address (a mirror, or a test server on this machine).
"""

import hashlib
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import requests
from filelock import FileLock, Timeout
from requests.adapters import HTTPAdapter

from farzi_core.data.catalogue import ENTRIES, Entry
from farzi_core.errors import DatasetError
from farzi_core.limits import CONNECT_SECONDS, MAX_DOWNLOAD_BYTES, SILENCE_SECONDS
from farzi_core.runs import atomic

Progress = Callable[[int, int | None], None]  # bytes done, bytes in all (None: the server does not say)
BASE_VARIABLE = "FARZI_CATALOGUE_BASE"
BLOCK = 256 * 1024  # bytes between two calls of progress
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def download(key: str, *, accept_licence: bool, progress: Progress | None = None) -> Path:
    """Fetch and verify `ENTRIES[key]`; returns the file, at once if it is already there. Raises `DatasetError`."""
    entry = _entry(key)
    if not accept_licence:
        raise DatasetError(
            f"{entry.name}: its licence has to be accepted first ({entry.licence}); see {entry.homepage}"
        )
    entry.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{entry.path}.lock", timeout=0):
            if not entry.path.is_file():
                _fetch(entry, progress)
    except Timeout:
        raise DatasetError(f"{entry.name} is being downloaded already; wait for it to finish") from None
    return entry.path


def remove_download(key: str) -> None:
    """Delete the downloaded file of an entry, finished or not; nothing happens where there is none."""
    entry = _entry(key)
    for path in (entry.path, _part(entry)):
        path.unlink(missing_ok=True)


def _entry(key: str) -> Entry:
    if key not in ENTRIES:
        raise DatasetError(f"{key!r} is not in the catalogue; it has {', '.join(ENTRIES)}")
    entry = ENTRIES[key]
    if entry.recipe:
        raise DatasetError(f"{entry.name} has no download. {entry.recipe}")
    return entry


def _part(entry: Entry) -> Path:
    return entry.path.with_name(f"{entry.filename}.part")


def _fetch(entry: Entry, progress: Progress | None) -> None:
    part = _part(entry)
    url = _address(entry)
    try:
        _receive(entry, url, part, progress)
    except requests.RequestException as error:
        _explain(entry, url, part, error)
    except OSError as error:
        raise DatasetError(f"{entry.name} could not be written to {part.parent}: {error.strerror or error}") from None
    try:
        _verify(entry, part)
    except DatasetError:
        part.unlink(missing_ok=True)
        raise
    atomic.publish(part, entry.path)


def _address(entry: Entry) -> str:
    base = os.environ.get(BASE_VARIABLE)
    if not base:
        return entry.url
    scheme, host = urlsplit(base)[:2]
    return _checked(urlunsplit((scheme, host, *urlsplit(entry.url)[2:])))


def _checked(url: str) -> str:
    """`url` if it is https, or plain http to this machine; raises `DatasetError`."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise DatasetError(f"{url} is not an https address; downloads use https only. Check {BASE_VARIABLE}")


def _receive(entry: Entry, url: str, part: Path, progress: Progress | None) -> None:
    """Append to `part` what is missing, or start again where the server does not continue at the right byte."""
    have = part.stat().st_size if part.exists() else 0
    if not have or not _request(entry, url, part, have, progress):
        _request(entry, url, part, 0, progress)


def _request(entry: Entry, url: str, part: Path, have: int, progress: Progress | None) -> bool:
    """One GET from byte `have`; False if the part on disk cannot be continued and has to be fetched anew."""
    headers = {"Accept-Encoding": "identity"}  # the checksum is of the file itself
    if have:
        headers["Range"] = f"bytes={have}-"
    with (
        _session() as session,
        session.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, SILENCE_SECONDS)) as response,
    ):
        if have and response.status_code == requests.codes.requested_range_not_satisfiable:
            return _whole_size(response) == have  # the part is complete, or longer than the file
        response.raise_for_status()
        partial = response.status_code == requests.codes.partial_content
        if partial and _first_byte(response) != have:
            return False
        _write(entry, response, part, have if partial else 0, progress)
        return True


def _session() -> requests.Session:
    session = requests.Session()
    session.mount("http://", _ThisMachineOnly())
    return session


class _ThisMachineOnly(HTTPAdapter):
    """Plain http never leaves this machine, redirects included."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        _checked(request.url or "")
        return super().send(request, *args, **kwargs)


def _whole_size(response: requests.Response) -> int | None:
    """The size of the whole file as Content-Range says it (`bytes 10-99/100`, `bytes */100`)."""
    match = re.fullmatch(r"bytes (?:\d+-\d+|\*)/(\d+)", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _first_byte(response: requests.Response) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _write(entry: Entry, response: requests.Response, part: Path, start: int, progress: Progress | None) -> None:
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else None
    _check_size(entry, total or 0)
    done = start
    with open(part, "ab" if start else "wb") as file:
        for block in response.iter_content(BLOCK):
            done += len(block)
            _check_size(entry, done)
            file.write(block)
            if progress:
                progress(done, total)


def _check_size(entry: Entry, size: int) -> None:
    if size > MAX_DOWNLOAD_BYTES:
        raise DatasetError(
            f"{entry.name}: the server sends more than {MAX_DOWNLOAD_BYTES:,} bytes, the most that is downloaded. "
            f"See {entry.homepage} for what is there now"
        )


def _explain(entry: Entry, url: str, part: Path, error: requests.RequestException) -> NoReturn:
    """Network trouble as a sentence with the next step."""
    host = urlsplit(url).netloc
    have = part.stat().st_size if part.exists() else 0
    kept = f" The first {have:,} bytes are kept, the next try continues there." if have else ""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        reason = f"{host} answered {error.response.status_code} {error.response.reason}"
    elif isinstance(error, requests.Timeout):
        reason = f"{host} did not answer in time"
    elif isinstance(error, requests.exceptions.ChunkedEncodingError):
        reason = f"the connection to {host} broke off"
    else:
        reason = f"there is no connection to {host}"
    raise DatasetError(
        f"{entry.name} could not be downloaded: {reason}.{kept} Without a network, fetch {entry.url} on another "
        "machine and open the file on the Data page"
    ) from None


def _verify(entry: Entry, part: Path) -> None:
    """Compare with the checksums of the catalogue; raises `DatasetError`."""
    if entry.checksum:
        with open(part, "rb") as file:
            _compare(
                entry, entry.filename, entry.checksum, hashlib.file_digest(file, _method(entry.checksum)).hexdigest()
            )
    if entry.members:
        try:
            with zipfile.ZipFile(part) as archive:
                for member, checksum in entry.members.items():
                    _compare(entry, member, checksum, _member_digest(archive, member, _method(checksum)))
        except (zipfile.BadZipFile, KeyError, EOFError) as error:
            raise DatasetError(
                f"{entry.name}: what was downloaded is not the expected zip file ({error}). {_RETRY}"
            ) from None


_RETRY = "It was thrown away; try again later, or see whether the data set's home page announces a new version"


def _method(checksum: str) -> str:
    return checksum.partition(":")[0]


def _member_digest(archive: zipfile.ZipFile, member: str, method: str) -> str:
    name = next((one for one in archive.namelist() if one.rpartition("/")[2] == member), None)
    if name is None:
        raise KeyError(f"no file {member} in it")
    if archive.getinfo(name).file_size > MAX_DOWNLOAD_BYTES:
        raise zipfile.BadZipFile(f"{member} expands to {archive.getinfo(name).file_size:,} bytes")
    with archive.open(name) as file:
        digest = hashlib.new(method, usedforsecurity=False)
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _compare(entry: Entry, what: str, checksum: str, found: str) -> None:
    method, _, expected = checksum.partition(":")
    if found != expected:
        raise DatasetError(f"{entry.name}: {what} has {method} {found} but should have {expected}. {_RETRY}")
