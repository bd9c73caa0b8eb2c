"""The profile says what is there: by hand on small data, against an independent loop, and on real data."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farzi_core.data.dataset import Dataset
from farzi_core.data.ingest import read_events
from farzi_core.data.planted import read_planted
from farzi_core.data.prepare import prepare
from farzi_core.data.profile import _hit, order_matters, profile


def slow_order_matters(dataset: Dataset) -> tuple[float, float]:
    """HR@10 of both rules on test users: ranks by sorting, ties by averaging over their places."""
    train = [dataset.sequences[int(user)].tolist() for user in dataset.split["train"]]
    items = range(len(dataset.vocab))
    popular = [sum(one.count(item) for one in train) for item in items]
    totals = [0.0, 0.0]
    for user in dataset.split["test"]:
        *_, last, target = dataset.sequences[int(user)].tolist()
        after = [sum(pair == (last, item) for one in train for pair in pairwise(one)) for item in items]
        for at, score in enumerate(
            ([(popular[item],) for item in items], [(after[item], popular[item]) for item in items])
        ):
            places = [place for place, value in enumerate(sorted(score, reverse=True)) if value == score[target]]
            totals[at] += sum(place < 10 for place in places) / len(places)
    return totals[0] / len(dataset.split["test"]), totals[1] / len(dataset.split["test"])


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_equals_an_independent_loop(data: st.DataObject) -> None:
    from farzi_core.data.tables import table_of

    alphabet = [f"i{number}" for number in range(data.draw(st.integers(5, 25)))]
    walks = data.draw(st.lists(st.lists(st.sampled_from(alphabet), min_size=3, max_size=9), min_size=10, max_size=30))
    users = [f"u{number}" for number, walk in enumerate(walks) for _ in walk]
    items = [item for walk in walks for item in walk]
    dataset = prepare(table_of("drawn", "test", users, items, catalogue_of(items), licence=""))
    found = order_matters(dataset)
    assert (found.popular, found.markov) == pytest.approx(slow_order_matters(dataset), abs=1e-12)


def catalogue_of(items: list[str]):
    import pandas as pd

    names = sorted(set(items))
    return pd.DataFrame({"item": names, "title": names, "group": ""})


def test_ties_count_by_the_places_left_for_them() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert _hit(np.ones(20), none, 3) == 10 / 20  # twenty equal items, ten places
    assert _hit(np.array([5.0] * 8 + [1.0] * 4), none, 9) == 2 / 4  # eight above, two places for four
    assert _hit(np.array([5.0] * 10 + [1.0]), none, 10) == 0
    assert _hit(np.array([5.0] * 10 + [1.0]), np.array([0]), 10) == 1  # one of the ten above is hidden


def test_an_alternating_world_is_all_order(make_events) -> None:
    """40 items in a circle: the next is certain to Markov, and one of 40 equals to popularity."""
    circle = [f"n{number:02d}" for number in range(40)]
    walks = {f"u{start}": " ".join(circle[start:] + circle[:start]) for start in range(40)}
    dataset = prepare(make_events(walks))
    found = order_matters(dataset)
    assert found.markov == 1.0
    assert found.popular == pytest.approx(10 / 40)
    assert (found.users, found.repeats) == (4, 0.0)


def test_lengths_and_popularity_add_up() -> None:
    events = read_planted()
    dataset = prepare(events)
    found = profile(dataset, events)
    lengths = dataset.sequences.lengths
    assert sum(found.lengths.counts) == len(dataset.sequences) == found.sequences
    assert len(found.lengths.edges) == len(found.lengths.counts) + 1 <= 32
    for low, high, count in zip(found.lengths.edges, found.lengths.edges[1:], found.lengths.counts, strict=False):
        assert count == ((lengths >= low) & (lengths < high)).sum()
    shares = [point.share for point in found.popularity]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert found.popularity[-1].rank == 250
    assert found.popularity[0].share == pytest.approx(np.bincount(dataset.sequences.items).max() / found.events)


@pytest.mark.parametrize("lengths", [[3] * 12, [3] * 11 + [4], [3, *range(3, 400, 7)], [3] * 500 + [9000]])
def test_every_length_falls_into_one_bin(make_events, lengths: list[int]) -> None:
    dataset = prepare(make_events({f"u{at}": "a " * length for at, length in enumerate(lengths)}))
    found = profile(dataset).lengths
    assert sum(found.counts) == len(lengths)
    assert found.edges[0] == found.least == 3
    assert found.edges[-1] > found.most == max(lengths)
    assert list(found.edges) == sorted(set(found.edges))


def test_examples_have_titles_and_time_is_read(make_events) -> None:
    events = make_events({f"u{number}": "a b c" for number in range(10)}, titles={"a": "Apple"})
    found = profile(prepare(events), events)
    assert found.examples[0].titles == ("Apple", "b", "c")
    assert found.time is not None
    assert (found.time.first, found.time.last, found.time.first_date, found.time.tied) == (1.0, 3.0, None, 0.0)
    assert profile(prepare(events)).time is None


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "mask_seen", "popular", "markov"),
    [
        ("ml-100k/u.data", True, 0.086, 0.145),
        ("ml-1m/ml-1m.txt", True, 0.036, 0.215),
        ("amazon-magazine/Magazine_Subscriptions.csv", False, 0.079, 0.312),
        ("uci-eshop/clickstream+data+for+online+shopping.zip", False, 0.118, 0.439),
        ("billboard-chords/billboard_chords.csv", False, 0.515, 0.777),
    ],
)
def test_reference_points_of_real_data(
    real_data: Path, file: str, mask_seen: bool, popular: float, markov: float
) -> None:
    """Leave-one-out over all users and items; the MovieLens points take seen films out of the ranking."""
    dataset = prepare(read_events(real_data / file), max_items=100_000)
    found = order_matters(dataset, users="all", mask_seen=mask_seen)
    assert (found.popular, found.markov) == pytest.approx((popular, markov), abs=0.005)


@pytest.mark.data
def test_dates_and_ties_of_movielens(real_data: Path) -> None:
    events = read_events(real_data / "ml-100k" / "u.data")
    found = profile(prepare(events, max_items=2000), events).time
    assert found is not None
    assert (found.first_date, found.last_date) == ("1997-09-20", "1998-04-22")
    assert found.tied == pytest.approx(0.51, abs=0.005)
