"""Planted truth: the index and its table on clusters made by hand, and where no truth is told."""

import numpy as np
import pytest
from small import SETTINGS
from threadpoolctl import threadpool_limits

from farzi_core.config import RunConfig, with_settings
from farzi_core.data import planted
from farzi_core.data.prepare import prepare
from farzi_core.evaluation.recovery import matched, recovery
from farzi_core.evaluation.report import Metric

CONFIG = with_settings(RunConfig(), {**SETTINGS, "data.source": "planted", "data.max_items": 500})


def test_separate_groups_are_found_whatever_their_order() -> None:
    groups = ["b", "a", "c", "a", "b", "c", "a"]
    places = {"a": (0.0, 9.0), "b": (9.0, 0.0), "c": (-9.0, -9.0)}
    decoder = np.array([places[one] for one in groups], dtype=np.float32).T
    decoder += np.random.default_rng(0).normal(scale=0.1, size=decoder.shape).astype(np.float32)
    with threadpool_limits(1):
        index, table, names = matched(decoder, groups)
    assert index == 1
    assert names == ("a", "b", "c")
    assert table == ((3, 0, 0), (0, 2, 0), (0, 0, 2))


def test_index_of_a_known_table() -> None:
    """Pairs by hand: clusters {a a}, {a b b}: 1 + 1 pairs together in both; 2 * (2 - 1.6) / (4 + 4 - 3.2)."""
    decoder = np.array([[0.0, 0.1, 9.0, 9.1, 9.2]], dtype=np.float32)
    with threadpool_limits(1):
        index, table, _ = matched(decoder, ["a", "a", "a", "b", "b"])
    pairs = [sum(n * (n - 1) / 2 for n in sizes) for sizes in ([2, 1, 2], [2, 3], [3, 2])]
    chance = pairs[1] * pairs[2] / 10
    assert index == pytest.approx((pairs[0] - chance) / ((pairs[1] + pairs[2]) / 2 - chance))
    assert sorted(table) == [(1, 2), (2, 0)]


def test_truth_is_told_for_whole_planted_data_only() -> None:
    events = planted.read_planted()
    whole, cut = prepare(events, max_items=500, seed=0), prepare(events, max_items=40, seed=0)
    noise = np.random.default_rng(0).normal(size=(4, len(whole.vocab))).astype(np.float32)
    with threadpool_limits(1):
        found = recovery(CONFIG, whole, noise)
    assert found is not None
    assert abs(found.adjusted_rand) < 0.1, "noise finds nothing"
    assert np.array(found.table).sum() == len(whole.vocab) == 250
    assert found.best[Metric.HR10] == planted.planted_truth().hr10 < found.best[Metric.HR100] <= 1
    assert recovery(CONFIG, cut, noise[:, :40]) is None
    assert recovery(with_settings(CONFIG, {"data.source": "python-calls"}), whole, noise) is None
