"""Each real sequence and its nearest synthetic one, against a plain loop; references and samples likewise."""

import numpy as np
import numpy.typing as npt
import pytest

from farzi_core import limits
from farzi_core.data.dataset import Sequences
from farzi_core.evaluation import coverage as module
from farzi_core.evaluation.coverage import coverage
from farzi_core.evaluation.windows import OUTSIDE, with_blank

Probs = npt.NDArray[np.float32]


def sequences(*lists: list[int]) -> Sequences:
    offsets = np.cumsum([0, *map(len, lists)])
    items = np.array([item for one in lists for item in one], dtype=np.int64)
    return Sequences(items, offsets, tuple(f"u{i}" for i in range(len(lists))))


def random_case(seed: int = 0, users: int = 17, mu: int = 4, xi: int = 4, items: int = 6) -> tuple[Probs, Sequences]:
    random = np.random.default_rng(seed)
    train = sequences(*(random.integers(0, items, random.integers(3, 9)).tolist() for _ in range(users)))
    return random.dirichlet(np.full(items, 0.3), size=(mu, xi)).astype(np.float32), train


def window(real: list[int], offset: int, xi: int) -> list[int]:
    return [real[offset + i] if 0 <= offset + i < len(real) else OUTSIDE for i in range(xi)]


def distances(probs: Probs, real: list[int]) -> list[float]:
    """The definition at every offset, the smallest first."""
    xi = len(probs)
    tried = [window(real, offset, xi) for offset in range(1 - xi, len(real))]
    return [1 - sum(float(probs[i, item]) for i, item in enumerate(one) if item >= 0) / xi for one in tried]


def test_every_real_sequence_is_given_to_its_nearest_synthetic_one() -> None:
    probs, train = random_case()
    found = coverage(probs, train)
    assert found["user"].tolist() == list(train.users)
    for row, real in zip(found.itertuples(), train, strict=True):
        by_hand = [distances(one, real.tolist()) for one in probs]
        nearest = min(range(4), key=lambda number: min(by_hand[number]))
        assert row.synthetic == nearest
        assert row.distance == pytest.approx(min(by_hand[nearest]), abs=1e-6)
        assert row.items == window(real.tolist(), row.offset, 4)
        assert by_hand[nearest][row.offset + 3] == pytest.approx(row.distance, abs=1e-6)


def test_the_reference_is_the_nearest_other_real_sequence_at_the_same_places() -> None:
    probs, train = random_case(1)
    for own, row in enumerate(coverage(probs, train).itertuples()):
        hard = np.zeros((4, 6), dtype=np.float32)
        for place, item in enumerate(row.items):
            hard[place, item] = item >= 0
        others = [min(distances(hard, real.tolist())) for at, real in enumerate(train) if at != own]
        assert row.reference == pytest.approx(min(others), abs=1e-6)


def test_places_outside_agree_with_nothing_even_in_the_reference() -> None:
    certain = np.eye(5, dtype=np.float32)[[[0, 1, 2, 3, 4]]]
    found = coverage(certain, sequences([2], [2], [0]))
    assert found["distance"].tolist() == pytest.approx([0.8, 0.8, 0.8])
    assert found["reference"].tolist() == pytest.approx([0.8, 0.8, 1.0]), "u1 shares one place with u0, u2 none"


def test_equal_distances_go_to_the_first_synthetic_sequence() -> None:
    twice = np.eye(3, dtype=np.float32)[[[0, 1, 2], [0, 1, 2]]]
    assert coverage(twice, sequences([0, 1, 2], [2, 2, 2]))["synthetic"].tolist() == [0, 0]


def test_large_data_are_a_fixed_sample_and_references_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    probs, train = random_case(2, users=40)
    whole = coverage(probs, train).set_index("user")
    monkeypatch.setattr(limits, "MAX_COVERED_POSITIONS", 4 * 25)
    monkeypatch.setattr(limits, "MAX_REFERENCE_SEQUENCES", 7)
    found = coverage(probs, train)
    assert len(found) == 25
    assert found["reference"].notna().sum() == 7
    assert found.equals(coverage(probs, train))
    same = whole.loc[found["user"]]
    assert found["distance"].tolist() == same["distance"].tolist()
    assert found["synthetic"].tolist() == same["synthetic"].tolist()


def test_one_real_sequence_has_no_other_to_refer_to() -> None:
    probs, _ = random_case()
    assert np.isnan(coverage(probs, sequences([0, 1, 2]))["reference"]).all()


def test_a_table_is_made_once_a_synthetic_sequence_not_once_a_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    probs, train = random_case(users=60)
    made: list[Probs] = []

    def counted(table: Probs) -> Probs:
        made.append(with_blank(table))
        return made[-1]

    monkeypatch.setattr(module, "with_blank", counted)
    coverage(probs, train)
    assert len(made) <= 2 * len(probs), "once to search with it, once to find its windows"
