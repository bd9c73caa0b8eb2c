"""The student: causal, the same for hard tokens and one-hot rows, with exact first and second derivatives."""

import pytest
import torch

from farzi_core.models.head import log_sum_exp
from farzi_core.models.losses import hard_loss, soft_loss
from farzi_core.models.sasrec import SASRec

MODEL = SASRec(items=9, hidden=8, layers=2, heads=2, max_length=6)


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    return {name: tensor.double() for name, tensor in MODEL.init(torch.Generator().manual_seed(3)).items()}


def test_the_future_does_not_change_the_past(weights: dict[str, torch.Tensor]) -> None:
    tokens = torch.tensor([[1, 2, 3, 4, 5, 6]])
    changed = torch.tensor([[1, 2, 3, 8, 8, 8]])
    first, second = (MODEL.encode(weights, MODEL.embed(weights, one)) for one in (tokens, changed))
    assert torch.equal(first[:, :3], second[:, :3])
    assert not torch.allclose(first[:, 3], second[:, 3])


def test_one_hot_rows_are_hard_tokens(weights: dict[str, torch.Tensor]) -> None:
    tokens = torch.tensor([[1, 2, 3, 4, 5, 6], [0, 8, 7, 0, 1, 2]])
    rows = torch.nn.functional.one_hot(tokens, 9).double()
    torch.testing.assert_close(soft_loss(MODEL, weights, rows), hard_loss(MODEL, weights, tokens))


def test_the_factored_loss_is_the_dense_cross_entropy(weights: dict[str, torch.Tensor]) -> None:
    probs = torch.randn(4, 6, 9, dtype=torch.float64).softmax(-1)
    hidden = MODEL.encode(weights, MODEL.embed(weights, probs[:, :-1]))
    dense = -(MODEL.logits(weights, hidden).log_softmax(-1) * probs[:, 1:]).sum(-1).mean()
    torch.testing.assert_close(soft_loss(MODEL, weights, probs), dense)


def test_padding_changes_nothing(weights: dict[str, torch.Tensor]) -> None:
    short = torch.tensor([[1, 2, 3]])
    padded = torch.tensor([[1, 2, 3, -1, -1, -1]])
    torch.testing.assert_close(hard_loss(MODEL, weights, short), hard_loss(MODEL, weights, padded))


@pytest.mark.parametrize("chunk", [1, 20, 10_000])
def test_the_head_has_exact_first_and_second_derivatives(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farzi_core.models.head.CHUNK_NUMBERS", chunk)
    hidden = torch.randn(7, 4, dtype=torch.float64, requires_grad=True)
    embedding = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(log_sum_exp(hidden, embedding), torch.logsumexp(hidden @ embedding.T, 1).sum())
    assert torch.autograd.gradcheck(log_sum_exp, (hidden, embedding))
    assert torch.autograd.gradgradcheck(log_sum_exp, (hidden, embedding))


def test_every_weight_has_a_gradient(weights: dict[str, torch.Tensor]) -> None:
    leaves = {name: tensor.requires_grad_() for name, tensor in weights.items()}
    probs = torch.randn(4, 6, 9, dtype=torch.float64).softmax(-1)
    soft_loss(MODEL, leaves, probs).backward()
    for name, leaf in leaves.items():
        assert leaf.grad is not None, name
        assert float(leaf.grad.norm()) > 1e-9, name
