"""The user split of strong generalisation (paper, appendix C.2): 80 % train, 10 % validation, 10 % test, disjoint."""

import numpy as np

from farzi_core.data.dataset import IntArray, Part, Sequences
from farzi_core.errors import DatasetError

MIN_USERS = 10  # sequences: the fewest that give every part at least one


def split_users(users: int, seed: int) -> dict[Part, IntArray]:
    """Indices of each part, ascending; test and validation get floor(users / 10) each, training the rest.

    Raises `DatasetError` if there are fewer than `MIN_USERS` users.
    """
    if users < MIN_USERS:
        raise DatasetError(
            f"the data set has {users} usable sequence{'' if users == 1 else 's'}; the 80/10/10 split needs at least "
            f"{MIN_USERS}. Add users, or keep more items so that fewer sequences become too short"
        )
    order = np.random.Generator(np.random.PCG64(seed)).permutation(users)
    tenth = users // 10
    return {
        "train": np.sort(order[2 * tenth :]),
        "validation": np.sort(order[tenth : 2 * tenth]),
        "test": np.sort(order[:tenth]),
    }


def targets(sequences: Sequences) -> IntArray:
    """The last event of each sequence [U]: what a validation or test user is asked for."""
    return sequences.items[sequences.offsets[1:] - 1]


def contexts(sequences: Sequences) -> Sequences:
    """Every sequence without its last event: what is known when the target is asked for."""
    keep = np.ones(len(sequences.items), dtype=bool)
    keep[sequences.offsets[1:] - 1] = False
    offsets = sequences.offsets - np.arange(len(sequences.offsets))
    return Sequences(sequences.items[keep], offsets, sequences.users)
