"""What commands print: a JSON document or tables on stdout, notes and errors on stderr. Foreign text stays text."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from farzi_core.errors import FarziError
from farzi_core.views import text

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Cell = str | Text


class UsageError(FarziError):
    """The command line asks for something that is not there; ends with exit status 2."""


def console(*, stderr: bool = False) -> Console:
    """Rich without markup, so that a title in square brackets is printed as it is."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def say(message: str, prefix: str = "farzi: ") -> None:
    """A note or an error: on stderr, so that stdout stays one document."""
    lines = [text.visible(line) for line in message.splitlines()]
    sys.stderr.write(prefix + "\n".join(lines) + "\n")


def document(value: Mapping[str, Any] | list[Any]) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, indent=1, allow_nan=False) + "\n")


def words(message: str) -> None:
    """Lines for people on stdout."""
    console().print(Text("\n".join(text.visible(line) for line in message.splitlines())), soft_wrap=True)


def table(
    columns: Iterable[str], rows: Iterable[Iterable[Cell]], *, right: Iterable[str] = (), title: str = ""
) -> None:
    """A table on stdout; columns named in `right` hold numbers."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    numbers = set(right)
    for name in columns:
        made.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(text.visible(cell)) for cell in row))
    console().print(made)
