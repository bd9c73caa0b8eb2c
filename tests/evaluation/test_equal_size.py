"""Real data of equal size: a coreset that covers, windows that add up."""

import numpy as np

from farzi_core.data.dataset import Sequences
from farzi_core.evaluation import baselines


def sequences(*rows: list[int]) -> Sequences:
    offsets = np.cumsum([0, *map(len, rows)])
    items = np.concatenate([np.array(row, dtype=np.int64) for row in rows])
    return Sequences(items, offsets, tuple(f"u{number}" for number in range(len(rows))))


def many(users: int = 60, items: int = 15) -> Sequences:
    generator = np.random.default_rng(0)
    return sequences(*[generator.integers(0, items, generator.integers(3, 12)).tolist() for _ in range(users)])


def test_the_coreset_takes_one_sequence_of_each_kind_before_a_second_of_any() -> None:
    train = sequences([0, 0, 1], [1, 0, 0], [0, 1, 0, 0], [2, 3], [3, 2, 2, 3], [4, 4, 4])
    kinds = {"u0": 0, "u1": 0, "u2": 0, "u3": 1, "u4": 1, "u5": 2}
    for draw in range(6):
        assert {kinds[user] for user in baselines.coreset(train, 3, seed=0, draw=draw).users} == {0, 1, 2}
    assert sorted(baselines.coreset(train, 6, seed=0, draw=0).users) == sorted(kinds), "no sequence twice"


def test_each_centre_is_the_farthest_from_those_before_it() -> None:
    """Against dense count vectors and all distances, computed anew for every centre."""
    train = many()
    counts = np.stack([np.bincount(row, minlength=15) for row in train]).astype(float)
    vectors = counts / np.linalg.norm(counts, axis=1, keepdims=True)
    chosen = [int(user[1:]) for user in baselines.coreset(train, 12, seed=3, draw=1).users]
    for place in range(1, len(chosen)):
        distance = np.linalg.norm(vectors[:, None] - vectors[chosen[:place]], axis=2).min(1)
        assert distance[chosen[place]] >= distance.max() - 1e-9


def test_random_windows_are_real_windows_and_make_exactly_mu_xi_events() -> None:
    train = many()
    found = baselines.random_windows(train, mu=10, xi=5, seed=0, draw=0)
    assert len(found.items) == 50
    assert found.lengths.max() == 5
    assert len(set(found.users)) == len(found) >= 10
    for user, window in zip(found.users, found, strict=True):
        row = train[int(user[1:])].tolist()
        assert any(row[at : at + len(window)] == window.tolist() for at in range(len(row)))
    other = baselines.random_windows(train, mu=10, xi=5, seed=0, draw=1)
    assert other.users != found.users


def test_random_windows_of_too_little_data_are_all_of_it() -> None:
    train = sequences([0, 1, 2], [3, 4, 5, 6])
    found = baselines.random_windows(train, mu=10, xi=3, seed=0, draw=0)
    assert sorted(found.lengths.tolist()) == [3, 3]
