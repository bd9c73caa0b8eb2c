"""Labels of their own: losses are the cross-entropy of every position to what stands beside it."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from farzi_core.config import RunConfig, with_settings
from farzi_core.models.head import log_sum_exp
from farzi_core.models.losses import hard_loss, pairs, products_loss, soft_loss, tables_of
from farzi_core.models.model import Model, build
from farzi_core.teacher.train import kept

KINDS, HEADS = ("sasrec", "gru4rec", "fmlp"), ("tied", "untied")
ITEMS, LENGTH, WIDTH = 9, 6, 8


def student(kind: str, head: str) -> tuple[Model, dict[str, Tensor]]:
    widths = {"model.hidden": WIDTH, "model.gru4rec_hidden": WIDTH, "model.fmlp_hidden": WIDTH}
    model = build(with_settings(RunConfig(), {"model.kind": kind, "model.head": head, **widths}).model, ITEMS, LENGTH)
    generator = torch.Generator().manual_seed(0)
    weights = {name: one.double() for name, one in model.init(generator).items()}
    return model, {name: one + 0.3 * torch.randn(one.shape, generator=generator) for name, one in weights.items()}


def scores_of(model: Model, weights: dict[str, Tensor], embedded: Tensor) -> Tensor:
    """[N, V] after every position, by the table that the head has."""
    scores = model.encode(weights, embedded) @ weights.get("head", weights["item"]).T
    return (scores + weights.get("head_bias", torch.zeros(()))).flatten(0, 1)


def mask(rows: int, dropout: float) -> Tensor | None:
    return kept((rows, LENGTH, WIDTH), dropout, np.random.default_rng(1)).double() if dropout else None


def near(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dropout", [0, 0.4])
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", KINDS)
def test_soft_losses_are_cross_entropy_of_all_positions_to_their_labels(kind: str, head: str, dropout: float) -> None:
    model, weights = student(kind, head)
    probs, keep = (torch.rand(3, 2, LENGTH, ITEMS, dtype=torch.float64) * 4).softmax(-1), mask(3, dropout)
    embedded = probs[:, 0] @ weights["item"]
    scores = scores_of(model, weights, embedded if keep is None else embedded * keep)
    wanted = functional.cross_entropy(scores, probs[:, 1].flatten(0, 1))
    near(soft_loss(model, weights, probs, keep), wanted)
    tables = torch.cat([weights[name].view(ITEMS, -1) for name in tables_of(weights)], 1)
    near(products_loss(model, weights, probs @ tables, log_sum_exp, keep), wanted)


@pytest.mark.parametrize("dropout", [0, 0.4])
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", KINDS)
def test_hard_losses_are_those_of_certain_labels(kind: str, head: str, dropout: float) -> None:
    model, weights = student(kind, head)
    tokens, keep = torch.randint(ITEMS, (3, 2, LENGTH), generator=torch.Generator().manual_seed(2)), mask(3, dropout)
    embedded = weights["item"][tokens[:, 0]]
    scores = scores_of(model, weights, embedded if keep is None else embedded * keep)
    near(hard_loss(model, weights, tokens, keep), functional.cross_entropy(scores, tokens[:, 1].flatten()))
    rows = functional.one_hot(tokens, ITEMS).double()
    near(hard_loss(model, weights, tokens, keep), soft_loss(model, weights, rows, keep))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", KINDS)
def test_labels_that_are_the_next_positions_are_what_sequences_one_longer_predict(kind: str, head: str) -> None:
    model, weights = student(kind, head)
    longer = torch.randn(3, LENGTH + 1, ITEMS, generator=torch.Generator().manual_seed(3)).double().softmax(-1)
    own = torch.stack([longer[:, :-1], longer[:, 1:]], 1)
    near(soft_loss(model, weights, own), soft_loss(model, weights, longer))
    other = torch.stack([longer[:, :-1], longer[:, 1:].flip(0)], 1)
    assert abs(float(soft_loss(model, weights, other) - soft_loss(model, weights, longer))) > 1e-6


def test_pairs_are_told_apart_by_the_number_of_axes() -> None:
    """A sequence of two positions, too: its axis of length 2 is that of positions."""
    for shape, behind in (((4, 5), 0), ((4, 2), 0), ((4, 5, 3), 1), ((4, 2, 3), 1)):
        plain = torch.arange(float(np.prod(shape))).view(shape)
        read, wanted = pairs(plain, behind)
        assert torch.equal(read, plain[:, :-1])
        assert torch.equal(wanted, plain[:, 1:])
        own = torch.stack([plain, -plain], 1)
        read, wanted = pairs(own, behind)
        assert torch.equal(read, plain)
        assert torch.equal(wanted, -plain)
