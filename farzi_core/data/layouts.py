"""The text of one file -> its sentences: plain prose, one sentence a line, Markdown, JSON lines.

Each returns sentences without line ends and without spaces at their ends; none is empty. A sentence of prose ends at
an empty line, or after `.`, `?`, `!` or `:` before white space.
"""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from farzi_core import limits
from farzi_core.data.jsonlines import records
from farzi_core.errors import DatasetError

if TYPE_CHECKING:
    from markdown_it.token import Token

Layout = Literal["plain", "lines", "markdown", "jsonl"]
LAYOUT_NAMES: dict[Layout, str] = {
    "plain": "plain text",
    "lines": "one sentence a line",
    "markdown": "Markdown",
    "jsonl": "JSON lines",
}
SUFFIXES: dict[str, Layout] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "plain",
    ".text": "plain",
    "": "plain",
}
TEXT_KEYS = ("text", "content", "sentence", "body", "document")  # where JSON lines usually keep their text
_SENTENCE_END = re.compile(r"(?<=[.?!:])\s+|\n[^\S\n]*\n")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_SAMPLE_LINES = 200
_SEPARATED = re.compile(r" <unk> | n't | 's ")  # marks of a text whose words were separated by a program


def guess(text: str, suffix: str) -> Layout:
    """By the name's ending; a text whose first lines are single, separated sentences (PTB) is read line by line."""
    found = SUFFIXES.get(suffix, "plain")
    if found == "plain" and text.lstrip()[:1] == "{":
        return "jsonl"
    return "lines" if found == "plain" and separated(text) else found


def separated(text: str) -> bool:
    """Whether the words of the first lines stand between spaces already, as in the Penn Treebank files."""
    lines = [line for line in text[: limits.MAX_HEADER_BYTES].split("\n")[:_SAMPLE_LINES] if line.strip()]
    framed = sum(line.startswith(" ") and line.rstrip("\r").endswith(" ") for line in lines)
    return bool(lines) and (2 * framed > len(lines) or sum(bool(_SEPARATED.search(line)) for line in lines) > 2)


def sentences(text: str, layout: Layout, key: str | None = None) -> Iterator[str]:
    """The sentences of one file; raises `DatasetError` with the line where JSON is broken or has no text."""
    if layout == "jsonl":
        return _json_lines(text, key)
    return _PARSERS[layout](text)


def _plain(text: str) -> Iterator[str]:
    found = (" ".join(part.split()) for part in _SENTENCE_END.split(text))
    return (sentence for sentence in found if sentence)


def _lines(text: str) -> Iterator[str]:
    found = (line.strip() for line in text.split("\n"))
    return (line for line in found if line)


def _markdown(text: str) -> Iterator[str]:
    """Prose of headings, paragraphs, lists and tables: no code blocks, no HTML, no addresses of links."""
    from markdown_it import MarkdownIt  # only where a file needs it: the server imports this module

    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "inline":
            yield from _plain("".join(_words(one) for one in token.children or []))


def _words(token: "Token") -> str:
    if token.type in ("text", "code_inline"):
        return token.content
    return " " if token.type in ("softbreak", "hardbreak", "image") else ""


def _json_lines(text: str, key: str | None) -> Iterator[str]:
    for number, record in records(text.encode()):
        name = key or next((name for name in TEXT_KEYS if isinstance(record.get(name), str)), None)
        value = record.get(name) if name is not None else None
        if not isinstance(value, str):
            wanted = repr(key) if key else f"one of {', '.join(TEXT_KEYS)}"
            raise DatasetError(
                f"line {number}: no text under {wanted}; the keys are {', '.join(map(repr, record))[:200]}. "
                "Name the key that holds the text"
            )
        if found := _UNPRINTABLE.search(value):
            raise DatasetError(
                f"line {number}: {name!r} holds U+{ord(found[0]):04X}, a control character or half a character; a text "
                "may hold printable characters, tabs and line ends only"
            )
        yield from _plain(value)


_PARSERS: dict[Layout, Callable[[str], Iterator[str]]] = {"plain": _plain, "lines": _lines, "markdown": _markdown}
