"""What the reader noticed: ties, duplicates, short users, spaces, blank lines. Counted and said, never repaired."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from farzi_core import limits
from farzi_core.data.events import Finding
from farzi_core.data.source import RawTable, Source


def about_order(users: npt.NDArray[Any], items: npt.NDArray[Any], keys: Sequence[npt.NDArray[Any]]) -> list[Finding]:
    """Findings on events [N] in table order; `keys` are their sort keys, none where the file gives the order."""
    timed = _about_times(users, items, keys) if keys else []
    return [*timed, *_repeats(users, items), *_short_users(users)]


def about_file(source: Source, table: RawTable) -> list[Finding]:
    """Findings on the file as a whole."""
    findings = _counted("blank_lines", table.blank_lines, "blank lines were passed over")
    if not source.header and source.known is None and source.delimiter is not None:
        findings.append(
            _note("no_header", "The first line looks like data: it was read as data, with numbered columns.")
        )
    if source.encoding not in (None, "utf-8"):
        findings.append(_note("encoding", f"The file was read as {source.encoding}."))
    return findings + [_note("note", f"{note[0].upper()}{note[1:]}.") for note in source.notes]


def about_ids(*ids: Sequence[str]) -> list[Finding]:
    """Ids with spaces around them are different ids: kept, and said."""
    spaced = [text for names in ids for text in names if text != text.strip()]
    example = f"ids have spaces at their ends, for example {spaced[0]!r}; they are kept as written" if spaced else ""
    return _counted("spaced_ids", len(spaced), example)


def _about_times(users: npt.NDArray[Any], items: npt.NDArray[Any], keys: Sequence[npt.NDArray[Any]]) -> list[Finding]:
    same = users[1:] == users[:-1]
    for key in keys:
        same &= key[1:] == key[:-1]
    frame = pd.DataFrame({"user": users, "item": items, **{str(at): key for at, key in enumerate(keys)}})
    tied = "neighbouring events of a user have equal times; they stay in the order of the file"
    twice = "events repeat an earlier one exactly (user, item, time); they are kept"
    return [
        *_counted("ties", int(same.sum()), tied),
        *_counted("duplicates", int(frame.duplicated().sum()), twice),
    ]


def _repeats(users: npt.NDArray[Any], items: npt.NDArray[Any]) -> list[Finding]:
    count = int(pd.DataFrame({"user": users, "item": items}).duplicated().sum())
    return _counted("repeats", count, "events repeat an item that the user had before; they are kept")


def _short_users(users: npt.NDArray[Any]) -> list[Finding]:
    lengths = np.bincount(users)
    short = lengths < limits.MIN_EVENTS_PER_USER
    events = int(lengths[short].sum())
    sentence = (
        f"users have fewer than {limits.MIN_EVENTS_PER_USER} events ({events:,} events in all); "
        "they stay in this table, and preparing sets them aside"
    )
    return _counted("short_users", int(short.sum()), sentence)


def _counted(kind: str, count: int, rest: str) -> list[Finding]:
    return [Finding(kind=kind, count=count, sentence=f"{count:,} {rest}.")] if count else []


def _note(kind: str, sentence: str) -> Finding:
    return Finding(kind=kind, count=0, sentence=sentence)
