"""datasets list, describe, download, add: what can be distilled, and where it comes from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from farzi_core.commands import show
from farzi_core.data import catalogue, library
from farzi_core.data.encoding import ENCODINGS
from farzi_core.data.events import IngestReport
from farzi_core.data.library import SourceCard
from farzi_core.data.mapping import Mapping, completed
from farzi_core.errors import DatasetError

app = typer.Typer(help="List, describe, download and add data sets.", no_args_is_help=True, rich_markup_mode=None)
Key = Annotated[str, typer.Argument(metavar="KEY", help="As in `datasets list`.")]
Column = Annotated[str | None, typer.Option(help="Column of the file; guessed from its name if not given.")]


@app.command(name="list")
def list_sets(as_json: show.Json = False) -> int:
    """Built-in, catalogue and added data sets."""
    cards = library.list_sources()
    if as_json:
        show.document([card.model_dump(mode="json") for card in cards])
        return 0
    rows = [
        (one.key, one.name, _ready(one), _count(one.sequences), _count(one.events), _count(one.items)) for one in cards
    ]
    numbers = ["Sequences", "Events", "Items"]
    show.table(["Key", "Name", "Ready", *numbers], rows, right=numbers)
    return 0


@app.command()
def describe(key: Key, as_json: show.Json = False) -> int:
    """Source, licence, citation, sizes; what was set aside while reading, once the data are here."""
    card = _card(key)
    findings = [one.sentence for one in library.open_source(key).report.findings] if card.ready else []
    if as_json:
        show.document({**card.model_dump(mode="json"), "findings": findings})
        return 0
    entry = catalogue.ENTRIES.get(key)
    facts = [
        ("Name", card.name),
        ("What", card.sentence),
        ("Kind", f"{card.kind}, {card.task}"),
        ("Ready", _ready(card)),
        ("Sizes", f"{_count(card.sequences)} sequences, {_count(card.events)} events, {_count(card.items)} items"),
        ("Licence", card.licence),
        ("Citation", card.citation),
        ("Home", entry.homepage if entry else ""),
        ("How to get it", entry.recipe if entry else ""),
        *(("Noticed", sentence) for sentence in findings),
    ]
    show.table(["Data set", key], [fact for fact in facts if fact[1]])
    return 0


@app.command()
def download(
    key: Key,
    accept: Annotated[bool, typer.Option("--accept-licence", help="You have read its licence and keep it.")] = False,
    as_json: show.Json = False,
) -> int:
    """Fetch a data set of the catalogue from its home, check it, keep it. Goes on where it was interrupted."""
    from farzi_core.data.download import download as fetch

    entry = catalogue.ENTRIES.get(key)
    if entry is None:
        raise show.UsageError(f"{key!r} is not in the catalogue; it has {', '.join(catalogue.ENTRIES)}.")
    if not accept and not entry.recipe:
        raise show.UsageError(f"{entry.name}: {entry.licence} ({entry.homepage}). Add --accept-licence to accept that.")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=show.console(stderr=True), transient=True, disable=as_json) as bar:
        task = bar.add_task(entry.name, total=None)
        path = fetch(
            key, accept_licence=accept, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    if as_json:
        show.document({"key": key, "file": str(path), "bytes": path.stat().st_size})
    else:
        show.words(f"{entry.name} is ready. `python -m farzi_core distill --data {key}` distils it.")
    return 0


@app.command()
def add(
    file: Annotated[
        Path,
        typer.Argument(help="CSV, TSV, Parquet, JSON lines, RecBole, MovieLens or Amazon file; with --text a text."),
    ],
    user: Column = None,
    item: Column = None,
    order: Column = None,
    time: Column = None,
    title: Column = None,
    group: Column = None,
    sequence: Annotated[str | None, typer.Option(help="Instead of item: column of whole sequences.")] = None,
    titles: Annotated[Path | None, typer.Option(help="A second table with item and title columns.")] = None,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    text: Annotated[
        bool, typer.Option("--text", help="It is a text, or a zip or folder of texts, not events.")
    ] = False,
    layout: Annotated[
        Literal["plain", "lines", "markdown", "jsonl"] | None, typer.Option(help="Of a text; recognised if not given.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Of a text in JSON lines: the key that holds it.")] = None,
    encoding: Annotated[str | None, typer.Option(help=f"If not UTF-8: {', '.join(ENCODINGS[1:])}.")] = None,
    as_json: show.Json = False,
) -> int:
    """Read a file of your own, check every row, and keep the events (or the text) under a key."""
    from farzi_core.data.sandbox import import_file, import_words, preview_file
    from farzi_core.data.source import ReadOptions
    from farzi_core.data.text import TextOptions

    for path in (file, titles):
        if path is not None and not (path.is_file() or (text and path.is_dir())):
            raise show.UsageError(f"There is no file {path}.")
    if text:
        how = TextOptions(layout=layout, key=key, encoding=encoding)
        return _added(*import_words(file, file.name, how, name=name), as_json, True)
    options = ReadOptions(encoding=encoding)
    chosen = Mapping(user=user, item=item, order=order, time=time, title=title, group=group, sequence=sequence)
    with _named(file):
        seen = preview_file(file, file.name, options)
    if titles:
        with _named(titles):
            preview_file(titles, titles.name, options)
    mapping = completed(seen.guess, seen.columns, seen.rows, chosen)
    second = titles.name if titles else "titles"
    with _named(file):
        imported = import_file(
            file, file.name, mapping, options=options, titles_path=titles, titles_filename=second,
            titles_options=options, name=name,
        )  # fmt: skip
    return _added(*imported, as_json, False)


def _added(identifier: str, report: IngestReport, as_json: bool, text: bool) -> int:
    """Say what was kept, and under which key."""
    key = library.IMPORTED + identifier
    if as_json:
        show.document({"key": key, "report": report.model_dump(mode="json")})
        return 0
    names = ("Words", "Sentences", "Different words") if text else ("Events", "Users", "Items")
    counts = (report.events, report.users, report.items)
    rows = [(name, _count(count)) for name, count in zip(names, counts, strict=True)]
    show.table(["Data set", key], [*rows, *(("Noticed", one.sentence) for one in report.findings)])
    show.words(f"\n`python -m farzi_core distill --data {key}` distils it.")
    return 0


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Errors of reading say which file they are about."""
    try:
        yield
    except DatasetError as error:
        raise DatasetError(f"{file.name}: {error}") from None


def _card(key: str) -> SourceCard:
    cards = {card.key: card for card in library.list_sources()}
    if key not in cards:
        raise show.UsageError(f"There is no data set {key!r}; known are {', '.join(cards)}.")
    return cards[key]


def _ready(card: SourceCard) -> str:
    return "yes" if card.ready else "to download" if card.kind == "catalogue" else "damaged"


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
