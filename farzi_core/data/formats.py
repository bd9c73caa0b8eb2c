"""Bytes of any supported kind -> an opened `Source`. The kind is told by content; the file name only breaks ties.

gzip -> one of the below            zip -> known layouts (archives.py)
Parquet (parquet.py)                JSON lines (jsonlines.py)
delimited text, RecBole, MovieLens, Amazon, UCI e-shop, one sequence a line (sniff.py, shapes.py)
"""

from dataclasses import replace
from pathlib import PurePath

from farzi_core.data import archives, jsonlines, parquet, sniff
from farzi_core.data.encoding import to_utf8
from farzi_core.data.source import ReadOptions, Source
from farzi_core.data.unpack import gunzip
from farzi_core.errors import DatasetError

_OTHER = {  # magic bytes of what people try
    b"\x80\x02": "a Python pickle", b"\x80\x03": "a Python pickle", b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle", b"\x93NUMPY": "a NumPy array", b"\x89HDF": "an HDF5 file", b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file", b"\x28\xb5\x2f\xfd": "a zstd file", b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF", b"\x89PNG": "an image", b"Rar!": "a RAR archive", b"7z\xbc\xaf": "a 7z archive",
    b"ARROW1": "an Arrow file", b"\xd0\xcf\x11\xe0": "an old Excel or Office file", b"\x7fELF": "a program",
}  # fmt: skip
KINDS = "CSV, TSV, Parquet, JSON lines, RecBole, MovieLens, Amazon ratings, UCI e-shop (gzip allowed)"


def open_source(data: bytes, filename: str, options: ReadOptions | None = None) -> Source:
    """The table in `data`, opened and recognised but not yet read in full; raises `DatasetError`."""
    choice = options or ReadOptions()
    if not data:
        raise DatasetError(f"{filename!r} is empty (0 bytes); choose a file with events")
    if data.startswith(archives.MAGIC):
        return _open_zip(data, choice)
    return _open_plain(gunzip(data), filename, choice)


def _open_zip(data: bytes, options: ReadOptions) -> Source:
    archive = archives.open_archive(data)
    source = _open_plain(archive.events, archive.layout.events, options)
    titles = _open_plain(archive.titles, archive.layout.titles or "", ReadOptions()) if archive.titles else None
    return replace(source, format=archive.layout.name, titles=titles)


def _open_plain(data: bytes, filename: str, options: ReadOptions) -> Source:
    start = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start and not data.strip():
        raise DatasetError(f"{filename!r} has no content but blanks; choose a file with events")
    if data.startswith(parquet.MAGIC):
        return parquet.open_parquet(data)
    kind = next((kind for magic, kind in _OTHER.items() if data.startswith(magic)), None)
    if kind is not None or data.startswith(archives.MAGIC):
        raise DatasetError(f"{filename!r} is {kind or 'a zip'} by its first bytes; files read are {KINDS}")
    if start.startswith(b"{"):
        encoding = options.encoding or "utf-8"
        return jsonlines.open_json_lines(to_utf8(data, encoding), encoding)
    if start.startswith((b"[{", b"[\n", b"[ ", b"[\r")):
        raise DatasetError(f"{filename!r} is one JSON array; write one object a line (JSON lines) and try again")
    return sniff.open_text(data, options, _suffix(filename))


def _suffix(filename: str) -> str:
    """ ".csv" of "clicks.csv.gz"; text only, never opened."""
    name = PurePath(filename.lower())
    return PurePath(name.stem).suffix if name.suffix == ".gz" else name.suffix
