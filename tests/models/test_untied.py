"""A head of its own: the factored losses are plain cross-entropy, and every derivative of them is exact."""

import pytest
import torch
from torch.nn import functional

from farzi_core.config import RunConfig, with_settings
from farzi_core.models.losses import hard_loss, soft_loss
from farzi_core.models.model import Model, build

KINDS = ("sasrec", "gru4rec", "fmlp")


def untied(kind: str) -> tuple[Model, dict[str, torch.Tensor]]:
    settings = {"model.kind": kind, "model.head": "untied", "model.hidden": 8, "model.gru4rec_hidden": 8,
                "model.fmlp_hidden": 8}  # fmt: skip
    model = build(with_settings(RunConfig(), settings).model, 9, 6)
    generator = torch.Generator().manual_seed(0)
    weights = {name: one.double() for name, one in model.init(generator).items()}
    return model, {name: one + 0.3 * torch.randn(one.shape, generator=generator) for name, one in weights.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_losses_equal_cross_entropy_of_the_logits(kind: str) -> None:
    model, weights = untied(kind)
    tokens = torch.tensor([[0, 3, 1, 8, 2, 4], [5, 1, 7, -1, -1, -1]])
    hidden = model.encode(weights, model.embed(weights, tokens[:, :-1].clamp_min(0)))
    scores = hidden @ weights["head"].T + weights["head_bias"]
    torch.testing.assert_close(model.logits(weights, hidden), scores)
    wanted = functional.cross_entropy(scores.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=-1)
    torch.testing.assert_close(hard_loss(model, weights, tokens), wanted)
    probs = torch.rand(3, 6, 9, dtype=torch.float64).softmax(-1)
    scores = model.logits(weights, model.encode(weights, model.embed(weights, probs[:, :-1])))
    wanted = functional.cross_entropy(scores.flatten(0, 1), probs[:, 1:].flatten(0, 1))
    torch.testing.assert_close(soft_loss(model, weights, probs), wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_hard_tokens_equal_one_hot_rows(kind: str) -> None:
    model, weights = untied(kind)
    tokens = torch.tensor([[0, 3, 1, 8, 2, 4]])
    rows = functional.one_hot(tokens, 9).double()
    torch.testing.assert_close(soft_loss(model, weights, rows), hard_loss(model, weights, tokens), rtol=0, atol=1e-12)


def test_second_derivatives_equal_those_of_plain_autograd() -> None:
    """Through weights of the head and through the synthetic rows' logits: rows are input and target at once."""
    model, weights = untied("sasrec")
    logits = torch.randn(2, 5, 9, dtype=torch.float64).requires_grad_()
    leaves = {name: one.requires_grad_() for name, one in weights.items()}

    def plain(model: Model, leaves: dict[str, torch.Tensor], probs: torch.Tensor) -> torch.Tensor:
        scores = model.logits(leaves, model.encode(leaves, model.embed(leaves, probs[:, :-1])))
        return functional.cross_entropy(scores.flatten(0, 1), probs[:, 1:].flatten(0, 1))

    found, wanted = (_mixed(loss(model, leaves, logits.softmax(-1)), leaves, logits) for loss in (soft_loss, plain))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


def _mixed(loss: torch.Tensor, leaves: dict[str, torch.Tensor], logits: torch.Tensor) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    gradients = torch.autograd.grad(loss, list(leaves.values()), create_graph=True)
    directions = [torch.randn(one.shape, generator=generator, dtype=torch.float64) for one in gradients]
    product = sum((one * other).sum() for one, other in zip(gradients, directions, strict=True))
    assert isinstance(product, torch.Tensor)
    return torch.autograd.grad(product, [*leaves.values(), logits])
