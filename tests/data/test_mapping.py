"""The guess is a start with a reason; the user's choice always wins; contradictions are refused in words."""

import pytest

from farzi_core.data.ingest import preview, read_events
from farzi_core.data.mapping import Mapping, check, guess, merge
from farzi_core.errors import DatasetError


@pytest.mark.parametrize(
    ("header", "mapping"),
    [
        ("userId,movieId,rating,timestamp", Mapping(user="userId", item="movieId", time="timestamp")),
        ("session,order,date,item", Mapping(user="session", item="item", order="order", time="date")),
        ("visitor_id;event;event_time", Mapping(user="visitor_id", item="event", time="event_time")),
        ("item,name,category", Mapping(item="item", title="name", group="category")),
        ("reviewerID,asin,unixReviewTime", Mapping(user="reviewerID", item="asin", time="unixReviewTime")),
    ],
)
def test_names_that_people_use_are_recognised(header: str, mapping: Mapping) -> None:
    cells = header.replace(";", ",").split(",")
    found = guess(cells, [["x"] * len(cells)])
    assert (found.mapping, found.confidence) == (mapping, "name")


def test_unknown_names_give_a_guess_by_position_that_says_so() -> None:
    found = guess(["wer", "was", "wann"], [["u", "a", "1207008000"], ["u", "b", "1207008001"]])
    assert found.mapping == Mapping(user="wer", item="was", time="wann")
    assert found.confidence == "position"
    assert "please check" in found.reason


def test_a_column_of_whole_sequences_is_recognised_by_its_cells() -> None:
    rows = [["1", "C G A F C G A F C"], ["2", "C G A F C G A F G"]]
    assert guess(["song_id", "harmony"], rows).mapping == Mapping(user="song_id", sequence="harmony")


def test_prose_is_no_sequence() -> None:
    rows = [
        ["1", "a", "one day in the old town nobody saw him"],
        ["2", "b", "another tale begins with seven little words here"],
    ]
    assert guess(["user", "item", "text"], rows).mapping.sequence is None


def test_a_chosen_time_replaces_the_guessed_order() -> None:
    guessed = guess(["user", "item", "order", "when"], [["u", "a", "1", "2"]])
    assert merge(guessed, Mapping(time="when")) == Mapping(user="user", item="item", time="when")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (Mapping(user="u", item="x"), "item = 'x': there is no such column; the table has 'u', 'i', 's'"),
        (Mapping(user="u", item="u"), "column 'u' is chosen as user and as item"),
        (Mapping(user="u"), "no column is chosen as item"),
        (Mapping(), "no column is chosen as user"),
        (Mapping(user="u", sequence="s", item="i"), "sequence = 's' already gives items and their order"),
        (Mapping(user="u", sequence="s", order="i"), "leave out order = 'i'"),
    ],
)
def test_contradictions_are_refused(mapping: Mapping, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        check(mapping, ("u", "i", "s"))


def test_an_item_may_be_its_own_title() -> None:
    check(Mapping(user="u", item="i", title="i"), ("u", "i"))


def test_preview_shows_cells_as_they_are_read() -> None:
    shown = preview(b"user,item\n007,NA\n", "../clicks.csv")
    assert shown.rows == (("007", "NA"),)
    assert (shown.filename, shown.format) == ("../clicks.csv", "delimited text (comma)")


def test_read_events_does_not_take_a_guess_by_position(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "x.csv"
    file.write_text("wer,was\nu,a\n")
    with pytest.raises(DatasetError, match="no column is chosen as user"):
        read_events(file)
    assert read_events(file, user="wer", item="was").report.events == 1


def test_read_events_completes_a_choice_by_names(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file, titles = tmp_path / "clicks.csv", tmp_path / "items.csv"
    file.write_text("session,item,order\ns,a,2\ns,b,1\n")
    titles.write_text("item,name\na,Apple\nb,Bread\n")
    table = read_events(file, user="session", titles=titles, name="My clicks")
    assert list(table.frame["item"]) == ["b", "a"]
    assert list(table.items["title"]) == ["Apple", "Bread"]
    assert (table.name, table.report.file) == ("My clicks", "clicks.csv")
