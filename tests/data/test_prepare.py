"""Events -> data set: nothing is lost without a finding, and every sequence is what the events say."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farzi_core.data.dataset import Dataset
from farzi_core.data.events import EventTable
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.data.tables import table_of
from farzi_core.data.tokenise import UNKNOWN
from farzi_core.errors import DatasetError


def in_words(dataset: Dataset) -> dict[str, list[str]]:
    return {
        user: [dataset.vocab.ids[item] for item in items]
        for user, items in zip(dataset.sequences.users, dataset.sequences, strict=True)
    }


TEN = {f"user{number}": "a b c" for number in range(10)}


def test_sequences_are_the_events_of_each_user_in_order(make_events) -> None:
    dataset = prepare(make_events({**TEN, "zoe": "c a b a"}))
    assert in_words(dataset)["zoe"] == ["c", "a", "b", "a"]
    assert dataset.sequences.users == (*TEN, "zoe")
    assert dataset.findings == ()


def test_vocabulary_is_ordered_by_count_and_ties_by_id(make_events) -> None:
    dataset = prepare(make_events({**TEN, "zoe": "c c b x"}))
    assert dataset.vocab.ids == ("c", "b", "a", "x")  # 12, 11, 10, 1
    tied = prepare(make_events({**TEN, "zoe": "z y x"}))
    assert tied.vocab.ids == ("a", "b", "c", "x", "y", "z")


def test_short_users_are_set_aside_and_counted_with_an_example(make_events) -> None:
    dataset = prepare(make_events({**TEN, "tim": "a b", "tom": "a"}))
    assert "tim" not in dataset.sequences.users
    (finding,) = dataset.findings
    assert (finding.kind, finding.count) == ("short_users", 2)
    assert "3 events; for example 'tim' with 2" in finding.sentence


def test_rare_items_are_removed_and_users_who_become_short_follow(make_events) -> None:
    dataset = prepare(make_events({**TEN, "zoe": "a x b", "yve": "a x b c y"}), max_items=3)
    assert dataset.vocab.ids == ("a", "b", "c")
    assert in_words(dataset)["yve"] == ["a", "b", "c"]
    assert "zoe" not in dataset.sequences.users
    assert [(one.kind, one.count) for one in dataset.findings] == [("rare_items", 2), ("short_users_after_cut", 1)]
    assert "removed with their 3 events (7.9%); for example 'x' with 2" in dataset.findings[0].sentence


def test_users_too_short_to_be_used_do_not_choose_the_items(make_events) -> None:
    visitors = {f"visitor{number}": "v" for number in range(100)}
    dataset = prepare(make_events({**visitors, **TEN}), max_items=3)
    assert dataset.vocab.ids == ("a", "b", "c")


def test_counts_are_those_of_training_users_only(make_events) -> None:
    dataset = prepare(make_events({f"user{number}": "a b " + "c " * number for number in range(1, 31)}))
    train = [item for user in dataset.split["train"] for item in dataset.sequences[int(user)]]
    assert dataset.vocab.counts.tolist() == [train.count(item) for item in range(3)]
    assert dataset.vocab.counts.sum() < dataset.info.events


def test_titles_fall_back_to_ids(make_events) -> None:
    dataset = prepare(make_events(TEN, titles={"a": "Apple"}))
    assert dict(zip(dataset.vocab.ids, dataset.vocab.titles, strict=True)) == {"a": "Apple", "b": "b", "c": "c"}


def test_the_digest_sees_sequences_and_split_but_not_titles(make_events) -> None:
    plain = prepare(make_events(TEN)).info.digest
    assert prepare(make_events(TEN, titles={"a": "Apple"})).info.digest == plain
    assert prepare(make_events(TEN), seed=1).info.digest != plain
    assert prepare(make_events({**TEN, "user9": "a c b"})).info.digest != plain


def test_text_keeps_cut_words_as_unknown(make_events) -> None:
    words = {**TEN, "zoe": "a x b y c z"}
    dataset = prepare(make_events(words), task="language", max_items=4)
    assert in_words(dataset)["zoe"] == ["a", UNKNOWN, "b", UNKNOWN, "c", UNKNOWN]
    assert sorted(dataset.vocab.ids) == [UNKNOWN, "a", "b", "c"]
    assert dataset.findings[0].kind == "unknown_words"


def test_text_that_fits_has_no_unknown_word(make_events) -> None:
    assert UNKNOWN not in prepare(make_events(TEN), task="language", max_items=3).vocab.ids


def test_an_unknown_word_of_the_file_is_used_again(make_events) -> None:
    dataset = prepare(make_events({**TEN, "zoe": f"a {UNKNOWN} x y"}), task="language", max_items=4)
    assert in_words(dataset)["zoe"] == ["a", UNKNOWN, UNKNOWN, UNKNOWN]
    assert len(dataset.vocab) == 4


def test_too_few_users_are_refused(make_events) -> None:
    with pytest.raises(DatasetError, match="has 1 usable sequence;"):
        prepare(make_events({"ann": "a b c"}))


def test_no_events_are_refused(make_events) -> None:
    with pytest.raises(DatasetError, match="has no events"):
        prepare(make_events({}))


def by_hand(sequences: dict[str, list[str]], max_items: int) -> dict[str, list[str]]:
    """The three cuts written with lists and dictionaries."""
    usable = {user: items for user, items in sequences.items() if len(items) >= 3}
    every = [item for items in usable.values() for item in items]
    kept = sorted(set(every), key=lambda item: (-every.count(item), item))[:max_items]
    cut = {user: [item for item in items if item in kept] for user, items in usable.items()}
    return {user: items for user, items in cut.items() if len(items) >= 3}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8), min_size=12, max_size=30),
    st.integers(2, 9),
)
def test_equals_a_road_with_plain_lists(sequences: list[list[str]], max_items: int) -> None:
    named = {f"user{number}": items for number, items in enumerate(sequences)}
    expected = by_hand(named, max_items)
    events = _events(named)
    if len(expected) < 10:
        with pytest.raises(DatasetError):
            prepare(events, max_items=max_items)
        return
    dataset = prepare(events, max_items=max_items)
    assert in_words(dataset) == expected
    assert dataset.info.events == sum(map(len, expected.values()))
    assert dataset.info.items == len({item for items in expected.values() for item in items})


def _events(named: dict[str, list[str]]) -> EventTable:
    import pandas as pd

    names = sorted({item for items in named.values() for item in items})
    catalogue = pd.DataFrame({"item": names, "title": names, "group": ""})
    users = [user for user, items in named.items() for _ in items]
    items = [item for items in named.values() for item in items]
    return table_of("listed", "test", users, items, catalogue, licence="")


def test_a_million_events_take_seconds() -> None:
    events = read_planted(PlantedSettings(sequences=100_000))
    start = time.perf_counter()
    dataset = prepare(events)
    assert time.perf_counter() - start < 10
    assert dataset.info.events > 950_000
    assert np.diff(dataset.sequences.offsets).min() >= 3
