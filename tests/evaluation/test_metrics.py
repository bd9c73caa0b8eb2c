"""Metrics against fractions computed by hand, and the baselines against independent loops."""

from math import log2

import numpy as np
import pytest
import torch

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Sequences
from farzi_core.evaluation import baselines, compare, metrics, students
from farzi_core.evaluation.measures import MEASURES
from farzi_core.evaluation.report import Interval, Metric, RowName
from farzi_core.evaluation.students import Past, Ranker, follow, on_sequences
from farzi_core.models.model import build
from farzi_core.teacher.train import State

CPU = torch.device("cpu")


def sequences(*rows: list[int]) -> Sequences:
    offsets = np.cumsum([0, *map(len, rows)])
    return Sequences(np.concatenate([np.array(row, dtype=np.int64) for row in rows]), offsets, ("",) * len(rows))


def test_ranks_by_hand() -> None:
    scores = torch.tensor([[0.1, 0.9, 0.5, 0.3], [0.1, 0.9, 0.5, 0.3], [1.0, 1.0, 1.0, 0.0]])
    # third: two others share the target's score, so it stands in the middle of ranks 1..3
    assert metrics.ranks(scores, torch.tensor([1, 0, 2])).tolist() == [1, 4, 2]


def test_metrics_by_hand() -> None:
    values = MEASURES["recommendation"].of(torch.tensor([1.0, 3.0, 11.0, 101.0]), 201)
    assert values[Metric.HR10] == 2 / 4
    assert values[Metric.HR100] == 3 / 4
    assert values[Metric.NDCG10] == pytest.approx((1 + 1 / log2(4)) / 4)
    assert values[Metric.NDCG100] == pytest.approx((1 + 1 / log2(4) + 1 / log2(12)) / 4)
    assert values[Metric.AUC] == pytest.approx((200 / 200 + 198 / 200 + 190 / 200 + 100 / 200) / 4)


def test_a_constant_scorer_has_auc_one_half() -> None:
    rank = metrics.ranks(torch.zeros(3, 11), torch.tensor([0, 5, 10]))
    assert MEASURES["recommendation"].of(rank, 11)[Metric.AUC] == 0.5


def test_a_broken_student_is_the_last_and_never_the_best() -> None:
    lost = torch.full((2, 20), torch.nan)
    lost[1, 3] = 0.5
    assert metrics.ranks(lost, torch.tensor([3, 7])).tolist() == [20, 20]
    part = sequences([0, 1, 2, 3], [3, 2, 1, 0])
    model = build(RunConfig().model, 20, 6)
    weights = model.init(torch.Generator().manual_seed(0))
    broken = {name: torch.full_like(weight, torch.nan) for name, weight in weights.items()}
    states = [State(1, 0.0, weights), State(2, 0.0, broken)]
    student = follow(model, states, Ranker(part, 5, CPU))
    assert student.best.step == 1
    assert student.curve[1].metrics[Metric.HR10] == student.curve[1].metrics[Metric.AUC] == 0


def test_full_data_metrics_equal_an_independent_loop() -> None:
    generator = np.random.default_rng(0)
    part = sequences(*[generator.integers(0, 12, size=length).tolist() for length in generator.integers(3, 9, 40)])
    model = build(RunConfig().model, 12, 6)
    weights = model.init(torch.Generator().manual_seed(0))
    ranker = Ranker(part, 5, CPU)
    found = ranker.metrics(model, weights)
    hits, gains, areas = [], [], []
    for row in part:
        context, target = torch.tensor(row[:-1][-5:].tolist())[None], int(row[-1])
        scores = model.logits(weights, model.encode(weights, model.embed(weights, context))[0, -1])
        order = scores.argsort(descending=True).tolist()
        place = order.index(target) + 1
        hits.append(place <= 10)
        gains.append(1 / log2(place + 1) if place <= 10 else 0)
        areas.append(float(np.mean([scores[target] > scores[item] for item in range(12) if item != target])))
    assert found[Metric.HR10] == pytest.approx(np.mean(hits))
    assert found[Metric.NDCG10] == pytest.approx(np.mean(gains), abs=1e-6)
    assert found[Metric.AUC] == pytest.approx(np.mean(areas), abs=1e-6)


def test_masking_hides_the_context_but_never_the_target() -> None:
    past = Past.of(sequences([0, 1, 2], [3, 0, 3]), CPU)
    hidden = past.hide(torch.ones(2, 4), slice(None), torch.tensor([2, 3]))
    assert hidden.isinf().tolist() == [[True, True, False, False], [True, False, False, False]]
    second = past.hide(torch.ones(1, 4), slice(1, 9), torch.tensor([3]))
    assert second.isinf().tolist() == hidden[1:].isinf().tolist()


def test_masking_hides_the_whole_past_however_little_of_it_a_model_sees() -> None:
    """Rows of full and of synthetic data have contexts of different lengths; they are ranked among the same items."""
    part = sequences([0, 1, 2, 4], [3, 0, 3])
    for length in (1, 3):
        ranker = Ranker(part, length, CPU, mask_seen=True)
        assert ranker.rank(torch.ones(2, 5), slice(None)).tolist() == [1.5, 2.5], "among 2 and among 4 equals"
        assert ranker.rank(torch.ones(1, 5), slice(1, 9)).tolist() == [2.5]
        assert Ranker(part, length, CPU).rank(torch.ones(2, 5), slice(None)).tolist() == [3, 3], "among all five"


def test_the_past_is_prepared_where_it_is_hidden_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(students.Past, "of", lambda *_: asked.append("past"))
    Ranker(sequences([0, 1, 2]), 2, CPU)
    assert asked == []
    Ranker(sequences([0, 1, 2]), 2, CPU, mask_seen=True)
    assert asked == ["past"]


def test_popularity_and_markov_by_hand() -> None:
    train = sequences([0, 1, 0, 1, 2], [0, 1, 3])
    ranker = Ranker(sequences([3, 0, 1], [2, 1, 0]), 5, CPU)
    # counts: 0 three times, 1 three, 2 once, 3 once; after 0 comes 1 three times; after 1 come 0, 2, 3 once each
    assert baselines.popularity_ranks(train, 4, ranker).tolist() == [1.5, 1.5]
    assert baselines.markov_ranks(train, 4, ranker).tolist() == [1, 1]


def test_masked_popularity_and_markov_equal_a_loop_over_users() -> None:
    """More users than are scored at once."""
    generator = np.random.default_rng(0)
    train, part = (
        sequences(*[generator.integers(0, 12, size).tolist() for size in generator.integers(3, 9, users)])
        for users in (60, 2100)
    )
    counts, after = np.bincount(train.items, minlength=12).astype(float), np.zeros((12, 12))
    for row in train:
        np.add.at(after, (row[:-1], row[1:]), 1)

    def rank(scores: np.ndarray, row: np.ndarray) -> float:
        rivals = np.array([scores[item] for item in range(12) if item not in row])
        return float(1 + (rivals > scores[row[-1]]).sum() + (rivals == scores[row[-1]]).sum() / 2)

    ranker = Ranker(part, 2, CPU, mask_seen=True)
    assert baselines.popularity_ranks(train, 12, ranker).tolist() == [rank(counts, row) for row in part]
    expected = [rank(after[row[-2]] + counts / (counts.sum() + 1), row) for row in part]
    assert baselines.markov_ranks(train, 12, ranker).tolist() == expected


def test_equal_size_baselines_take_mu_sequences() -> None:
    train = sequences([0, 1, 2], [0, 1, 2, 3], [1, 2], [3, 3, 3, 3, 3])
    assert [len(one) for one in baselines.head_users(train, 2)] == [5, 4]
    assert len(baselines.random_users(train, 3, seed=0, draw=1)) == 3


def test_intervals_are_paired_and_percentages_are_of_full() -> None:
    generator = torch.Generator().manual_seed(0)
    full = 1 + torch.randint(0, 30, (400,), generator=generator).double()
    outcomes = [
        compare.Outcome(RowName.FULL, 400, 4000, [full]),
        compare.Outcome(RowName.DISTILLED, 4, 40, [full + 1, full + 1]),
    ]
    first, second = compare.table(outcomes, items=100)
    assert first.percent_of_full[Metric.HR10] == 100
    assert second.mean[Metric.AUC] == pytest.approx(first.mean[Metric.AUC] - 1 / 99)
    paired = first.minus_distilled[Metric.AUC]
    assert paired.low == pytest.approx(-1 / 99)  # every user loses exactly one place: no spread at all
    assert paired.high == pytest.approx(-1 / 99)
    assert first.interval[Metric.AUC].low < first.mean[Metric.AUC] < first.interval[Metric.AUC].high


def test_draws_in_blocks_are_the_draws_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit by bit, with a last block that is smaller than the others."""
    users = 30
    at_once = np.random.default_rng(7).multinomial(users, np.full(users, 1 / users), size=compare.DRAWS)
    (whole,) = compare._draws(users, seed=7)
    assert np.array_equal(whole, at_once)
    for limit in (users * 300 + 1, users - 1):  # 300 draws a block; one, where not even one fits
        monkeypatch.setattr(compare, "MAX_DRAWN_WEIGHTS", limit)
        blocks = list(compare._draws(users, seed=7))
        assert {len(one) for one in blocks} == ({300, 200} if limit > users else {1})
        assert np.array_equal(np.concatenate(blocks), at_once)


@pytest.mark.parametrize("users", [7, 94, 1566])
def test_where_every_user_is_right_so_is_every_draw(users: int) -> None:
    """To the last bit: shares of users would add up to 1 and a little more."""
    seen = [torch.ones(users, dtype=torch.int64)]
    outcomes = [compare.Outcome(name, 4, 40, seen) for name in (RowName.FULL, RowName.DISTILLED)]
    for row in compare.table(outcomes, items=100):
        assert _numbers(row.interval) == [1.0] * 10


def test_a_table_of_blocks_is_the_table_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    seen = [torch.randint(1, 60, (40,), generator=generator) for _ in range(4)]
    outcomes = [
        compare.Outcome(RowName.FULL, 400, 4000, seen[:2]),
        compare.Outcome(RowName.DISTILLED, 4, 40, seen[2:]),
    ]
    whole, paired = compare.table(outcomes, items=100), compare.paired(seen[:2], seen[2:], items=100)
    monkeypatch.setattr(compare, "MAX_DRAWN_WEIGHTS", 40 * 700)
    for before, after in zip(whole, compare.table(outcomes, items=100), strict=True):
        assert (after.seeds, after.mean, after.percent_of_full) == (before.seeds, before.mean, before.percent_of_full)
        for name in ("interval", "percent_interval", "minus_distilled"):
            one, other = (_numbers(getattr(row, name)) for row in (before, after))
            assert other == pytest.approx(one, rel=1e-12, abs=1e-15)
    assert _numbers(compare.paired(seen[:2], seen[2:], items=100)) == pytest.approx(_numbers(paired), rel=1e-12)


def _numbers(intervals: dict[Metric, Interval]) -> list[float]:
    return [end for one in intervals.values() for end in (one.low, one.high)]


def test_a_student_learns_a_rule_that_popularity_cannot_see() -> None:
    part = sequences(*[[start, *((start + step) % 20 for step in range(1, 6))] for start in range(20)] * 5)
    config = RunConfig()
    student = on_sequences(config, part, 20, Ranker(part, 5, CPU), seed=0, steps=60, every=20)
    assert student.best.metrics[Metric.NDCG10] > 0.95
    assert [point.step for point in student.curve] == [1, 2, 4, 8, 16, 20, 40, 60]
