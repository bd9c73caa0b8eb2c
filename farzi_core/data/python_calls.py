"""Built-in data "Python calls": which function is called next?

One sequence a function of the standard library and of the packages this app requires, read with `ast` on this
machine: nothing is downloaded, executed or copied into the project. Functions with at least 3 calls are kept. A
package gives at most `MAX_PACKAGE_BYTES` of source (files in order of the hash of their path), so that one large
package does not drown the others; folders of tests and of generated or vendored code are skipped.
Two child processes parse (`call_sequences`); the result is cached by interpreter and package versions.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd

from farzi_core.data import call_sequences, columns
from farzi_core.data.call_sequences import Named
from farzi_core.data.events import EventTable, Finding
from farzi_core.data.stored import cache_table, load_card, load_table
from farzi_core.data.tables import table_of
from farzi_core.errors import DatasetError
from farzi_core.home import home
from farzi_core.limits import MAX_PACKAGE_BYTES, MIB, MIN_EVENTS_PER_USER, PARSE_SECONDS

SOURCE = "python-calls"
NAME = "Python calls"
LICENCE = "Names of called functions, read from the Python packages on this machine; each package has its own licence"
STANDARD_LIBRARY = "standard library"
SHARED_GROUP = "several packages"
REQUIREMENTS = (  # requirements.txt, by distribution name (a test compares them)
    "streamlit",
    "torch",
    "plotly",
    "pandas",
    "pyarrow",
    "numpy",
    "scikit-learn",
    "markdown-it-py",
    "tokenizers",
    "pydantic",
    "safetensors",
    "filelock",
    "psutil",
    "platformdirs",
    "requests",
    "typer",
    "rich",
)
SMALL_PACKAGE_CALLS = 5_000  # packages with fewer calls are weighted as if they had this many: their shares are noise
CHUNK_BYTES = 2 * MIB  # source a child process: progress about every half second
SKIPPED_FOLDERS = {
    *("test", "tests", "testing", "idlelib", "lib2to3", "turtledemo"),  # tests and demonstrations
    *("site-packages", "dist-packages"),  # not the standard library
    *("_vendor", "vendor", "vendored", "externals"),  # other people's code inside a package
    *("graph_objs", "validators", "proto"),  # generated: thousands of copies of one function
}
RULE = 1  # part of the cache key: raise it when the sequences change for the same files

Progress = Callable[[int, int], None]


class _File(NamedTuple):
    path: Path
    module: str  # dotted
    group: str
    size: int  # bytes


def read_python_calls(progress: Progress | None = None) -> EventTable:
    """The table, from the cache or built now (about 10 s on two cores). `progress(done, total)` counts source bytes."""
    folder = _cache_folder()
    if folder.is_dir():
        try:
            return load_table(folder)
        except DatasetError:
            return _build(progress)  # a damaged cache costs time, not the data set
    table = _build(progress)
    cache_table(table, folder)
    return table


def cached_counts() -> dict[str, int] | None:
    """Sequences, events and items if the table was built before; None where it would have to be built."""
    folder = _cache_folder()
    if not folder.is_dir():
        return None
    try:
        report = load_card(folder).report
    except DatasetError:
        return None
    return {"sequences": report.users, "events": report.events, "items": report.items}


def _cache_folder() -> Path:
    return home() / "cache" / f"{SOURCE}-{_key()}"


def _key() -> str:
    """16 hex digits over everything the sequences depend on."""
    parts = [str(RULE), platform.python_implementation(), platform.python_version()]
    parts += [f"{name} {distribution.version}" for name, distribution in _distributions()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _distributions() -> Iterator[tuple[str, importlib.metadata.Distribution]]:
    for name in REQUIREMENTS:
        try:
            yield name, importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # a trimmed installation has fewer sequences, and another cache key


def _files() -> list[_File]:
    library = Path(sysconfig.get_path("stdlib"))
    found = _capped(library, _walk(library), STANDARD_LIBRARY)
    for name, distribution in _distributions():
        root = Path(str(distribution.locate_file("")))
        found += _capped(root, (str(one) for one in distribution.files or ()), name)
    return found


def _walk(root: Path) -> Iterator[str]:
    """Source files below `root`, relative and with `/`; skipped folders are not entered (site-packages is large)."""
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if name not in SKIPPED_FOLDERS]
        yield from (Path(folder, name).relative_to(root).as_posix() for name in files if name.endswith(".py"))


def _capped(root: Path, names: Iterator[str], group: str) -> list[_File]:
    """The files of one package that are read, in order of path."""
    candidates = [name for name in names if _is_wanted(name) and (root / name).is_file()]
    chosen, total = [], 0
    for name in sorted(candidates, key=lambda one: hashlib.sha256(one.encode()).digest()):
        size = (root / name).stat().st_size
        if total + size <= MAX_PACKAGE_BYTES:
            total += size
            chosen.append(_File(root / name, _module(PurePosixPath(name)), group, size))
    return sorted(chosen, key=lambda file: file.module)


def _is_wanted(name: str) -> bool:
    folders = name.split("/")[:-1]
    return name.endswith(".py") and ".." not in folders and not SKIPPED_FOLDERS.intersection(folders)


def _module(path: PurePosixPath) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _build(progress: Progress | None) -> EventTable:
    files = _files()
    users: list[str] = []
    names: list[list[str]] = []
    groups: list[str] = []
    unread = 0
    taken: defaultdict[str, int] = defaultdict(int)
    for file, functions in zip(files, _parse(files, progress), strict=True):
        unread += functions is None
        for function, called in functions or ():
            if len(called) >= MIN_EVENTS_PER_USER:
                taken[function] += 1  # overloads and property setters share a name
                users.append(function if taken[function] == 1 else f"{function} ({taken[function]})")
                names.append(called)
                groups.append(file.group)
    return _table(users, names, groups, unread)


def _parse(files: list[_File], progress: Progress | None) -> Iterator[list[Named] | None]:
    """The functions of each file, in order; None for a file that could not be read or parsed."""
    chunks = list(_chunks(files))
    total, done = sum(file.size for file in files), 0
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for chunk, lines in zip(chunks, pool.map(_parse_chunk, chunks), strict=True):
            yield from lines
            done += sum(file.size for file in chunk)
            if progress:
                progress(done, total)


def _chunks(files: list[_File]) -> Iterator[list[_File]]:
    chunk: list[_File] = []
    for file in files:
        chunk.append(file)
        if sum(one.size for one in chunk) >= CHUNK_BYTES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _parse_chunk(chunk: list[_File]) -> list[list[Named] | None]:
    request = json.dumps([(str(file.path), file.module) for file in chunk]).encode()
    command = [sys.executable, "-I", "-S", call_sequences.__file__]
    try:
        ended = subprocess.run(command, input=request, capture_output=True, timeout=PARSE_SECONDS, check=True)  # noqa: S603
    except (subprocess.SubprocessError, OSError) as error:
        raise DatasetError(
            f"{NAME} could not be read: the child process that parses source failed ({type(error).__name__}). Is "
            "memory or time short? Try again, or choose the data set 'planted'"
        ) from error
    return [json.loads(line) for line in ended.stdout.splitlines()]


def _table(users: list[str], names: list[list[str]], groups: list[str], unread: int) -> EventTable:
    lengths = [len(called) for called in names]
    items = pd.Series([name for called in names for name in called], dtype="str")
    catalogue = _catalogue(items, _repeat(groups, lengths))
    sentence = f"source files that could not be read or parsed, left out: {unread:,}"
    findings = (Finding(kind="unread_files", count=unread, sentence=sentence),) if unread else ()
    return table_of(NAME, SOURCE, _repeat(users, lengths), items, catalogue, licence=LICENCE, findings=findings)


def _repeat(values: list[str], times: list[int]) -> pd.Series:
    return pd.Series(values, dtype="str").repeat(times).reset_index(drop=True)


def _catalogue(items: pd.Series, groups: pd.Series) -> pd.DataFrame:
    """One row an item. Group: the package with more than half of its calls, packages weighted to equal size."""
    counts = pd.crosstab(items, groups)
    shares = counts / counts.sum().clip(lower=SMALL_PACKAGE_CALLS)
    shares = shares.div(shares.sum(axis=1), axis=0)
    group = shares.idxmax(axis=1).where(shares.max(axis=1) > 0.5, SHARED_GROUP)
    names = group.index.to_numpy()
    return pd.DataFrame({columns.ITEM: names, columns.TITLE: names, columns.GROUP: group.to_numpy()})
