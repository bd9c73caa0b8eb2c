"""Intervals over runs and over splits: by hand, and by what they promise."""

from statistics import StatisticsError

import numpy as np
import pytest

from farzi_core.data.split import split_users
from farzi_core.evaluation.report import Interval
from farzi_core.views import intervals

TABLE = {2: 12.7062, 3: 4.3027, 5: 2.7764}  # 97.5 % quantiles of Student's t by number of splits, from a printed table


def test_several_seeds_have_the_mean_of_their_ends_and_one_its_own() -> None:
    first, second = Interval(low=90, high=100), Interval(low=96, high=104)
    assert intervals.over_runs([first]) == first
    assert intervals.over_runs([first, second]) == Interval(low=93, high=102)


@pytest.mark.parametrize("found", [[], [None], [Interval(low=90, high=100), None]])
def test_where_a_run_stores_none_there_is_none(found: list[Interval | None]) -> None:
    assert intervals.over_runs(found) is None


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_over_seeds_it_is_never_narrower_than_a_bootstrap_of_their_mean(shared: float) -> None:
    """Three students, each the users' luck (`shared` of it) and its own; one bootstrap of users for all."""
    random = np.random.default_rng(0)
    users, students = random.normal(size=200), random.normal(size=(3, 200))
    values = 100 + 50 * (shared * users + (1 - shared) * students)
    weights = random.multinomial(200, np.full(200, 1 / 200), size=2000) / 200
    single = [Interval(low=low, high=high) for low, high in np.quantile(values @ weights.T, [0.025, 0.975], axis=1).T]
    low, high = np.quantile(values.mean(0) @ weights.T, [0.025, 0.975])
    found = intervals.over_runs(single)
    assert found is not None
    assert found.high - found.low >= (high - low) - 1e-9
    if shared == 1.0:
        assert [found.low, found.high] == pytest.approx([low, high])


@pytest.mark.parametrize(
    ("percents", "spread"), [([98, 102], 8**0.5), ([96, 100, 104], 4), ([90, 95, 100, 105, 110], 62.5**0.5)]
)
def test_over_splits_by_hand(percents: list[float], spread: float) -> None:
    count = len(percents)
    for share in (0, 1 / 8):
        reach = TABLE[count] * spread * (1 / count + share) ** 0.5
        found = intervals.over_splits(percents, share)
        assert [found.low, found.high] == pytest.approx([100 - reach, 100 + reach], rel=1e-4)


def test_one_split_has_no_spread() -> None:
    with pytest.raises(StatisticsError):
        intervals.over_splits([98], 1 / 8)


def test_it_keeps_its_promise_on_overlapping_splits_and_without_the_correction_it_would_not() -> None:
    """Five splits of 100 users: their test means are estimates of 0, the mean of all users there could be."""
    splits = [split_users(100, seed)["test"] for seed in range(5)]
    users = np.random.default_rng(1).normal(size=(2000, 100))
    means = np.stack([users[:, test].mean(1) for test in splits], axis=1).tolist()

    def kept(share: float) -> float:
        found = [intervals.over_splits(one, share) for one in means]
        return sum(one.low <= 0 <= one.high for one in found) / len(found)

    assert kept(10 / 80) >= 0.94
    assert kept(0) < 0.93


def test_words() -> None:
    assert intervals.words(93.04, 102.96) == "[93.0, 103.0]"
    assert intervals.words(93.4, 102.9, decimals=0) == "[93, 103]"
    assert intervals.words(None, None) == ""
