"""Nearest windows, the memorisation reference and the maps, each against a slow and plain second road."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from threadpoolctl import threadpool_limits

from farzi_core import limits
from farzi_core.data.dataset import Sequences
from farzi_core.evaluation import inspect, windows

Probs = npt.NDArray[np.float32]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on a busy machine take seconds for a few points."""
    with threadpool_limits(1):
        yield


def sequences(*lists: list[int]) -> Sequences:
    offsets = np.cumsum([0, *map(len, lists)])
    items = np.array([item for one in lists for item in one], dtype=np.int64)
    return Sequences(items, offsets, tuple(f"u{i}" for i in range(len(lists))))


def random_sequences(random: np.random.Generator, users: int, items: int, longest: int) -> Sequences:
    return sequences(*(random.integers(0, items, random.integers(3, longest + 1)).tolist() for _ in range(users)))


def random_probs(random: np.random.Generator, mu: int, xi: int, items: int) -> Probs:
    return random.dirichlet(np.full(items, 0.3), size=(mu, xi)).astype(np.float32)


def distance_by_hand(probs: Probs, real: list[int], offset: int) -> float:
    """The definition in a plain loop: position i of the synthetic sequence lies on event offset + i of the real one."""
    agree = 0.0
    for position in range(len(probs)):
        place = offset + position
        if 0 <= place < len(real):
            agree += float(probs[position, real[place]])
    return 1 - agree / len(probs)


def all_distances(probs: Probs, real: list[int]) -> dict[int, float]:
    return {offset: distance_by_hand(probs, real, offset) for offset in range(-len(probs) + 1, len(real))}


@pytest.mark.parametrize(("xi", "chunk"), [(2, 7), (4, 1 << 18), (9, 20)])
def test_nearest_agrees_with_a_plain_loop_over_every_sequence_and_offset(
    xi: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "CHUNK", chunk)
    random = np.random.default_rng(xi)
    train, probs = random_sequences(random, 23, 6, 8), random_probs(random, 5, xi, 6)
    found = inspect.nearest(probs, train, k=4)
    assert list(found.columns) == ["synthetic", "rank", "user", "offset", "distance", "items"]
    for synthetic in range(5):
        best = sorted(min(all_distances(probs[synthetic], real.tolist()).values()) for real in train)
        rows = found[found.synthetic == synthetic]
        assert rows["rank"].tolist() == [0, 1, 2, 3]
        assert rows.distance.to_numpy() == pytest.approx(best[:4], abs=1e-6)
        for row in rows.itertuples():
            real = train[train.users.index(row.user)].tolist()
            assert distance_by_hand(probs[synthetic], real, row.offset) == pytest.approx(row.distance, abs=1e-6)
            padded = {place: item for place, item in enumerate(real)}
            assert row.items == [padded.get(row.offset + i, windows.OUTSIDE) for i in range(xi)]


def test_a_verbatim_copy_has_distance_zero_and_its_place_is_found() -> None:
    train = sequences([0, 1, 2], [3, 1, 4, 1, 5, 2], [5, 5, 5])
    probs = np.eye(6, dtype=np.float32)[[[1, 4, 1]]]
    first = inspect.nearest(probs, train, k=1).iloc[0]
    assert (first.user, first.offset, first.distance, first["items"]) == ("u1", 1, 0.0, [1, 4, 1])


def test_a_short_real_sequence_is_placed_inside_and_its_blanks_agree_with_nothing() -> None:
    probs = np.eye(5, dtype=np.float32)[[[0, 1, 2, 3]]]
    row = inspect.nearest(probs, sequences([1, 2], [4, 4, 4]), k=5)
    assert len(row) == 2  # there are only two sequences to find
    assert (row.iloc[0].user, row.iloc[0].offset, row.iloc[0]["items"]) == ("u0", -1, [-1, 1, 2, -1])
    assert row.iloc[0].distance == 1 - 2 / 4
    assert row.iloc[1].distance == 1.0


def test_equal_distances_keep_the_order_of_the_training_sequences() -> None:
    train = sequences(*[[0, 1, 2]] * 40)
    probs = np.eye(3, dtype=np.float32)[[[0, 1, 2]]]
    assert inspect.nearest(probs, train, k=3).user.tolist() == ["u0", "u1", "u2"]


def test_memorisation_compares_synthetic_argmax_and_held_out_with_the_same_measure() -> None:
    random = np.random.default_rng(3)
    train, held_out = random_sequences(random, 30, 5, 9), random_sequences(random, 12, 5, 9)
    probs = random_probs(random, 4, 4, 5)
    told = inspect.memorisation(probs, train, held_out)

    def by_hand(one: Probs) -> float:
        return min(min(all_distances(one, real.tolist()).values()) for real in train)

    assert told["synthetic"] == pytest.approx([by_hand(one) for one in probs], abs=1e-6)
    hard = np.eye(5, dtype=np.float32)
    assert told["argmax"] == pytest.approx([by_hand(hard[one.argmax(1)]) for one in probs], abs=1e-6)
    places = inspect.held_out_windows(held_out, 4)
    assert told["heldout"] == pytest.approx([by_hand(hard[one]) for one in places], abs=1e-6)
    assert told["length"] == 4
    assert (told["train_sequences"], told["train_sequences_total"], told["heldout_sequences"]) == (30, 30, 12)


def test_copies_laid_side_by_side_are_found_where_only_their_parts_are_read() -> None:
    random = np.random.default_rng(0)
    train, held_out = random_sequences(random, 30, 9, 12), random_sequences(random, 12, 9, 12)
    long = [real.tolist() for real in train if len(real) >= 4]
    laid = np.eye(12, dtype=np.float32)[np.array([[*long[0][:4], *long[1][:4]], [*long[2][:4], *long[3][:4]]])]
    whole, parts = (inspect.memorisation(laid, train, held_out, length) for length in (None, 4))
    assert min(whole["argmax"]) > 0
    assert parts["argmax"] == [0, 0, 0, 0]
    assert (whole["length"], parts["length"]) == (8, 4)


def test_held_out_windows_are_windows_of_sequences_that_are_long_enough() -> None:
    held_out = sequences([0, 1], [2, 3, 4, 5], [6, 7, 8])
    places = inspect.held_out_windows(held_out, 3)
    assert places[0].tolist() in ([2, 3, 4], [3, 4, 5])
    assert places[1].tolist() == [6, 7, 8]
    assert inspect.held_out_windows(held_out, 9).shape == (0, 9)  # no reference is possible: an empty one, no error


def test_the_number_of_held_out_windows_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_HELD_OUT_WINDOWS", 5)
    assert len(inspect.held_out_windows(sequences(*[[0, 1, 2]] * 9), 3)) == 5


def test_huge_searches_use_a_fixed_subset_and_say_how_large(monkeypatch: pytest.MonkeyPatch) -> None:
    train = random_sequences(np.random.default_rng(0), 50, 5, 6)
    probs = random_probs(np.random.default_rng(1), 2, 3, 5)
    monkeypatch.setattr(limits, "MAX_COMPARED_POSITIONS", 500)
    told = inspect.memorisation(probs, train, sequences([0, 1, 2]))
    assert 1 <= told["train_sequences"] < told["train_sequences_total"] == 50
    assert told == inspect.memorisation(probs, train, sequences([0, 1, 2]))


def test_pca_is_the_leading_singular_vectors_and_its_shares() -> None:
    random = np.random.default_rng(0)
    decoder = (random.normal(size=(6, 40)) * np.array([5, 3, 1, 1, 1, 1])[:, None]).astype(np.float32)
    result = inspect.maps(decoder, np.arange(40)[::-1].copy())
    centred = decoder.T.astype(np.float64) - decoder.T.mean(axis=0, dtype=np.float64)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    for axis in range(2):  # the sign of a component is free
        assert np.abs(result["pca"][:, axis]) == pytest.approx(np.abs(left[:, axis] * singular[axis]), abs=1e-3)
    assert result["pca_variance"] == pytest.approx(singular[:2] ** 2 / (singular**2).sum(), rel=1e-4)


def test_tsne_keeps_neighbours_is_repeatable_and_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], 12)
    decoder = (np.eye(3)[group] * 20 + random.normal(size=(36, 3))).T.astype(np.float32)
    counts = random.permutation(36)
    result = inspect.maps(decoder, counts)
    points = result["tsne"].astype(np.float64)
    apart = np.linalg.norm(points[:, None] - points[None], axis=2) + np.diag(np.full(36, np.inf))
    assert (group[apart.argmin(axis=1)] == group).all()
    assert all(len(set(result["cluster"][group == one])) >= 1 for one in range(3))
    assert not any(
        set(result["cluster"][group == a]) & set(result["cluster"][group == b]) for a, b in pairwise([0, 1, 2])
    )
    assert np.array_equal(inspect.maps(decoder, counts)["tsne"], result["tsne"])
    monkeypatch.setattr(limits, "MAX_TSNE_ITEMS", 10)
    capped = np.isfinite(inspect.maps(decoder, counts)["tsne"]).all(axis=1)
    assert set(counts[capped]) == set(range(26, 36))  # the ten most frequent


@pytest.mark.parametrize(("factors", "items"), [(1, 9), (4, 2), (2, 4)])
def test_tiny_catalogues_have_maps_without_errors(factors: int, items: int) -> None:
    decoder = np.random.default_rng(0).normal(size=(factors, items)).astype(np.float32)
    result = inspect.maps(decoder, np.ones(items, dtype=np.int64))
    assert result["pca"].shape == result["tsne"].shape == (items, 2)
    assert np.isfinite(result["pca"]).all()
    assert result["cluster"].shape == (items,)


def test_equal_columns_are_one_point_and_one_cluster() -> None:
    result = inspect.maps(np.ones((3, 8), dtype=np.float32), np.ones(8, dtype=np.int64))
    assert not result["pca"].any()
    assert set(result["cluster"]) == {0}
    assert result["pca_variance"].tolist() == [0, 0]
