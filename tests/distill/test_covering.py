"""The covering start: real windows that begin where those of the data do, the lazy choice, and what it reads."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farzi_core.data.dataset import Dataset, IntArray, Sequences
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.distill import covering as module
from farzi_core.distill.covering import CANDIDATES, begun, chosen, covering
from farzi_core.distill.start import laid_windows
from farzi_core.sections import SyntheticConfig
from farzi_core.seeds import stream
from tests.evaluation.test_metrics import sequences

SMALL = SyntheticConfig(mu=12, xi=6, d=6, start="covering")
ITEMS = 6


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)


def value(windows: np.ndarray, counts: np.ndarray, chosen_windows: int) -> float:
    """F of these windows, where `chosen_windows` of them are wanted, from its definition."""
    root = [max(1, count) ** 0.5 for count in counts]
    wanted = [one * chosen_windows * windows.shape[1] / sum(root) for one in root]
    read = np.bincount(windows.ravel(), minlength=len(counts))
    return sum(float(w * np.log(1 + n / w)) for w, n in zip(wanted, read, strict=True))


CASES = st.integers(1, 4).flatmap(
    lambda length: st.tuples(
        st.lists(st.lists(st.integers(0, ITEMS - 1), min_size=length, max_size=length), min_size=3, max_size=9),
        st.lists(st.integers(0, 50), min_size=ITEMS, max_size=ITEMS),
        st.integers(1, 3),
    )
)


@given(CASES)
def test_each_choice_adds_most_and_all_are_within_1_minus_1_over_e_of_the_best(
    case: tuple[list[list[int]], list[int], int],
) -> None:
    """By looking at all windows at each choice, and at all choices."""
    candidates, counts, count = np.array(case[0]), np.array(case[1]), case[2]
    found = chosen(candidates, counts, count)
    assert len(set(found.tolist())) == count
    for at in range(count):
        before = found[:at].tolist()
        left = [one for one in range(len(candidates)) if one not in before]
        values = [value(candidates[[*before, one]], counts, count) for one in left]
        assert values[left.index(int(found[at]))] == pytest.approx(max(values), rel=1e-9)
    best = max(value(candidates[list(some)], counts, count) for some in combinations(range(len(candidates)), count))
    assert value(candidates[found], counts, count) >= (1 - 1 / np.e) * best - 1e-9


def test_windows_begin_where_sequences_do_or_anywhere_in_longer_ones() -> None:
    train = sequences([0, 1], [2, 3, 4], [10, 11, 12, 13, 14, 15, 16])
    rows = begun(train, 60, 4, stream(0, "test"))
    assert rows.shape == (60, 4)
    assert set(rows[:, 0].tolist()) == {0, 2, 10, 11, 12, 13}, "a long one gives a window of 4 from anywhere"
    for row in rows.tolist():
        if row[0] == 0:
            assert row[1] == 1
            assert row[2] in {0, 2, 10, 11, 12, 13}, "behind a short one the next one begins"
        if row[0] >= 10:
            assert row == list(range(row[0], row[0] + 4))


def test_rare_items_are_read_too_and_labels_are_the_events_behind(dataset: Dataset) -> None:
    train, items = dataset.part("train"), len(dataset.vocab)
    counts = np.bincount(train.items, minlength=items)
    tokens = covering(train, items, SMALL, 3, seed=0)
    assert tokens.shape == (12, 2, 6)
    read, behind = tokens[:, 0].reshape(24, 3), tokens[:, 1].reshape(24, 3)
    assert np.array_equal(read[:, 1:], behind[:, :-1])
    drawn = [laid_windows(train, 12, 6, stream(seed, "random")) for seed in range(20)]
    assert len(np.unique(read)) > max(len(np.unique(one)) for one in drawn)
    assert value(read, counts, 24) > max(value(one.reshape(24, 3), counts, 24) for one in drawn)
    assert np.array_equal(covering(train, items, SMALL, 3, seed=0), tokens)
    assert not np.array_equal(covering(train, items, SMALL, 3, seed=1), tokens)


def test_each_pass_over_few_sequences_has_another_order() -> None:
    """So that what stands behind a short sequence is not always the same."""
    train = sequences(*([one, one + 20] for one in range(20)))
    rows = begun(train, 160, 4, stream(0, "test"))
    behind = {first: {tuple(row) for row in rows.tolist() if row[0] == first} for first in range(20)}
    assert min(map(len, behind.values())) > 3


def test_few_sequences_are_enough() -> None:
    """Each is drawn more than once, and a window may be longer than all that there is."""
    train = sequences([0, 1], [2, 0])
    tokens = covering(train, 3, SyntheticConfig(mu=2, xi=9, d=2, start="covering"), 9, seed=0)
    assert tokens.shape == (2, 2, 9)
    assert set(tokens.ravel().tolist()) == {0, 1, 2}


def test_there_are_never_more_candidates_than_memory_allows(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    train, items, asked = dataset.part("train"), len(dataset.vocab), []

    def seen(train: Sequences, count: int, length: int, generator: np.random.Generator) -> IntArray:
        asked.append(count)
        return begun(train, count, length, generator)

    monkeypatch.setattr(module, "begun", seen)
    for numbers in (1 << 24, 50 * 4, 1):
        monkeypatch.setattr(module, "CANDIDATE_EVENTS", numbers)
        covering(train, items, SMALL, 3, seed=0)
    assert asked == [CANDIDATES * 24, 50, 24]


class Enough(Exception):
    """What a stopped run raises between steps."""


def test_a_choice_is_ended_by_what_is_raised_between(dataset: Dataset) -> None:
    left = iter(range(3))

    def between() -> None:
        if next(left, None) is None:
            raise Enough

    with pytest.raises(Enough):
        covering(dataset.part("train"), len(dataset.vocab), SMALL, 6, 0, between)
    assert next(left, None) is None, "it was asked before each choice"
