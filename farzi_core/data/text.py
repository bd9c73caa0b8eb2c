"""Bytes of texts -> a `Corpus`: one file, a zip or a folder of files; every rule for texts of unknown origin.

    preview_text   how a text would be read: its layout, its first sentences
    read_text      the whole text, or a `DatasetError` that names the file, the line, the value and the rule

A file named train, valid (val, dev) or test brings that part of an official split. What is left out is counted: files
of other kinds and files outside the split; hidden files and links are none of the text.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from pydantic import BaseModel, ConfigDict

from farzi_core import limits
from farzi_core.data import archives
from farzi_core.data.corpus import Corpus, TokeniserKind, corpus_frame, report_of
from farzi_core.data.encoding import to_utf8
from farzi_core.data.events import Finding
from farzi_core.data.layouts import LAYOUT_NAMES, SUFFIXES, Layout, guess, sentences, separated
from farzi_core.data.unpack import check_size, gunzip, read_file, shown_name
from farzi_core.errors import DatasetError

PREVIEW_SENTENCES = 20
_PARTS = {"train": "train", "valid": "validation", "validation": "validation", "val": "validation", "dev": "validation",
          "test": "test"}  # fmt: skip
_PART = re.compile(r"(?:^|[._\-/\\])(train|valid|validation|val|dev|test)(?=$|[._\-/\\])", re.IGNORECASE)


class TextOptions(BaseModel):
    """What the user may decide about reading a text; None means: recognise it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: Layout | None = None
    """plain (prose), lines (one sentence a line), markdown or jsonl."""
    encoding: str | None = None
    """One of `encoding.ENCODINGS`; UTF-8 where not given."""
    key: str | None = None
    """JSON lines: the key that holds the text."""


class TextPreview(BaseModel):
    """What a text looks like before it is imported. Its strings are shown as text, never as Markdown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filename: str
    layout: str
    files: tuple[str, ...]
    parts: tuple[str, ...]
    """Parts of an official split that were recognised."""
    sentences: tuple[str, ...]
    """The first ones, cut to 500 characters."""
    tokeniser: str


@dataclass(frozen=True)
class _File:
    """One text of the upload: its name for people, its part of a split or "", its layout, its sentences."""

    name: str
    part: str
    layout: Layout
    separated: bool
    texts: list[str]


def preview_text(content: str | Path | bytes, filename: str, options: TextOptions | None = None) -> TextPreview:
    """How the text would be read; raises `DatasetError` where it could not be."""
    corpus, files = _read(content, filename, options or TextOptions())
    return TextPreview(
        filename=shown_name(filename),
        layout=corpus.report.format,
        files=tuple(one.name for one in files[:PREVIEW_SENTENCES]),
        parts=tuple(dict.fromkeys(one.part for one in files if one.part)),
        sentences=tuple(text[:500] for text in corpus.texts[:PREVIEW_SENTENCES]),
        tokeniser=corpus.tokeniser,
    )


def read_text(
    path: str | Path,
    *,
    layout: Layout | None = None,
    encoding: str | None = None,
    key: str | None = None,
    name: str | None = None,
) -> Corpus:
    """Sentences of a text file, of a zip of texts, or of a folder (plain text, Markdown, JSON lines; gzip allowed).

    layout     plain (prose), lines (one sentence a line), markdown or jsonl; recognised if not given
    encoding   if it is not UTF-8
    key        JSON lines: the key that holds the text
    Raises `DatasetError`.
    """
    return import_text(path, Path(path).name, TextOptions(layout=layout, encoding=encoding, key=key), name=name)


def import_text(content: str | Path | bytes, filename: str, options: TextOptions, *, name: str | None = None) -> Corpus:
    """The corpus in a file's content or path; `filename` is what the user calls it. Raises `DatasetError`."""
    corpus, _ = _read(content, filename, options, name)
    return corpus


def _read(
    content: str | Path | bytes, filename: str, options: TextOptions, name: str | None = None
) -> tuple[Corpus, list[_File]]:
    members, others = _files(content, filename)
    files, left_out = _of_one_split(_named_apart([_parsed(member, data, options) for member, data in members]))
    texts = [text for one in files for text in one.texts]
    if not texts:
        raise DatasetError(f"{shown_name(filename)!r} holds no sentences; choose a file with text")
    parts = [one.part for one in files for _ in one.texts]
    layout = ", ".join(sorted({LAYOUT_NAMES[one.layout] for one in files}))
    report = report_of(
        shown_name(filename), layout, len(texts), texts, False, (*_about(files, options), *others, *left_out)
    )
    title = shown_name(name or PurePath(filename).stem or "text")
    kind: TokeniserKind = "spaces" if all(one.separated for one in files) else "words"
    return Corpus(title, corpus_frame(_users(files), parts, texts), report, tokeniser=kind), files


def _files(content: str | Path | bytes, filename: str) -> tuple[list[tuple[str, bytes]], tuple[Finding, ...]]:
    """(name, bytes) of each text in reading order, and what was left out; raises `DatasetError` where there is none."""
    if not isinstance(content, bytes) and Path(content).is_dir():
        found, others = _folder(Path(content))
    else:
        data = content if isinstance(content, bytes) else read_file(content)
        check_size(len(data), limits.MAX_EXPANDED_BYTES, shown_name(filename))
        zipped = data.startswith(archives.MAGIC)
        found, others = archives.text_members(data, SUFFIXES) if zipped else ([(filename, data)], [])
    if not found:
        raise DatasetError(
            f"{shown_name(filename)!r} holds no file whose name ends in {', '.join(filter(None, SUFFIXES))}; "
            "put the texts into such files"
        )
    return found, _left_out("files_of_other_kinds", "of no kind that is read as text", others)


def _left_out(kind: str, why: str, names: list[str]) -> tuple[Finding, ...]:
    if not names:
        return ()
    many = "1 file" if len(names) == 1 else f"{len(names):,} files"
    sentence = f"{many} {why}, left out, for example {shown_name(names[0])!r}"
    return (Finding(kind=kind, count=len(names), sentence=sentence),)


def _folder(folder: Path) -> tuple[list[tuple[str, bytes]], list[str]]:
    """(name, bytes) of the texts below a folder, sorted by path, and the names of its other files; links are not
    followed, hidden files are left out. An empty file is a text without sentences."""
    texts, others, size = list[tuple[str, bytes]](), list[str](), 0
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        linked = any(one.is_symlink() for one in (path, *path.parents) if folder in one.parents)
        if linked or any(part.startswith(".") for part in name.parts) or not path.is_file():
            continue
        if path.suffix.lower() not in SUFFIXES:
            others.append(name.as_posix())
        else:
            data = read_file(path) if path.stat().st_size else b""
            size += len(data)
            check_size(max(size, 1), limits.MAX_EXPANDED_BYTES, folder.name)
            texts.append((name.as_posix(), data))
    return texts, others


def _parsed(name: str, data: bytes, options: TextOptions) -> _File:
    shown = shown_name(name)
    try:
        text = to_utf8(gunzip(data), options.encoding).decode("utf-8")
        plain_name = PurePath(name[:-3] if name.lower().endswith(".gz") else name)
        layout = options.layout or guess(text, plain_name.suffix.lower())
        texts = list(sentences(text, layout, options.key))
    except DatasetError as error:
        raise DatasetError(f"{shown!r}, {error}") from None
    marks = _PART.findall(name)
    part = _PARTS[marks[-1].lower()] if marks else ""
    return _File(shown, part, layout, layout == "lines" and separated(text), texts)


def _of_one_split(files: list[_File]) -> tuple[list[_File], tuple[Finding, ...]]:
    """Where several files bring a split, those without a part (a README) are left out; one file alone has no split."""
    if len(files) == 1:
        return [replace(files[0], part="")], ()
    marked = [one for one in files if one.part]
    if not any(one.part == "train" for one in marked):
        return [replace(one, part="") for one in files], ()
    rest = [one.name for one in files if not one.part]
    if not rest:
        return marked, ()
    return marked, _left_out("files_without_part", "of no part of the split", rest)


def _named_apart(files: list[_File]) -> list[_File]:
    """Names made fit to be shown may be equal: a later one of them gets its number, so that users stay apart."""
    apart: dict[str, _File] = {}
    for number, one in enumerate(files, start=1):
        name = one.name
        while name in apart:
            name = f"{name} (file {number})"
        apart[name] = replace(one, name=name)
    return list(apart.values())


def _users(files: list[_File]) -> list[str]:
    """`train 12` is the twelfth sentence of train.txt; of a single file just `12`."""
    if len(files) == 1:
        return [str(number) for number in range(1, len(files[0].texts) + 1)]
    return [f"{one.name} {number}" for one in files for number in range(1, len(one.texts) + 1)]


def _about(files: list[_File], options: TextOptions) -> tuple[Finding, ...]:
    parts = Counter({one.part: 0 for one in files if one.part})
    for one in files:
        if one.part:
            parts[one.part] += len(one.texts)
    found = []
    if parts:
        listed = ", ".join(f"{count:,} {part}" for part, count in parts.items())
        sentence = f"The files bring their own split: {listed} sentences."
        found.append(Finding(kind="official_split", count=len(parts), sentence=sentence))
    if options.encoding not in (None, "utf-8"):
        found.append(Finding(kind="encoding", count=0, sentence=f"The text was read as {options.encoding}."))
    return tuple(found)
