"""Data sets on the command line: the list, a file of one's own, its report."""

from pathlib import Path

import pytest


def clicks(folder: Path) -> Path:
    """20 sessions of 4 clicks; the session u3 has a fifth click that only differs in order."""
    lines = [f"u{user},=item-{(user + click) % 7},{click}" for user in range(20) for click in range(4)]
    file = folder / "clicks.csv"
    file.write_text("\n".join(["session,what,order", *lines, "u3,=item-0,9"]) + "\n")
    return file


def test_the_list_is_that_of_the_library(farzi) -> None:
    listed = {one["key"]: one["ready"] for one in farzi("datasets", "list", "--json").json}
    assert listed["planted"]
    assert not listed["ml-1m"]
    assert all(key in farzi("datasets", "list").out for key in listed)


def test_a_file_becomes_a_data_set_that_can_be_described(farzi, tmp_path: Path) -> None:
    file = clicks(tmp_path)
    added = farzi("datasets", "add", str(file), "--item", "what", "--name", "My [bold]clicks[/bold]", "--json")
    assert added.status == 0
    assert [added.json["report"][name] for name in ("events", "users", "items")] == [81, 20, 7]
    described = farzi("datasets", "describe", added.json["key"])
    assert "My [bold]clicks[/bold]" in described.out, "a name is text, not markup"
    assert "20 sequences, 81 events, 7 items" in described.out


@pytest.mark.parametrize("content", ["session,what\nu1\n", "session,what\nu1,a\x00b\n", ""])
def test_a_bad_file_is_1_with_its_reason(farzi, tmp_path: Path, content: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(content)
    ended = farzi("datasets", "add", str(file), "--user", "session", "--item", "what")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("farzi: ")
    assert "bad.csv" in ended.err


def test_a_file_that_is_not_utf_8_is_read_in_the_encoding_that_is_named(farzi, tmp_path: Path) -> None:
    table, story = tmp_path / "clicks.csv", tmp_path / "story.txt"
    table.write_bytes(clicks(tmp_path).read_text().replace("=item", "Müsli").encode("latin-1"))
    story.write_bytes("".join(f"Satz {one} über Öl.\n" for one in range(12)).encode("latin-1"))
    for file, more in ((table, ("--item", "what")), (story, ("--text",))):
        refused = farzi("datasets", "add", str(file), *more)
        assert refused.status == 1
        assert "choose the encoding" in refused.err
        added = farzi("datasets", "add", str(file), *more, "--encoding", "latin-1", "--json")
        assert added.status == 0
        assert added.json["report"]["items"] == (7 if file == table else 15)


def test_an_escape_sequence_in_a_name_does_not_reach_the_terminal(farzi, tmp_path: Path) -> None:
    farzi("datasets", "add", str(clicks(tmp_path)), "--item", "what", "--name", "red\x1b[31m\u202e")
    listed = farzi("datasets", "list").out
    assert "red" in listed
    assert "\x1b" not in listed
    assert "\u202e" not in listed
