"""The real data sets, with the counts their publishers and the data notes give."""

import time
from pathlib import Path

import pytest

from farzi_core.data.events import EventTable
from farzi_core.data.ingest import read_events

pytestmark = pytest.mark.data


def sizes(table: EventTable) -> tuple[int, int, int]:
    assert len(table.frame) == table.report.events
    assert table.frame["user"].nunique() == table.report.users
    assert table.frame["item"].nunique() == len(table.items) == table.report.items
    return table.report.users, table.report.items, table.report.events


def kept(table: EventTable) -> tuple[int, int, int]:
    """Users, items, events of users with at least 3 events."""
    lengths = table.frame.groupby("user")["item"].transform("size")
    frame = table.frame[lengths >= 3]
    return frame["user"].nunique(), frame["item"].nunique(), len(frame)


def count(table: EventTable, kind: str) -> int:
    return next(one.count for one in table.report.findings if one.kind == kind)


def test_movielens_100k_with_titles(real_data: Path) -> None:
    table = read_events(real_data / "ml-100k/u.data", titles=real_data / "ml-100k/u.item")
    assert sizes(table) == (943, 1682, 100_000)
    lengths = table.frame.groupby("user").size()
    assert (lengths.min(), lengths.median()) == (20, 65)
    assert pytest.approx(count(table, "ties") / (100_000 - 943), abs=0.005) == 0.51
    titles = table.items.set_index("item")
    assert titles.loc["1"].tolist() == ["Toy Story (1995)", "Animation"]
    assert titles.loc["543", "title"] == "Misérables, Les (1995)"


def test_movielens_1m_in_the_order_of_the_file(real_data: Path) -> None:
    start = time.process_time()
    table = read_events(real_data / "ml-1m/ml-1m.txt")
    assert time.process_time() - start < 10  # 2 s measured
    assert sizes(table) == (6040, 3416, 999_611)
    lines = (real_data / "ml-1m/ml-1m.txt").read_text().split("\n")
    pairs = (table.frame["user"] + " " + table.frame["item"]).tolist()
    assert pairs == lines[:-1]


def test_amazon_magazine(real_data: Path) -> None:
    table = read_events(real_data / "amazon-magazine/Magazine_Subscriptions.csv")
    assert table.report.rows == 89_689
    assert kept(table) == (3092, 1305, 12_689)
    assert table.report.users - count(table, "short_users") == 3092


def test_e_shop_zip_and_csv_agree(real_data: Path) -> None:
    tidy = read_events(real_data / "uci-eshop/eshop_events.csv", titles=real_data / "uci-eshop/eshop_items.csv")
    original = read_events(real_data / "uci-eshop/clickstream+data+for+online+shopping.zip")
    assert sizes(tidy) == sizes(original) == (24_026, 217, 165_474)
    assert kept(tidy)[0::2] == (15_664, 153_792)
    assert tidy.frame[["user", "item"]].equals(original.frame[["user", "item"]])
    assert tidy.items["group"].tolist() == original.items["group"].tolist()
    assert tidy.items.loc[0, "title"] == "trousers A13 (beige, $28)"


def test_billboard_chords_one_song_a_row(real_data: Path) -> None:
    table = read_events(real_data / "billboard-chords/billboard_chords.csv")
    assert sizes(table) == (739, 975, 72_684)
    assert table.frame["user"][0] == "0003"


def test_penn_treebank_as_one_sequence_a_line(real_data: Path) -> None:
    table = read_events(real_data / "ptb/ptb.train.txt")
    assert (table.report.users, table.report.events) == (42_068, 929_589 - 42_068)
