"""Imported sets: stored once, found by id only, never outside the data home, never half."""

import os
from pathlib import Path

import pytest

from farzi_core.data import library
from farzi_core.data.library import add, list_sources, open_source, remove
from farzi_core.errors import DatasetError
from farzi_core.runs import atomic

HOSTILE = [
    "../x",
    "d-0123456789abcdef/..",
    "d-0123456789ABCDEF",
    "d-\x00",
    "",
    "/etc/passwd",
    "d-0123456789abcdef\n",
    "CON",
]
EVENTS = {"ann": "a b c", "bob": "b c <b>x</b>"}


def test_what_is_added_comes_back_equal(make_events) -> None:
    events = make_events(EVENTS, titles={"a": "=Apple"})
    back = open_source(f"dataset:{add(events)}")
    assert back.frame.equals(events.frame)
    assert back.items.equals(events.items)
    assert (back.name, back.report, back.source, back.licence) == (events.name, events.report, "test", "none")


def test_the_same_content_is_stored_once(make_events, farzi_home: Path) -> None:
    assert add(make_events(EVENTS)) == add(make_events(EVENTS))
    assert len(list((farzi_home / "datasets").iterdir())) == 1


@pytest.mark.parametrize("other", [{"ann": "a c b", "bob": "b c <b>x</b>"}, {"bob": "a b c", "ann": "b c <b>x</b>"}])
def test_other_content_has_another_id(make_events, other: dict[str, str]) -> None:
    assert add(make_events(EVENTS)) != add(make_events(other))
    assert add(make_events(EVENTS)) != add(make_events(EVENTS, titles={"a": "Apple"}))


def test_removed_means_gone(make_events, farzi_home: Path) -> None:
    identifier = add(make_events(EVENTS))
    remove(identifier)
    assert list((farzi_home / "datasets").iterdir()) == []
    with pytest.raises(DatasetError, match=f"there is no imported data set {identifier}"):
        open_source(f"dataset:{identifier}")
    with pytest.raises(DatasetError, match="there is no imported"):
        remove(identifier)


@pytest.mark.parametrize("identifier", HOSTILE)
def test_ids_that_are_not_ours_reach_no_path(identifier: str) -> None:
    with pytest.raises(DatasetError, match="is not the id of an imported data set"):
        open_source(f"dataset:{identifier}")
    with pytest.raises(DatasetError, match="is not the id of an imported data set"):
        remove(identifier)


def test_links_are_refused_and_their_target_survives(make_events, farzi_home: Path, tmp_path: Path) -> None:
    identifier = add(make_events(EVENTS))
    stored = farzi_home / "datasets" / identifier
    outside = tmp_path / "outside"
    stored.rename(outside)
    stored.symlink_to(outside)
    for action in (remove, lambda one: open_source(f"dataset:{one}")):
        with pytest.raises(DatasetError, match="links are not followed"):
            action(identifier)
    assert (outside / "card.json").exists()
    stored.unlink()
    outside.rename(stored)
    secret = tmp_path / "secret"
    (stored / "items.parquet").rename(secret)
    (stored / "items.parquet").symlink_to(secret)
    with pytest.raises(DatasetError, match="links are not followed"):
        open_source(f"dataset:{identifier}")


def test_a_damaged_set_is_listed_with_its_reason_and_harms_no_other(make_events, farzi_home: Path) -> None:
    good, bad = add(make_events(EVENTS)), add(make_events({"ann": "x y z"}))
    (farzi_home / "datasets" / bad / "card.json").write_text('{"name": 3}')
    cards = {card.key: card for card in list_sources()}
    assert cards[f"dataset:{good}"].ready
    assert not cards[f"dataset:{bad}"].ready
    assert "its card cannot be read" in cards[f"dataset:{bad}"].sentence
    (farzi_home / "datasets" / good / "events.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(DatasetError, match="its tables cannot be read"):
        open_source(f"dataset:{good}")


def test_a_set_of_a_newer_version_is_refused_with_what_to_do(make_events, farzi_home: Path) -> None:
    identifier = add(make_events(EVENTS))
    card = farzi_home / "datasets" / identifier / "card.json"
    card.write_text(card.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(DatasetError, match=r"newer Farzi Studio .* update Farzi Studio"):
        open_source(f"dataset:{identifier}")


def test_an_interrupted_store_leaves_nothing_visible(make_events, monkeypatch, farzi_home: Path) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", full)
        with pytest.raises(DatasetError, match=r"'made by hand' could not be stored in .*: No space left on device"):
            add(make_events(EVENTS))
    assert list((farzi_home / "datasets").iterdir()) == []
    assert [card for card in list_sources() if card.kind == "imported"] == []


def test_losing_the_race_to_store_the_same_content_is_no_error(make_events, monkeypatch) -> None:
    events, commit = make_events(EVENTS), atomic.commit_folder

    def second(temporary: Path, final: Path) -> None:
        other = atomic.temporary_folder(final)
        for file in temporary.iterdir():
            (other / file.name).write_bytes(file.read_bytes())
        commit(other, final)
        commit(temporary, final)

    monkeypatch.setattr(atomic, "commit_folder", second)
    assert open_source(f"dataset:{add(events)}").frame.equals(events.frame)


def test_every_installation_lists_the_built_in_and_catalogue_sets() -> None:
    cards = list_sources()
    assert [card.key for card in cards if card.kind == "builtin"] == ["python-calls", "planted", "python-docs"]
    assert {"ml-100k", "ml-1m", "amazon-magazine", "uci-eshop", "tiny-shakespeare", "ptb"} == {
        card.key for card in cards if card.kind == "catalogue"
    }
    assert all(card.sentence and card.licence for card in cards)
    assert not any(card.ready for card in cards if card.kind == "catalogue")


@pytest.mark.parametrize("key", ["planted", "python-docs"])
def test_listed_counts_are_those_of_the_table(key: str) -> None:
    card = next(card for card in list_sources() if card.key == key)
    report = open_source(key).report
    assert (card.sequences, card.events, card.items) == (report.users, report.events, report.items)


def test_an_import_is_called_by_its_stored_name_and_everything_else_by_its_key(make_events, farzi_home: Path) -> None:
    source = f"dataset:{add(make_events(EVENTS))}"
    assert library.label(source) == "made by hand"
    assert library.label("planted") == "planted"
    card = farzi_home / "datasets" / source.removeprefix("dataset:") / "card.json"
    card.write_bytes(card.read_bytes()[:-5])
    assert library.label(source) == source, "damaged"
    remove(source.removeprefix("dataset:"))
    assert library.label(source) == source, "missing"


@pytest.mark.parametrize("identifier", HOSTILE)
def test_the_label_of_an_id_that_is_not_ours_is_itself(identifier: str) -> None:
    assert library.label(f"dataset:{identifier}") == f"dataset:{identifier}"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(DatasetError, match=r"unknown data set 'movielens'; known are python-calls, .*ml-100k"):
        open_source("movielens")


def test_nothing_here_imports_torch_or_streamlit() -> None:
    import subprocess
    import sys

    code = "import sys, farzi_core.data.library, farzi_core.data.download, farzi_core.data.profile; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "streamlit"} & set(loaded)
    assert library.__name__ in loaded
