"""Every supported kind of file gives the same events; the kind is told by content."""

import gzip
import io
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from farzi_core.data.events import EventTable
from farzi_core.data.ingest import Input, import_events, preview
from farzi_core.data.mapping import Mapping
from farzi_core.data.shapes import GENRES
from farzi_core.data.source import ReadOptions
from farzi_core.errors import DatasetError

EVENTS = [["u1", "i1", 1207008000.0], ["u1", "i2", 1207008060.0], ["u2", "i1", 1207008030.0]]
FRAME = pd.DataFrame(EVENTS, columns=["user", "item", "time"]).astype({"time": "int64"})
TYPED = ["user_id:token", "item_id:token", "time:float"]
DATED = FRAME.assign(time=pd.to_datetime(FRAME["time"], unit="s"))


def parquet(table: pa.Table | pd.DataFrame, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(table) if isinstance(table, dict) else pa.Table.from_pandas(table), sink, **options)
    return sink.getvalue()


def zipped(**members: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def table_of(content: bytes, filename: str = "data", **options: object) -> EventTable:
    return import_events(Input(content, filename, ReadOptions.model_validate(options)), Mapping())


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (FRAME.to_csv(index=False).encode(), "delimited text (comma)"),
        (FRAME.to_csv(index=False, sep="\t").encode(), "delimited text (tab)"),
        (gzip.compress(FRAME.to_csv(index=False, sep=";").encode()), "delimited text (semicolon)"),
        (parquet(FRAME), "Parquet"),
        (parquet(FRAME.astype({"user": "category"})), "Parquet"),
        (FRAME.to_json(orient="records", lines=True).encode(), "JSON lines"),
        (FRAME.to_csv(index=False, sep="\t", header=TYPED).encode(), "RecBole atomic file"),
        (DATED.to_csv(index=False).encode(), "delimited text (comma)"),
        (parquet(DATED), "Parquet"),
    ],
)  # fmt: skip
def test_the_same_events_come_out_of_every_format(content: bytes, name: str) -> None:
    table = table_of(content)
    assert table.frame.to_numpy().tolist() == EVENTS
    assert table.report.format == name


@pytest.mark.parametrize(
    ("line", "name", "user", "item"),
    [
        (b"196\t242\t3\t881250949\n", "MovieLens u.data", "196", "242"),
        (b"1::1193::5::978300760\n", "MovieLens ratings.dat", "1", "1193"),
        (b"B00005N7P0,AH2IFH762VY5U,5.0,1005177600\n", "Amazon ratings", "AH2IFH762VY5U", "B00005N7P0"),
        (b"AH2IFH762VY5U,B00005N7P0,5.0,1005177600\n", "Amazon ratings, user first", "AH2IFH762VY5U", "B00005N7P0"),
        (b"1 7\n", "SASRec user-item pairs", "1", "7"),
    ],
)
def test_published_files_without_a_header_are_recognised(line: bytes, name: str, user: str, item: str) -> None:
    table = table_of(line * 2)
    assert table.report.format == name
    assert table.frame[["user", "item"]].to_numpy().tolist() == [[user, item]] * 2


def u_item(identifier: int, title: str, genre: str) -> bytes:
    flags = "|".join("1" if one == genre else "0" for one in GENRES)
    return f"{identifier}|{title}|01-Jan-1995||http://imdb|{flags}\n".encode("latin-1")


def test_the_movielens_100k_zip_brings_latin_1_titles_and_genres() -> None:
    films = u_item(242, "Misérables, Les (1995)", "Drama") + u_item(302, "L.A. Confidential", "Crime")
    data = b"196\t242\t3\t881250949\n196\t302\t3\t881250950\n"
    table = table_of(zipped(**{"ml-100k/u.data": data, "ml-100k/u.item": films, "ml-100k/README": b"x"}))
    assert table.report.format == "MovieLens 100K zip"
    assert table.items.to_numpy().tolist() == [
        ["242", "Misérables, Les (1995)", "Drama"],
        ["302", "L.A. Confidential", "Crime"],
    ]


def test_the_movielens_1m_zip_brings_titles_and_the_first_genre() -> None:
    films = "1193::Amélie (2001)::Comedy|Romance\n".encode("latin-1")
    table = table_of(zipped(**{"ml-1m/ratings.dat": b"1::1193::5::978300760\n", "ml-1m/movies.dat": films}))
    assert table.items.to_numpy().tolist() == [["1193", "Amélie (2001)", "Comedy"]]


def test_the_newer_movielens_zip_holds_csv_files() -> None:
    ratings = b"userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n"
    films = "movieId,title,genres\n31,Amélie,Drama\n".encode()
    table = table_of(zipped(**{"ml-latest-small/ratings.csv": ratings, "ml-latest-small/movies.csv": films}))
    assert table.items.to_numpy().tolist() == [["31", "Amélie", "Drama"]]


def test_the_e_shop_zip_spells_out_its_groups() -> None:
    text = (
        "year;month;day;order;country;session ID;page 1 (main category);page 2 (clothing model);colour\r\n"
        "2008;4;1;2;29;1;2;B4;5\r\n2008;4;1;1;29;1;1;A13;1\r\n"
    )
    table = table_of(zipped(**{"e-shop clothing 2008.csv": text.encode()}))
    assert table.frame.to_numpy().tolist() == [["1", "A13", 1.0], ["1", "B4", 2.0]]
    assert table.items["group"].tolist() == ["skirts", "trousers"]


def test_sequences_may_be_lists_in_json_lines_and_parquet() -> None:
    lists = [["a b", "c"], [], ["c"]]
    lines = b'{"user": 7, "items": ["a b", "c"]}\n{"user": 8, "items": []}\n{"user": 9, "items": ["c"]}\n'
    stored = parquet(pa.table({"user": [7, 8, 9], "items": lists}).to_pandas())
    for content in (lines, stored):
        table = import_events(Input(content, "x"), Mapping(user="user", sequence="items"))
        assert table.frame[["user", "item"]].to_numpy().tolist() == [["7", "a b"], ["7", "c"], ["9", "c"]]


def test_json_numbers_keep_their_digits_and_blank_lines_are_counted() -> None:
    content = b'{"user": 12345678901234567890123, "item": 1.50}\n\n{"user": "u", "item": "NA"}\n'
    table = import_events(Input(content, "x.jsonl"), Mapping(user="user", item="item"))
    assert table.frame[["user", "item"]].to_numpy().tolist() == [["12345678901234567890123", "1.50"], ["u", "NA"]]
    assert {one.kind: one.count for one in table.report.findings}["blank_lines"] == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"user": "u"}', "line 2: the key 'item' is missing"),
        (b'{"user": "u", "item": null}', "line 2: 'item' is .*; a text, a number or a list of them is needed"),
        (b'{"user": "u", "item": true}', "line 2: 'item' is true"),
        (b'{"user": "u", "item": NaN}', "line 2: not a JSON object .NaN is not JSON"),
        (b'{"user": "u", "item": "a", "item": "b"}', "line 2: not a JSON object .a key occurs twice"),
        (b'{"user": "u", "item": ["a"]}', "line 2: 'item' is a list here"),
        (b'{"user": "u", "item": "\\ud800"}', "line 2: 'item' holds half a character"),
        (b'{"user": "u", "item": "a\\u0000"}', "line 2: item .* holds a control character"),
        (b"[1]", "line 2: '.1.' is not a JSON object"),
        (b'{"user": ' + b"[" * 100_000, "line 2: not a JSON object .nested too deeply"),
    ],
)
def test_bad_json_lines_are_refused_by_line(line: bytes, message: str) -> None:
    content = b'{"user": "u", "item": "a"}\n' + line + b"\n"
    with pytest.raises(DatasetError, match=message):
        import_events(Input(content, "x.jsonl"), Mapping(user="user", item="item"))


def test_missing_titles_are_no_error_in_json_lines_and_parquet() -> None:
    mapping = Mapping(user="user", item="item", title="title")
    lines = b'{"user": "u", "item": "a", "title": "A"}\n{"user": "u", "item": "b", "title": null}\n'
    stored = parquet(pd.DataFrame({"user": ["u", "u"], "item": ["a", "b"], "title": ["A", None]}))
    for content in (lines, stored):
        assert import_events(Input(content, "x"), mapping).items["title"].tolist() == ["A", "b"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"user": ["u", None], "item": ["a", "b"]}), "row 2: 'user' is null"),
        (pd.DataFrame({"user": [1.0, 2.0], "item": ["a", "b"]}), "user = 'user' holds number values"),
        (pd.DataFrame({"user": [b"u", b"v"], "item": ["a", "b"]}), "column 'user' has a type that is not read"),
        (pd.DataFrame({"user": ["u"], "item": [""]}), "row 1: item .* is empty"),
    ],
)
def test_bad_parquet_columns_are_refused_by_row(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        import_events(Input(parquet(frame), "x.parquet"), Mapping(user="user", item="item"))


def test_a_text_file_of_sequences_needs_no_header() -> None:
    shown = preview(b"the cat saw the dog\nthe dog ran\nthe cat ran\n", "x.txt")
    assert (shown.columns, shown.guess.mapping) == (("sequence",), Mapping(sequence="sequence"))


def test_recbole_item_files_give_titles() -> None:
    second = Input(b"item_id:token\tmovie_title:token_seq\tclass:token_seq\n5\tSome Film\tDrama\n", "ml.item")
    events = Input(b"user_id:token\titem_id:token\ttimestamp:float\nu\t5\t881250949\n", "ml.inter")
    table = import_events(events, Mapping(), titles=second)
    assert table.items.to_numpy().tolist() == [["5", "Some Film", "Drama"]]


def test_titles_for_other_numbers_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"movies.dat does not name the items of a SASRec file"):
        import_events(
            Input(b"1 1\n1 2\n", "ml-1m.txt"), Mapping(), titles=Input(b"1::Toy Story::Comedy\n", "movies.dat")
        )
