"""The split is disjoint, complete, reproducible, and refuses what it cannot split."""

import numpy as np
import pytest

from farzi_core.data.dataset import Sequences
from farzi_core.data.split import contexts, split_users, targets
from farzi_core.errors import DatasetError


@pytest.mark.parametrize("users", [10, 11, 19, 943, 6040])
def test_every_user_is_in_exactly_one_part(users: int) -> None:
    split = split_users(users, seed=3)
    together = np.concatenate([split["train"], split["validation"], split["test"]])
    assert sorted(together.tolist()) == list(range(users))


def test_a_tenth_goes_to_validation_and_to_test() -> None:
    split = split_users(943, seed=0)
    assert {part: len(split[part]) for part in split} == {"train": 755, "validation": 94, "test": 94}


def test_the_seed_alone_decides_the_split() -> None:
    first, again, other = split_users(100, 7), split_users(100, 7), split_users(100, 8)
    assert all((first[part] == again[part]).all() for part in first)
    assert any((first[part] != other[part]).any() for part in first)


def test_membership_is_uniform_over_users() -> None:
    """Each user is a test user in about a tenth of 2,000 seeds: 5 standard deviations are 0.034."""
    share = np.zeros(20)
    for seed in range(2000):
        share[split_users(20, seed)["test"]] += 1 / 2000
    assert np.abs(share - 0.1).max() < 0.034


def test_fewer_than_ten_users_are_refused_with_the_number() -> None:
    with pytest.raises(DatasetError, match="has 9 usable sequences; the 80/10/10 split needs at least 10"):
        split_users(9, 0)


def test_the_target_is_the_last_event_and_the_context_the_rest() -> None:
    sequences = Sequences(np.array([5, 6, 7, 8, 9]), np.array([0, 3, 5]), ("ann", "bob"))
    assert targets(sequences).tolist() == [7, 9]
    assert [one.tolist() for one in contexts(sequences)] == [[5, 6], [8]]
    assert contexts(sequences).users == ("ann", "bob")
