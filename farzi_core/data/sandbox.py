"""Preview and import in a child process with limits on time and memory, so that no file can harm the server.

    page -> preview_file / import_file (tables), preview_words / import_words (texts)
         -> python -m farzi_core.data.sandbox (request on stdin, reply on stdout, JSON)

The child lowers its own limits before it opens the file. What it cannot bear ends the child, and the parent says so.
This is a fence against accidents and hostile sizes, not a jail: the child runs as the same user.
"""

import contextlib
import gc
import json
import logging
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from farzi_core import limits
from farzi_core.data import library
from farzi_core.data.events import IngestReport
from farzi_core.data.ingest import Input, Preview, import_events, preview
from farzi_core.data.mapping import Mapping
from farzi_core.data.source import ReadOptions
from farzi_core.data.text import TextOptions, TextPreview, import_text, preview_text
from farzi_core.data.unpack import check_size, shown_name
from farzi_core.errors import DatasetError, FarziError
from farzi_core.home import home

_ROOT = Path(__file__).resolve().parents[2]  # where `farzi_core` is importable from, installed or not
COMMAND = [sys.executable, "-m", "farzi_core.data.sandbox"]
_OUT_OF_MEMORY = 3  # exit code of the child
_LOG = logging.getLogger(__name__)


class FileRequest(BaseModel):
    """One file to read: where it lies, what the user calls it, how to read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    filename: str
    options: ReadOptions = ReadOptions()
    mapping: Mapping = Mapping()


class TextRequest(BaseModel):
    """One text (a file, a zip or a folder) to read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["preview", "import"]
    path: str
    filename: str
    options: TextOptions = TextOptions()
    name: str | None = None


class Request(BaseModel):
    """One table to read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["preview", "import"]
    events: FileRequest
    titles: FileRequest | None = None
    name: str | None = None


class Imported(BaseModel):
    """An import that was committed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_id: str
    report: IngestReport


@contextlib.contextmanager
def staged(content: bytes, filename: str) -> Iterator[Path]:
    """An upload as a file of a random name in the cache folder, removed at the end; `filename` is for messages."""
    check_size(len(content), limits.MAX_UPLOAD_BYTES, filename)
    folder = home() / "cache" / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"upload-{secrets.token_hex(16)}"
    try:
        path.write_bytes(content)
        yield path
    finally:
        path.unlink(missing_ok=True)


def preview_file(path: str | Path, filename: str, options: ReadOptions | None = None) -> Preview:
    """What the file at `path` is; `filename` is what the user calls it. Raises `DatasetError`."""
    request = Request(action="preview", events=_file(path, filename, options, None))
    return Preview.model_validate(_ask(request, filename))


def import_file(
    path: str | Path,
    filename: str,
    mapping: Mapping,
    *,
    options: ReadOptions | None = None,
    titles_path: str | Path | None = None,
    titles_filename: str = "titles",
    titles_mapping: Mapping | None = None,
    titles_options: ReadOptions | None = None,
    name: str | None = None,
) -> tuple[str, IngestReport]:
    """Read, check and store a table under exactly this mapping: (data set id, report). Raises `DatasetError`."""
    titles = None if titles_path is None else _file(titles_path, titles_filename, titles_options, titles_mapping)
    events = _file(path, filename, options, mapping)
    imported = Imported.model_validate(
        _ask(Request(action="import", events=events, titles=titles, name=name), filename)
    )
    return imported.dataset_id, imported.report


def preview_words(path: str | Path, filename: str, options: TextOptions | None = None) -> TextPreview:
    """How the text at `path` would be read. Raises `DatasetError`."""
    request = _text("preview", path, filename, options, None)
    return TextPreview.model_validate(_ask(request, filename))


def import_words(
    path: str | Path, filename: str, options: TextOptions | None = None, *, name: str | None = None
) -> tuple[str, IngestReport]:
    """Read, check and store a text file, a zip or a folder of texts: (data set id, report). Raises `DatasetError`."""
    imported = Imported.model_validate(_ask(_text("import", path, filename, options, name), filename))
    return imported.dataset_id, imported.report


def _text(
    action: Literal["preview", "import"], path: str | Path, filename: str, options: TextOptions | None, name: str | None
) -> TextRequest:
    return TextRequest(
        action=action,
        path=str(Path(path).absolute()),
        filename=shown_name(filename),
        options=options or TextOptions(),
        name=name,
    )


def _file(path: str | Path, filename: str, options: ReadOptions | None, mapping: Mapping | None) -> FileRequest:
    return FileRequest(
        path=str(Path(path).absolute()),
        filename=shown_name(filename),
        options=options or ReadOptions(),
        mapping=mapping or Mapping(),
    )


def _ask(request: Request | TextRequest, filename: str) -> Any:
    """The child's result; its refusal, its death and its silence become a `DatasetError`."""
    text = request.model_dump_json()
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no shell, the request goes through stdin
            COMMAND, input=text, capture_output=True, text=True, timeout=limits.IMPORT_SECONDS, cwd=_ROOT, check=False
        )
    except subprocess.TimeoutExpired:
        raise DatasetError(
            f"reading {filename!r} took more than {limits.IMPORT_SECONDS} seconds and was ended; nothing was imported. "
            "Take a sample"
        ) from None
    if done.returncode < 0 or done.returncode == _OUT_OF_MEMORY:
        raise _killed(filename, done.returncode)
    return _reply(done.stdout, done.stderr, filename)


def _killed(filename: str, code: int) -> DatasetError:
    cause = "needed too much memory" if code == _OUT_OF_MEMORY else f"was ended by signal {signal.Signals(-code).name}"
    hint = "" if code == _OUT_OF_MEMORY else " (probably memory)"
    return DatasetError(
        f"reading {filename!r} {cause}{hint}; at most {limits.IMPORT_MEMORY_BYTES // limits.MIB:,} MiB may be used. "
        "Nothing was imported. Take a part of it: fewer columns, users or chapters"
    )


def _reply(output: str, log: str, filename: str) -> Any:
    try:
        reply = json.loads(output.splitlines()[-1])
    except (ValueError, IndexError):
        _LOG.error("the reader failed on a file: %s", log)
        raise DatasetError(
            f"the reader failed on {filename!r}; nothing was imported. The log has the details"
        ) from None
    if "error" in reply:
        raise DatasetError(reply["error"])
    return reply["result"]


def main() -> int:
    """The child: limits first, then one request; returns the exit code."""
    _lower_limits()
    gc.disable()  # a short life without cycles; looking for them among millions of cells costs a third of the time
    request = TypeAdapter(Request | TextRequest).validate_json(sys.stdin.read())
    try:
        result = _preview(request) if request.action == "preview" else _import(request)
    except FarziError as error:
        _answer({"error": str(error)})
    except MemoryError:
        return _OUT_OF_MEMORY
    else:
        _answer({"result": result.model_dump(mode="json")})
    return 0


def _answer(reply: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")


def _preview(request: Request | TextRequest) -> Preview | TextPreview:
    if isinstance(request, TextRequest):
        return preview_text(Path(request.path), request.filename, request.options)
    return preview(Path(request.events.path), request.events.filename, request.events.options)


def _import(request: Request | TextRequest) -> Imported:
    if isinstance(request, TextRequest):
        corpus = import_text(Path(request.path), request.filename, request.options, name=request.name)
        return Imported(dataset_id=library.add(corpus), report=corpus.report)
    titles = _input(request.titles) if request.titles else None
    titles_mapping = request.titles.mapping if request.titles else None
    events = import_events(
        _input(request.events),
        request.events.mapping,
        titles=titles,
        titles_mapping=titles_mapping,
        complete=False,
        name=request.name,
    )
    return Imported(dataset_id=library.add(events), report=events.report)


def _input(file: FileRequest) -> Input:
    return Input(Path(file.path), file.filename, file.options)


def _lower_limits() -> None:
    """Cap address space and CPU time and forbid core dumps, where the platform can (POSIX)."""
    try:
        import resource
    except ImportError:  # Windows: only the parent's clock protects
        return
    for kind, most in (
        (resource.RLIMIT_AS, limits.IMPORT_MEMORY_BYTES),
        (resource.RLIMIT_CPU, limits.IMPORT_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    sys.exit(main())
