"""Events are sorted by user, time and line; what is unusual is counted and kept."""

import pytest

from farzi_core import limits
from farzi_core.data.events import EventTable
from farzi_core.data.ingest import Input, import_events
from farzi_core.data.mapping import Mapping
from farzi_core.errors import DatasetError

TIMED = Mapping(user="user", item="item", time="time")


def table_of(text: str, mapping: Mapping, titles: str | None = None) -> EventTable:
    second = None if titles is None else Input(titles.encode(), "titles.csv")
    return import_events(Input(text.encode(), "x.csv"), mapping, titles=second, complete=titles is not None)


def counts(table: EventTable) -> dict[str, int]:
    return {one.kind: one.count for one in table.report.findings}


def test_users_keep_their_first_appearance_and_events_their_time() -> None:
    table = table_of("user,item,time\nv,a,5\nu,b,9\nv,c,3\nu,d,1\n", TIMED)
    assert table.frame.to_numpy().tolist() == [["v", "c", 3.0], ["v", "a", 5.0], ["u", "d", 1.0], ["u", "b", 9.0]]


def test_equal_times_stay_in_file_order_and_are_counted() -> None:
    table = table_of("user,item,time\nu,b,1\nu,a,1\nu,c,0\nv,a,1\n", TIMED)
    assert list(table.frame["item"]) == ["c", "b", "a", "a"]
    assert counts(table)["ties"] == 1


def test_time_orders_before_the_order_column() -> None:
    mapping = Mapping(user="user", item="item", time="day", order="n")
    table = table_of("user,item,day,n\nu,c,2020-01-02,1\nu,b,2020-01-01,2\nu,a,2020-01-01,1\n", mapping)
    assert list(table.frame["item"]) == ["a", "b", "c"]
    assert "ties" not in counts(table)


def test_without_time_the_file_gives_the_order_and_the_report_says_so() -> None:
    table = table_of("user,item\nu,b\nv,x\nu,a\n", Mapping(user="user", item="item"))
    assert table.frame.to_numpy().tolist() == [["u", "b", 1.0], ["u", "a", 3.0], ["v", "x", 2.0]]
    assert "order_file" in counts(table)


def test_duplicates_repeats_and_short_users_are_counted_and_kept() -> None:
    table = table_of("user,item,time\nu,a,1\nu,a,1\nu,a,2\nv,b,1\nw,a,1\nw,b,2\n", TIMED)
    found = counts(table)
    assert (table.report.events, table.report.users, table.report.items) == (6, 3, 2)
    assert (found["duplicates"], found["repeats"], found["short_users"]) == (1, 2, 2)
    assert "(3 events in all)" in " ".join(one.sentence for one in table.report.findings)


def test_titles_come_from_columns_and_conflicts_are_counted() -> None:
    mapping = Mapping(user="user", item="item", title="name", group="kind")
    table = table_of("user,item,name,kind\nu,a,Apple,fruit\nu,b,Bread,food\nv,a,Apfel,fruit\n", mapping)
    assert table.items.to_numpy().tolist() == [["a", "Apple", "fruit"], ["b", "Bread", "food"]]
    assert counts(table)["title_conflicts"] == 1


def test_titles_come_from_a_second_table_and_gaps_are_counted() -> None:
    titles = "item,title,genre\nb,Bread,food\nz,Zebra,animal\n"
    table = table_of("user,item\nu,a\nu,b\n", Mapping(user="user", item="item"), titles)
    assert table.items.to_numpy().tolist() == [["a", "a", ""], ["b", "Bread", "food"]]
    assert (counts(table)["missing_titles"], counts(table)["unused_titles"]) == (1, 1)


def test_titles_of_other_items_are_refused_with_examples_of_both_sides() -> None:
    with pytest.raises(DatasetError, match=r"no item of the events is in the titles table: events have '007', .* '7'"):
        table_of("user,item\nu,007\n", Mapping(user="user", item="item"), "item,title\n7,Bond\n")


def test_long_titles_are_cut_and_line_ends_become_spaces() -> None:
    long = "x" * (limits.MAX_TITLE_LENGTH + 1)
    mapping = Mapping(user="user", item="item", title="name")
    table = table_of(f'user,item,name\nu,a,{long}\nu,b,"two\nlines"\n', mapping)
    assert [len(title) for title in table.items["title"]] == [limits.MAX_TITLE_LENGTH, 9]
    assert table.items["title"][1] == "two lines"
    assert (counts(table)["cut_titles"], counts(table)["cleaned_titles"]) == (1, 1)


def test_sequences_in_cells_become_events_in_their_order() -> None:
    table = table_of("song,chords\ns1,C  G C\ns2,\ns3, F\tG \n", Mapping(user="song", sequence="chords"))
    assert table.frame.to_numpy().tolist() == [
        ["s1", "C", 1.0], ["s1", "G", 2.0], ["s1", "C", 3.0], ["s3", "F", 4.0], ["s3", "G", 5.0],
    ]  # fmt: skip
    assert (table.report.rows, table.report.users, counts(table)["empty_sequences"]) == (3, 2, 1)


def test_sequences_without_a_user_are_numbered() -> None:
    table = import_events(Input(b"a b c\nb c\nc a b d\n", "x.txt"), Mapping(sequence="sequence"))
    assert table.frame["user"].tolist() == ["1"] * 3 + ["2"] * 2 + ["3"] * 4


def test_a_long_item_in_a_sequence_is_refused_by_the_line_of_its_row() -> None:
    text = f"song,chords\ns1,C G\ns2,C {'x' * 300}\n"
    with pytest.raises(DatasetError, match=r"line 3: item .* is longer than 256 characters"):
        table_of(text, Mapping(user="song", sequence="chords"))
