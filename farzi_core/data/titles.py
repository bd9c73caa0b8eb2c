"""Item titles and groups: from columns of the event table, or from a second table."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from farzi_core import limits
from farzi_core.data import columns
from farzi_core.data.events import Finding
from farzi_core.data.mapping import Mapping
from farzi_core.data.shapes import GENRES
from farzi_core.data.sniff import flagged_genre
from farzi_core.data.source import RawTable, Source
from farzi_core.errors import DatasetError

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")  # shown as one space


@dataclass(frozen=True)
class TitleTable:
    """What a file says about items: first title and group of each id, and how often it says something else later."""

    titles: dict[str, str]
    groups: dict[str, str]
    conflicts: int = 0


def collect(
    items: Iterable[str], titles: Iterable[str] | None, groups: Iterable[str] | None, names: dict[str, str]
) -> TitleTable:
    """First title and group an id; later different titles are counted. `names` spells out group codes."""
    table = TitleTable({}, {})
    conflicts = 0
    listed = list(items)
    for item, title in zip(listed, titles or (), strict=False):
        conflicts += table.titles.setdefault(item, title) != title
    for item, group in zip(listed, groups or (), strict=False):
        table.groups.setdefault(item, names.get(group, group))
    return TitleTable(table.titles, table.groups, conflicts)


def read_titles(source: Source, mapping: Mapping) -> TitleTable:
    """Titles from a second table with columns item and title (or group); raises `DatasetError`."""
    if mapping.item is None or (mapping.title is None and mapping.group is None):
        raise DatasetError(
            f"the titles table needs an item column and a title column; it has {', '.join(map(repr, source.columns))}"
        )
    flags = list(GENRES) if source.format == "MovieLens u.item" and mapping.group is None else []
    wanted = [name for name in (mapping.item, mapping.title, mapping.group) if name is not None]
    optional = [name for name in wanted if name != mapping.item]
    table = source.read([*dict.fromkeys(wanted), *flags], optional)
    return collect(
        table.columns[mapping.item].to_pylist(),
        table.columns[mapping.title].to_pylist() if mapping.title else None,
        _groups(source, mapping, table, flags),
        source.group_names,
    )


def _groups(source: Source, mapping: Mapping, table: RawTable, flags: list[str]) -> list[str] | None:
    """Group cells; of MovieLens, where a film has several genres, the first (they are in alphabetical order)."""
    if flags:
        return [flagged_genre(row) for row in zip(*(table.columns[name].to_pylist() for name in flags), strict=True)]
    if mapping.group is None:
        return None
    cells: list[str] = table.columns[mapping.group].to_pylist()
    return [cell.partition("|")[0] for cell in cells] if source.format == "MovieLens movies.dat" else cells


def item_frame(items: list[str], table: TitleTable | None) -> tuple[pd.DataFrame, list[Finding]]:
    """(frame item, title, group; findings). An item without a title is called by its id."""
    if table is None:
        return _frame(items, items, [""] * len(items)), []
    if table.titles and not any(item in table.titles for item in items):
        raise DatasetError(
            f"no item of the events is in the titles table: events have {_some(items)}, titles have "
            f"{_some(table.titles)}; choose other columns or another titles table"
        )
    found = [_UNSAFE.sub(" ", table.titles.get(item, "")).strip() for item in items]
    titles = [cut(title) or item for item, title in zip(items, found, strict=True)]
    groups = [cut(_UNSAFE.sub(" ", table.groups.get(item, "")).strip()) for item in items]
    return _frame(items, titles, groups), _findings(items, found, table)


def cut(text: str) -> str:
    """`text` of at most `MAX_TITLE_LENGTH` characters; a longer one ends in an ellipsis."""
    return text if len(text) <= limits.MAX_TITLE_LENGTH else text[: limits.MAX_TITLE_LENGTH - 1] + "…"


def _frame(items: list[str], titles: list[str], groups: list[str]) -> pd.DataFrame:
    data = {columns.ITEM: items, columns.TITLE: titles, columns.GROUP: groups}
    return pd.DataFrame(data, dtype="str")


def _some(names: Iterable[Any]) -> str:
    return ", ".join(repr(name[:40]) for name, _ in zip(names, range(3), strict=False)) + ", ..."


def _findings(items: list[str], found: list[str], table: TitleTable) -> list[Finding]:
    missing = [item for item, title in zip(items, found, strict=True) if not title] if table.titles else []
    long = [title for title in found if len(title) > limits.MAX_TITLE_LENGTH]
    cleaned = [item for item in items if _UNSAFE.search(table.titles.get(item, ""))]
    unused = len(table.titles.keys() - set(items))
    rows = (
        ("missing_titles", len(missing), f"items without a title, shown by their id, for example {_some(missing[:1])}"),
        ("cut_titles", len(long), f"titles longer than {limits.MAX_TITLE_LENGTH} characters were cut"),
        ("cleaned_titles", len(cleaned), "titles held line ends or control characters, now a space"),
        ("title_conflicts", table.conflicts, "rows give an item another title than the first one, which was kept"),
        ("unused_titles", unused, "titles belong to items that do not occur in the events, and were left out"),
    )
    return [Finding(kind=kind, count=count, sentence=f"{count:,} {rest}.") for kind, count, rest in rows if count]
