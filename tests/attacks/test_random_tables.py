"""Random tables and random bytes: what is accepted is what the csv module reads, and nothing else is ever raised."""

import contextlib
import csv
import io

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farzi_core.data.events import EventTable
from farzi_core.data.ingest import Input, import_events, preview
from farzi_core.data.mapping import Mapping
from farzi_core.data.source import ReadOptions
from farzi_core.errors import DatasetError

ODD = ["\r", "\x00", "\x1f", "\x85", "é", "€", "😀", "NA", "007", "user,item", "'", "::"]
PIECES = [*"ab01,;\t| ", '"', '""', "\n", "\r\n", *ODD]
QUICK = settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
CELLS = st.lists(st.sampled_from([*"ab01,;| \"'\n", "é", "NA", "007"]), min_size=1, max_size=4).map("".join)
PAIRS = Mapping(user="user", item="item")


def outcome(content: bytes, options: ReadOptions, mapping: Mapping = PAIRS) -> EventTable | str:
    """The table, or the sentence of the refusal; any other exception fails the test."""
    try:
        return import_events(Input(content, "x.csv", options), mapping, complete=False)
    except DatasetError as error:
        return str(error)


def independent(text: str) -> list[list[str]]:
    """The rows of a comma table by the strict csv module, blank lines left out."""
    return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]


@QUICK
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_an_accepted_table_is_what_the_csv_module_reads(body: str) -> None:
    text = f"user,item\n{body}"
    table = outcome(text.encode(), ReadOptions(delimiter=",", header=True))
    if isinstance(table, str):
        assert table
        return
    rows = independent(text)[1:]
    users = list(dict.fromkeys(user for user, _ in rows))
    expected = [[user, item] for name in users for user, item in rows if user == name]
    assert table.frame[["user", "item"]].to_numpy().tolist() == expected


@settings(QUICK, max_examples=800)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from([",", ";", "\t", "|"]))
def test_a_table_that_the_csv_module_writes_comes_back(rows: list[tuple[str, str]], delimiter: str) -> None:
    sink = io.StringIO(newline="")
    csv.writer(sink, delimiter=delimiter).writerows([("user", "item"), *rows])
    table = outcome(sink.getvalue().encode(), ReadOptions(delimiter=delimiter, header=True))
    if any("\n" in cell for row in rows for cell in row):  # an id over two lines is no id
        assert "holds a control character" in str(table)
        return
    assert not isinstance(table, str), table
    assert sorted(table.frame[["user", "item"]].to_numpy().tolist()) == sorted(map(list, rows))


STARTS = [b"", b"PK\x03\x04", b"PAR1", b"\x1f\x8b\x08", b"{", b'{"a":1}\n', b"1 2\n", b"a,b\n"]


@settings(QUICK, max_examples=400)
@given(
    st.sampled_from(STARTS), st.binary(max_size=60), st.sampled_from([".csv", ".txt", ".zip", ".gz", ".parquet", ""])
)
def test_random_bytes_raise_nothing_but_a_refusal(start: bytes, rest: bytes, suffix: str) -> None:
    with contextlib.suppress(DatasetError):
        shown = preview(start + rest, f"x{suffix}")
        import_events(Input(start + rest, f"x{suffix}"), shown.guess.mapping)


@settings(QUICK, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.sampled_from([".csv", ".txt", ".tsv"]))
def test_every_preview_is_rectangular_or_refused(text: str, suffix: str) -> None:
    try:
        shown = preview(text.encode(), f"x{suffix}")
    except DatasetError:
        return
    assert {len(row) for row in shown.rows} <= {len(shown.columns)}
    assert len(set(shown.columns)) == len(shown.columns)
