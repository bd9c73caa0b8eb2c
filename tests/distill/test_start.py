"""Where Z and M start: windows of real events without gaps, medoids that stand for many others, and matched pairs."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from farzi_core.data.dataset import Dataset
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.device import CPU
from farzi_core.distill import matching, start
from farzi_core.distill.matching import distance_to, matched, pair_shares
from farzi_core.distill.start import from_windows, initial, laid_windows, medoids
from farzi_core.distill.synthetic import Synthetic
from farzi_core.sections import SyntheticConfig
from farzi_core.seeds import stream
from tests.evaluation.test_metrics import sequences

SMALL = SyntheticConfig(mu=12, xi=5, d=6, start_steps=20)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)


def test_the_matched_start_comes_nearer_to_the_pair_counts(dataset: Dataset) -> None:
    train, items = dataset.part("train"), len(dataset.vocab)
    shares = [pair_shares(train, items, k) for k in (1, 2)]
    before = from_windows(train, items, SMALL, 0)
    after = matched(before, train, items, 60)
    entropy = float(sum(-(share.values() * share.values().log()).sum() for share in shares) / 2)
    near, far = (float(distance_to(shares, one.probs())) for one in (after, before))
    assert entropy < near < far - 0.1


def test_pair_shares_count_by_hand() -> None:
    shares = pair_shares(sequences([0, 1, 2], [0, 1]), 3, 1).to_dense()
    assert shares[0, 1] == pytest.approx(2 / 3)
    assert shares[1, 2] == pytest.approx(1 / 3)
    assert pair_shares(sequences([0, 1, 2], [0, 1]), 3, 2).to_dense()[0, 2] == 1
    assert pair_shares(sequences([0, 1], [2, 1]), 3, 2).values().numel() == 0, "no pair is so far apart"


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_the_distance_and_its_gradient_are_those_of_dense_counts(
    dataset: Dataset, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "CHUNK", chunk)
    train, items = dataset.part("train"), len(dataset.vocab)
    shares = [pair_shares(train, items, k).double() for k in (1, 2)]
    probs = torch.softmax(torch.randn(9, 6, items, generator=torch.Generator().manual_seed(0)).double(), -1)

    def dense(rows: torch.Tensor) -> torch.Tensor:
        made = [torch.einsum("ria,rib->ab", rows[:, :-k], rows[:, k:]) / (9 * (6 - k)) for k in (1, 2)]
        parts = [-(one.to_dense() * torch.log(q + matching.FLOOR)).sum() for one, q in zip(shares, made, strict=True)]
        return torch.stack(parts).mean()

    sparse, wanted = (probs.clone().requires_grad_() for _ in range(2))
    near, far = distance_to(shares, sparse), dense(wanted)
    (slope,), (expected,) = torch.autograd.grad(near, sparse), torch.autograd.grad(far, wanted)
    assert near.item() == pytest.approx(far.item(), rel=1e-12)
    torch.testing.assert_close(slope, expected, rtol=1e-10, atol=1e-14)


def test_a_distance_without_pairs_adds_nothing(dataset: Dataset) -> None:
    """Sequences of two events have none at distance 2; and a start of two positions has no such pairs either."""
    short = sequences([0, 1], [2, 1], [0, 2])
    before = Synthetic(torch.randn(3, 4, 2), torch.randn(2, 3))
    both = [pair_shares(short, 3, k) for k in (1, 2)]
    assert float(distance_to(both, before.probs())) == pytest.approx(float(distance_to(both[:1], before.probs())) / 2)
    after = matched(before, short, 3, 30)
    assert float(distance_to(both, after.probs())) < float(distance_to(both, before.probs()))
    two = matched(Synthetic(before.latent[:, :2], before.decoder), short, 3, 3)
    assert two.probs().isfinite().all()


@pytest.mark.parametrize("numbers", [1, 7, 12, 1000])
def test_blocks_of_rows_multiply_like_the_sparse_product(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in for it on a GPU."""
    monkeypatch.setattr(matching, "BLOCK_NUMBERS", numbers)
    pairs = pair_shares(sequences([0, 1, 2], [0, 1], [3, 1]), 5, 1)
    dense = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(matching._in_blocks(pairs, dense), pairs.to_dense() @ dense)


def test_coordinates_are_those_of_the_dense_ppmi(dataset: Dataset) -> None:
    train, items = dataset.part("train"), len(dataset.vocab)
    counts = np.zeros((items, items))
    for row in range(len(train)):
        events = train.items[train.offsets[row] : train.offsets[row + 1]]
        for k in (1, 2, 3):
            for a, b in zip(events[:-k], events[k:], strict=True):
                counts[a, b] += 1 / k
    both = counts + counts.T
    with np.errstate(divide="ignore"):
        pmi = np.maximum(np.log(both * both.sum() / np.outer(both.sum(1), both.sum(1))), 0)
    left, values, _ = np.linalg.svd(pmi)
    wanted = left[:, :5] * np.sqrt(values[:5])
    found = start.coordinates(train, items, 5, 0)
    signs = np.sign((found * wanted).sum(0))
    assert np.allclose(found, wanted * signs / np.linalg.norm(wanted, axis=1).mean(), atol=1e-3)


def test_a_start_whose_distributions_are_too_large_to_hold_stays_as_it_is(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, items = dataset.part("train"), len(dataset.vocab)
    before = from_windows(train, items, SMALL, 0)
    monkeypatch.setattr(matching, "MAX_DENSE_NUMBERS", SMALL.mu * SMALL.xi * items - 1)
    assert matched(before, train, items, 5) is before
    monkeypatch.setattr(matching, "MAX_DENSE_NUMBERS", SMALL.mu * SMALL.xi * items)
    assert not torch.equal(matched(before, train, items, 5).latent, before.latent)


def test_windows_are_cut_from_real_sequences_laid_end_to_end() -> None:
    train = sequences([0, 1, 2, 3, 4, 5, 6], [7, 8], [9])
    laid = laid_windows(train, 4, 3, stream(0, "test"))
    follows = {(a, a + 1) for a in range(9)} - {(6, 7), (8, 9)}
    inside = [pair in follows for row in laid.tolist() for pair in pairwise(row)]
    assert laid.shape == (4, 3)
    assert sum(inside) >= 4, "most neighbours are neighbours of a real sequence"
    assert set(laid.ravel()) <= set(range(10))


def test_medoids_take_a_window_of_each_kind_where_random_ones_repeat_the_common_kind() -> None:
    factors = np.eye(6)
    common, rare, rarest = [0, 1], [2, 3], [4, 5]
    candidates = np.array([common] * 90 + [rare] * 6 + [rarest] * 4)
    chosen = medoids(candidates, factors, 3, seed=0)
    assert sorted(map(tuple, chosen.tolist())) == [(0, 1), (2, 3), (4, 5)]
    few = medoids(candidates[-2:], factors, 3, seed=0)
    assert few.tolist() == [rarest] * 3, "with fewer windows than sequences some are taken twice"


def test_a_start_from_medoids_holds_real_windows_and_another_choice_of_them(dataset: Dataset) -> None:
    train, items = dataset.part("train"), len(dataset.vocab)
    random, chosen = (
        initial(train, items, SMALL.model_copy(update={"start": "data", "start_windows": which}), 0)
        for which in ("random", "medoids")
    )
    coordinates = SMALL.start_scale * start.coordinates(train, items, SMALL.d - 1, 0)
    nearest = np.abs(chosen.latent[..., None, 1:].numpy() - coordinates).max(-1).min(-1)
    assert nearest.max() < 1e-5, "every position has the coordinates of an item"
    assert not np.allclose(random.latent, chosen.latent)
    assert np.allclose(random.decoder, chosen.decoder)


def test_there_are_never_more_candidates_than_memory_allows(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    train = dataset.part("train")
    whole = len(train.items) // SMALL.xi
    assert start._candidates(train, SMALL) == whole > 100
    monkeypatch.setattr(start, "CANDIDATE_NUMBERS", 40 * SMALL.xi * SMALL.d)
    assert start._candidates(train, SMALL) == 40
    monkeypatch.setattr(start, "CANDIDATE_NUMBERS", 1)
    assert start._candidates(train, SMALL) == SMALL.mu


@pytest.mark.parametrize("how", [{"start": "random"}, {"start": "data"}, {"start": "matched"},
                                 {"start": "data", "start_windows": "medoids"}])  # fmt: skip
def test_labels_start_as_the_next_positions_of_rows_one_longer(dataset: Dataset, how: dict[str, str]) -> None:
    train, items = dataset.part("train"), len(dataset.vocab)
    own, longer = (
        initial(train, items, SMALL.model_copy(update={**how, **more}), 0) for more in ({"labels": "own"}, {"xi": 6})
    )
    assert own.latent.shape == (12, 2, 5, 6)
    assert torch.equal(own.latent[:, 1, :-1], own.latent[:, 0, 1:])
    assert torch.equal(torch.cat([own.latent[:, 0], own.latent[:, 1, -1:]], 1), longer.latent)
    assert torch.equal(own.decoder, longer.decoder)
    assert own.tau == longer.tau


class Enough(Exception):
    """What a stopped run raises between steps."""


@pytest.mark.parametrize("before", [0, 3])
def test_a_fit_is_ended_by_what_is_raised_between_its_steps(dataset: Dataset, before: int) -> None:
    left = iter(range(before))

    def between() -> None:
        if next(left, None) is None:
            raise Enough

    with pytest.raises(Enough):
        initial(dataset.part("train"), len(dataset.vocab), SMALL, 0, CPU, between)
    assert next(left, None) is None, "it was asked before each step"
