"""Perplexity and accuracy against fractions computed by hand, n-grams against dictionaries, chunks against lists."""

from collections import Counter, defaultdict
from itertools import pairwise
from math import exp, log

import numpy as np
import pytest
import torch

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.batches import IGNORED, chunks
from farzi_core.evaluation import compare, ngrams
from farzi_core.evaluation.measures import MEASURES
from farzi_core.evaluation.reader import Reader
from farzi_core.evaluation.report import Metric, RowName
from farzi_core.models.model import build
from tests.evaluation.test_metrics import sequences

CPU = torch.device("cpu")
LANGUAGE = MEASURES["language"]


def test_perplexity_and_accuracy_by_hand() -> None:
    """Two sentences: p = 1/2, 1/8 (first right, second <unk> and wrong); p = 1/4, 1/4, 1/4 (two right, all known)."""
    seen = torch.tensor([[log(2) + log(8), 2, 1, 1, 1], [3 * log(4), 3, 2, 2, 3]], dtype=torch.float64)
    values = LANGUAGE.of(seen, 9)
    assert values[Metric.PPL] == pytest.approx((4 + 4) / 2)  # sqrt(2 * 8) and 4
    assert values[Metric.LOSS] == pytest.approx((log(16) + log(64)) / 5)
    assert values[Metric.TOKEN_PPL] == pytest.approx(1024 ** (1 / 5))
    assert values[Metric.ACCURACY] == pytest.approx(3 / 5)
    assert values[Metric.KNOWN_ACCURACY] == pytest.approx(3 / 4)


def test_sentence_perplexities_are_averaged_as_in_the_paper() -> None:
    seen = torch.tensor([[0.0, 1, 1, 1, 1], [9 * log(3), 9, 0, 0, 0]], dtype=torch.float64)
    values = LANGUAGE.of(seen, 9)
    assert values[Metric.PPL] == pytest.approx((1 + 3) / 2)
    assert values[Metric.TOKEN_PPL] == pytest.approx(3**0.9)


def test_a_uniform_model_has_the_perplexity_of_its_vocabulary() -> None:
    part = sequences([0, 3, 1, 0], [0, 2, 0])
    model = build(RunConfig().model, 7, 6)
    weights = {name: torch.zeros_like(tensor) for name, tensor in model.init(torch.Generator()).items()}
    values = Reader(part, 5, CPU, unknown=None).metrics(model, weights)
    assert values[Metric.PPL] == pytest.approx(7, rel=1e-6)
    assert values[Metric.TOKEN_PPL] == pytest.approx(7, rel=1e-6)
    assert values[Metric.ACCURACY] == values[Metric.KNOWN_ACCURACY] == pytest.approx(2 / 5)  # ties go to item 0


@pytest.mark.parametrize("kind", ["sasrec", "gru4rec"])
@pytest.mark.parametrize("head", ["tied", "untied"])
def test_reading_equals_an_independent_loop(kind: str, head: str) -> None:
    generator = np.random.default_rng(0)
    part = sequences(*[generator.integers(0, 12, size=length).tolist() for length in generator.integers(3, 8, 30)])
    model = build(with_settings(RunConfig(), {"model.kind": kind, "model.head": head}).model, 12, 8)
    weights = {name: 3 * one for name, one in model.init(torch.Generator().manual_seed(0)).items()}
    found = Reader(part, 7, CPU, unknown=3).metrics(model, weights)
    ppl, nll, right, known = [], [], [], []
    for row in part:
        scores = model.logits(weights, model.encode(weights, model.embed(weights, torch.from_numpy(row)[None])))[0]
        losses = [-float(scores[at].log_softmax(0)[token]) for at, token in enumerate(row[1:])]
        ppl.append(exp(np.mean(losses)))
        nll += losses
        hits = [int(scores[at].argmax()) == token for at, token in enumerate(row[1:])]
        right += hits
        known += [hit for hit, token in zip(hits, row[1:], strict=True) if token != 3]
    assert found[Metric.PPL] == pytest.approx(np.mean(ppl), rel=1e-4)
    assert found[Metric.LOSS] == pytest.approx(np.mean(nll), rel=1e-5)
    assert found[Metric.ACCURACY] == pytest.approx(np.mean(right))
    assert found[Metric.KNOWN_ACCURACY] == pytest.approx(np.mean(known))


def test_a_student_gone_wild_is_the_worst_and_its_figures_stay_finite() -> None:
    part = sequences([0, 3, 1, 0], [0, 2, 0])
    model = build(RunConfig().model, 7, 6)
    fresh = model.init(torch.Generator().manual_seed(0))
    reader = Reader(part, 5, CPU, unknown=None)
    sane = LANGUAGE.selection(reader.metrics(model, fresh))
    for factor in (1e6, float("nan")):
        values = reader.metrics(model, {name: factor * one for name, one in fresh.items()})
        assert np.isfinite(list(values.values())).all()
        assert LANGUAGE.selection(values) < sane


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 50])
def test_chunks_ask_for_every_token_once_with_half_a_context_before_it(length: int) -> None:
    part = sequences(*[list(range(100 * row, 100 * row + size)) for row, size in enumerate((2, 3, 5, 8, 21, 50))])
    cut = chunks(part, length)
    assert cut.tokens.shape[1] == length + 1
    asked = defaultdict(list)
    for tokens, scored, owner in zip(*cut, strict=True):
        for at in np.flatnonzero(scored):
            token = int(tokens[at + 1])
            asked[int(owner)].append(token)
            assert at + 1 >= min(token % 100, -(-length // 2))  # tokens before it that the model sees
            assert (tokens[: at + 2] != IGNORED).all()
    assert {owner: sorted(tokens) for owner, tokens in asked.items()} == {
        row: sequence[1:].tolist() for row, sequence in enumerate(part)
    }


TRAIN = [[0, 1, 2, 0], [0, 1, 3, 0], [0, 2, 1, 2, 0], [0, 4, 0]]


def kneser_ney(before: int, after: int, items: int) -> float:
    """The formula of the module, with dictionaries."""
    pairs = Counter(pair for row in TRAIN for pair in pairwise(row))
    once, twice = (sum(count == times for count in pairs.values()) for times in (1, 2))
    discount = once / (once + 2 * twice)
    contexts = Counter(token for _, token in pairs)
    lower = max(contexts[after] - discount, 0) / len(pairs) + discount * len(contexts) / len(pairs) / items
    total = sum(count for (first, _), count in pairs.items() if first == before)
    if not total:
        return lower
    followers = sum(first == before for first, _ in pairs)
    return (max(pairs[before, after] - discount, 0) if pairs[before, after] else 0) / total + (
        discount * followers / total * lower
    )


def test_the_bigram_is_interpolated_kneser_ney() -> None:
    model = ngrams.KneserNey(sequences(*TRAIN), 6)
    for before in range(6):
        row = model.row(before)
        assert row.sum() == pytest.approx(1)
        assert row.tolist() == pytest.approx([kneser_ney(before, after, 6) for after in range(6)])


SINGLES = [[0, 1, 2], [0, 2, 1], [2, 0, 3]]  # no pair twice: D = 1
TWICE = [[0, 1, 2, 0]] * 2  # no pair once: D has nothing to be estimated from
RANDOM = [np.random.default_rng(seed).integers(0, 9, size=20 + seed).tolist() for seed in range(30)]


@pytest.mark.parametrize("train", [SINGLES, TWICE, RANDOM])
def test_every_row_of_the_bigram_is_a_distribution_that_gives_every_word_a_chance(train: list[list[int]]) -> None:
    model = ngrams.KneserNey(sequences(*train), 12)
    for before in range(12):
        row = model.row(before)
        assert row.sum() == pytest.approx(1)
        assert row.min() > 0


def test_the_unigram_counts_what_is_predicted() -> None:
    share = ngrams.unigram(sequences(*TRAIN), 6)
    # 12 targets: four ends of sentences (0), 1 and 2 three times each, 3 and 4 once; 5 never
    assert share.tolist() == pytest.approx([5 / 18, 4 / 18, 4 / 18, 2 / 18, 2 / 18, 1 / 18])


def test_what_n_grams_see_is_scored_like_a_model() -> None:
    train, part = sequences(*TRAIN), sequences([0, 1, 2, 0], [0, 5, 1])
    reader = Reader(part, 9, CPU, unknown=1)
    unigram, bigram = ngrams.unigram_seen(train, 6, reader), ngrams.bigram_seen(train, 6, reader)
    share = ngrams.unigram(train, 6)
    assert unigram[0].tolist() == pytest.approx([-np.log(share[[1, 2, 0]]).sum(), 3, 1, 1, 2])  # guesses 0: the end
    wanted = [-log(kneser_ney(0, 5, 6)) - log(kneser_ney(5, 1, 6)), 2, 0, 0, 1]
    assert bigram[1].tolist()[:2] == pytest.approx(wanted[:2])
    assert bigram[1].tolist()[4] == wanted[4]


def test_percentages_turn_round_where_lower_is_better_and_differences_stay_paired() -> None:
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(2, 30, (300,), generator=generator).double()
    right = (tokens * torch.rand(300, generator=generator, dtype=torch.float64)).floor()
    full = torch.stack([3 * tokens, tokens, right, right, tokens], 1)
    worse = torch.stack([(3 + log(2)) * tokens, tokens, right, right, tokens], 1)  # every perplexity doubled
    rows = compare.table(
        [compare.Outcome(RowName.FULL, 9, 99, [full]), compare.Outcome(RowName.DISTILLED, 2, 9, [worse, worse])],
        9,
        task="language",
    )
    assert rows[1].percent_of_full[Metric.PPL] == pytest.approx(50)
    assert rows[1].percent_of_full[Metric.ACCURACY] == pytest.approx(100)
    gap = rows[0].minus_distilled[Metric.TOKEN_PPL]
    assert (gap.low, gap.high) == (pytest.approx(exp(3)), pytest.approx(exp(3)))  # paired: no spread at all
    assert rows[1].percent_interval[Metric.PPL].low == pytest.approx(50)
    spread = rows[0].interval[Metric.ACCURACY]
    assert spread.low < rows[0].mean[Metric.ACCURACY] < spread.high
    assert rows[0].mean[Metric.ACCURACY] == pytest.approx(float(right.sum() / tokens.sum()))  # tokens, not sentences


def test_selection_follows_the_loss() -> None:
    better, worse = ({Metric.LOSS: loss} for loss in (2.0, 3.0))
    assert LANGUAGE.selection(better) > LANGUAGE.selection(worse)
