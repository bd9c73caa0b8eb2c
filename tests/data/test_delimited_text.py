"""Delimited text becomes exactly the cells that are written, or an error that names the line."""

import gzip
import time

import pytest

from farzi_core import limits
from farzi_core.data.ingest import Input, import_events, preview
from farzi_core.data.mapping import Mapping
from farzi_core.data.source import ReadOptions
from farzi_core.errors import DatasetError

PAIRS = Mapping(user="user", item="item")


def events_of(text: str | bytes, mapping: Mapping = PAIRS, **options: object) -> list[tuple[str, str]]:
    content = text.encode() if isinstance(text, str) else text
    table = import_events(Input(content, "x.csv", ReadOptions.model_validate(options)), mapping)
    return list(zip(table.frame["user"], table.frame["item"], strict=True))


@pytest.mark.parametrize("value", ["007", "NA", "null", "None", "nan", "inf", "1e5", "True", "1" * 23, "-0"])
def test_ids_stay_the_text_of_the_file(value: str) -> None:
    assert events_of(f"user,item\n{value},a\nu,{value}\n") == [(value, "a"), ("u", value)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_recognised_and_shown(delimiter: str) -> None:
    text = f"user{delimiter}item\nu{delimiter}a b\nv{delimiter}b:c\n"
    assert events_of(text) == [("u", "a b"), ("v", "b:c")]
    assert preview(text.encode(), "x.csv").delimiter == delimiter


@pytest.mark.parametrize("delimiter", [" ", "::"])
def test_rare_delimiters_are_read_when_chosen(delimiter: str) -> None:
    assert events_of(f"user{delimiter}item\nu{delimiter}a\n", delimiter=delimiter) == [("u", "a")]


def test_quoted_cells_hold_delimiters_quotes_and_line_ends() -> None:
    text = 'user,item,note\r\n"u, 1","say ""a""","two\r\nlines"\r\nv,b,\r\n'
    assert events_of(text) == [("u, 1", 'say "a"'), ("v", "b")]


def test_gzip_and_byte_order_mark_change_nothing() -> None:
    text = b"user,item\nu,a\n"
    assert events_of(gzip.compress(b"\xef\xbb\xbf" + text)) == events_of(text)


def test_a_wrong_field_count_names_line_and_rule() -> None:
    with pytest.raises(DatasetError, match=r"line 4: 3 fields, but the first line has 2 \(separator comma\): 'v,b,c'"):
        events_of("user,item\nu,a\n\nv,b,c\n")


def test_a_wrong_field_count_after_a_multi_line_cell_names_the_physical_line() -> None:
    with pytest.raises(DatasetError, match="line 5: 1 fields"):
        events_of('user,item\nu,"a\nb"\nw,c\nv\n')


def test_a_wrong_field_count_far_down_names_its_line() -> None:
    rows = [f"u{n},a" for n in range(150_000)]
    rows[140_000] = "u,a,b"
    with pytest.raises(DatasetError, match="line 140002: 3 fields"):
        events_of("user,item\n" + "\n".join(rows))


def test_an_empty_id_names_line_and_column() -> None:
    with pytest.raises(DatasetError, match=r"line 3: user \('user'\) '' is empty"):
        events_of("user,item\nu,a\n,b\n")


def test_a_long_id_is_refused_and_the_longest_is_kept() -> None:
    longest = "x" * limits.MAX_ID_LENGTH
    assert events_of(f"user,item\n{longest},a\n") == [(longest, "a")]
    with pytest.raises(DatasetError, match=f"line 2: user .* is longer than {limits.MAX_ID_LENGTH} characters"):
        events_of(f"user,item\n{longest}x,a\n")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('user,item\nu,"a\n', "line 2: a quoted cell is never closed"),
        ('user,item\nu,"a"b\n', "line 2: text follows a closing quote"),
        ("user,user\nu,a\n", "line 1: column 2 is called 'user' like one before it"),
        ("user,item\n", "the table has no rows"),
        ("", "is empty"),
        ("\n\n", "has no content but blanks"),
    ],
)
def test_malformed_tables_are_refused_by_line(text: str, rule: str) -> None:
    with pytest.raises(DatasetError, match=rule):
        events_of(text)


def test_blank_lines_are_counted() -> None:
    table = import_events(Input(b"user,item\n\nu,a\n\n\nv,b\n\n", "x.csv"), PAIRS)
    assert {one.kind: one.count for one in table.report.findings}["blank_lines"] == 4
    assert table.report.rows == 2


def test_a_first_line_like_all_others_is_data() -> None:
    shown = preview(b"1,5\n1,7\n2,5\n", "x.csv")
    assert (shown.header, shown.columns) == (False, ("column 1", "column 2"))
    assert shown.guess.confidence == "position"
    mapping = Mapping(user="column 1", item="column 2")
    assert events_of("1,5\n1,7\n2,5\n", mapping) == [("1", "5"), ("1", "7"), ("2", "5")]


def test_the_user_may_say_that_the_first_line_is_a_header() -> None:
    assert events_of("1,5\n1,7\n", Mapping(user="1", item="5"), header=True) == [("1", "7")]


def test_years_as_column_names_are_still_a_header() -> None:
    assert preview(b"user,item,2019\n1,2,3\n2,3,4\n", "x.csv").header


def test_columns_without_a_name_get_one_and_it_is_said() -> None:
    shown = preview(b",user,item\n0,u,a\n", "x.csv")
    assert shown.columns == ("column 1", "user", "item")
    assert shown.notes == ("columns without a name are called column 1",)


def test_spaces_around_ids_are_kept_and_said() -> None:
    table = import_events(Input(b"user, item\nu, a\nu,a\n", "x.csv"), PAIRS)
    assert list(table.frame["item"]) == [" a", "a"]
    assert "1 ids have spaces at their ends, for example ' a'" in " ".join(
        one.sentence for one in table.report.findings
    )


def test_one_word_a_line_is_a_table_of_one_column() -> None:
    assert preview(b"word\na\nb\n", "x.csv").columns == ("word",)


def test_too_many_rows_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_EVENTS", 3)
    assert len(events_of("user,item\nu,a\nu,b\nu,c\n")) == 3
    for text in ("user,item\nu,a\nu,b\nu,c\nu,d\n", 'user,item\nu,a\nu,b\nu,c\nu,"d"\n'):
        with pytest.raises(DatasetError, match="more than 3 rows"):
            events_of(text)


def test_reading_costs_a_few_microseconds_a_row() -> None:
    rows = 200_000
    text = "user,item,time\n" + "".join(f"{n // 100},{n % 997},{1_000_000_000 + n}\n" for n in range(rows))
    start = time.process_time()
    table = import_events(Input(text.encode(), "x.csv"), Mapping(user="user", item="item", time="time"))
    assert time.process_time() - start < 4  # 0.5 s measured; a million rows within 10 s is the promise
    assert (table.report.events, table.report.users, table.report.items) == (rows, rows // 100, 997)
