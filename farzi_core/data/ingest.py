"""Bytes -> a validated event table. The one place where a file of unknown origin becomes data.

    preview      what the file is, its first rows, and a mapping to start from
    read_events  the whole table, or a `DatasetError` that names the line, the value and the rule

Nothing is dropped without a finding in the report; a table is returned whole or not at all.
"""

from dataclasses import dataclass, field
from pathlib import Path, PurePath

from pydantic import BaseModel, ConfigDict

from farzi_core import limits
from farzi_core.data.assemble import events_of, sort
from farzi_core.data.events import EventTable, IngestReport
from farzi_core.data.formats import open_source
from farzi_core.data.mapping import Guess, Mapping, check, completed, guess, merge
from farzi_core.data.notices import about_file, about_ids
from farzi_core.data.source import RawTable, ReadOptions, Source
from farzi_core.data.titles import TitleTable, collect, item_frame, read_titles
from farzi_core.data.unpack import check_size, read_file, shown_name
from farzi_core.errors import DatasetError

PREVIEW_ROWS = 20


class Preview(BaseModel):
    """What a file looks like before it is imported. Its strings are shown as text, never as Markdown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filename: str
    format: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The first rows, cells as they are read."""
    delimiter: str | None
    encoding: str | None
    header: bool
    guess: Guess
    has_titles: bool
    """Whether the file brings its own titles table (MovieLens zips)."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Input:
    """A file to read: its content, the name people know it by, and how to read it."""

    content: str | Path | bytes
    filename: str
    options: ReadOptions = field(default_factory=ReadOptions)

    def open(self) -> Source:
        if isinstance(self.content, bytes):
            check_size(len(self.content), limits.MAX_EXPANDED_BYTES, self.filename)
            return open_source(self.content, self.filename, self.options)
        return open_source(read_file(self.content), self.filename, self.options)


def preview(content: str | Path | bytes, filename: str | None = None, options: ReadOptions | None = None) -> Preview:
    """What the file is and a mapping to start from; raises `DatasetError` if its first rows cannot be read."""
    name = filename or ("data" if isinstance(content, bytes) else Path(content).name)
    source = Input(content, name, options or ReadOptions()).open()
    rows = source.head()
    return Preview(
        filename=shown_name(name),
        format=source.format,
        columns=source.columns,
        rows=tuple(tuple(cell[:500] for cell in row) for row in rows[:PREVIEW_ROWS]),
        delimiter=source.delimiter,
        encoding=source.encoding,
        header=source.header,
        guess=_guess(source, rows),
        has_titles=source.titles is not None,
        notes=source.notes,
    )


def read_events(
    path: str | Path,
    *,
    user: str | None = None,
    item: str | None = None,
    order: str | None = None,
    time: str | None = None,
    title: str | None = None,
    group: str | None = None,
    sequence: str | None = None,
    titles: str | Path | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    name: str | None = None,
) -> EventTable:
    """Events of a table file (CSV, TSV, Parquet, JSON lines, RecBole, MovieLens, Amazon, UCI e-shop; gzip allowed).

    user, item          columns of ids, kept as the file writes them
    time, order         what orders a user's events: unix or ISO 8601 time, an order number, both (time
                        first), or neither (then the order of the file)
    sequence            instead of item: a column of whole sequences, items separated by spaces
    title, group        columns with an item's name and category
    titles              a second table with item and title columns
    delimiter, encoding, header   only if they are recognised wrongly

    Roles that are not given are taken from a known format or from column names. Raises `DatasetError`.
    """
    chosen = Mapping(user=user, item=item, order=order, time=time, title=title, group=group, sequence=sequence)
    events = Input(path, Path(path).name, ReadOptions(delimiter=delimiter, encoding=encoding, header=header))
    second = None if titles is None else Input(titles, Path(titles).name)
    return import_events(events, chosen, titles=second, name=name)


def import_events(
    events: Input,
    chosen: Mapping,
    *,
    titles: Input | None = None,
    titles_mapping: Mapping | None = None,
    complete: bool = True,
    name: str | None = None,
) -> EventTable:
    """The event table of `events` under `chosen`, completed by the guess unless `complete` is false."""
    source = events.open()
    mapping = _completed(source, chosen) if complete else chosen
    check(mapping, source.columns)
    optional = [name for name in (mapping.title, mapping.group) if name not in (None, mapping.item)]
    table = source.read(list(dict.fromkeys(mapping.chosen().values())), optional)
    coded = events_of(source, mapping, table)
    known = _titles(source, mapping, table, titles, titles_mapping or Mapping())
    items, title_findings = item_frame(coded.item.texts, known)
    frame, noticed = sort(coded)
    about = [*about_file(source, table), *about_ids(coded.user.texts, coded.item.texts)]
    report = IngestReport(
        file=shown_name(events.filename),
        format=source.format,
        rows=table.rows,
        events=len(frame),
        users=len(coded.user.names),
        items=len(items),
        findings=(*coded.findings, *noticed, *about, *title_findings),
    )
    return EventTable(shown_name(name or PurePath(events.filename).stem or "data"), frame, items, report)


def _guess(source: Source, rows: list[tuple[str, ...]]) -> Guess:
    if source.known is not None:
        return Guess(mapping=source.known, confidence="known", reason=f"the columns of {source.format} are known")
    return guess(source.columns, rows)


def _completed(source: Source, chosen: Mapping) -> Mapping:
    rows = source.head()
    return completed(_guess(source, rows), source.columns, rows, chosen)


def _titles(
    source: Source, mapping: Mapping, table: RawTable, second: Input | None, chosen: Mapping
) -> TitleTable | None:
    """Titles of a second table if one is given, else of the zip, else of columns of the events."""
    other = second.open() if second is not None else source.titles
    if other is not None:
        guessed = _guess(other, other.head())
        merged = merge(guessed, chosen)
        _refuse_renumbered(source, other)
        return read_titles(other, Mapping(item=merged.item, title=merged.title, group=merged.group))
    if mapping.item is None or (mapping.title is None and mapping.group is None):
        return None
    cells = {
        role: table.columns[name].to_pylist()
        for role, name in mapping.chosen().items()
        if role in ("item", "title", "group")
    }
    return collect(cells["item"], cells.get("title"), cells.get("group"), source.group_names)


def _refuse_renumbered(source: Source, titles: Source) -> None:
    """SASRec's files number items anew, so MovieLens titles would fit every id and name the wrong film."""
    if source.format == "SASRec user-item pairs" and titles.format in ("MovieLens movies.dat", "MovieLens u.item"):
        raise DatasetError(
            f"{titles.format} does not name the items of a SASRec file, which numbers items anew; "
            "leave the titles out, or make a table with columns item and title for these numbers"
        )
