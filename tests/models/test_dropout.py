"""Dropout of embedded events in training on real data: the mask, the loss under it, and where it is not used."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Sequences
from farzi_core.errors import ConfigError
from farzi_core.evaluation.students import Ranker, on_sequences
from farzi_core.models.losses import hard_loss, soft_loss
from farzi_core.models.parts import Tensors
from farzi_core.models.sasrec import SASRec
from farzi_core.seeds import stream
from farzi_core.teacher.train import epochs_loss, kept, tokens_of

MODEL = SASRec(items=7, hidden=8, max_length=6)
PART = Sequences(np.random.default_rng(0).integers(0, 7, 60), np.arange(0, 61, 5), tuple("abcdefghijkl"))
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Masked(SASRec):
    """The same architecture with its embedding multiplied by a mask: the second road."""

    mask: Tensor | None = None

    def embed(self, weights: Tensors, sequences: Tensor) -> Tensor:  # type: ignore[override]
        assert self.mask is not None
        return super().embed(weights, sequences) * self.mask


@pytest.fixture
def weights() -> Tensors:
    return MODEL.init(torch.Generator().manual_seed(1))


def test_the_mask_is_zero_for_its_share_and_has_mean_one() -> None:
    mask = kept((400, 50, 10), 0.4, np.random.default_rng(3))
    assert mask.unique().tolist() == pytest.approx([0, 1 / 0.6])
    assert float((mask == 0).float().mean()) == pytest.approx(0.4, abs=0.005)  # 200,000 draws: 4.6 standard errors


def test_the_loss_under_a_mask_is_that_of_the_masked_embedding(weights: Tensors) -> None:
    tokens = torch.tensor([[1, 2, 3, 4], [5, 6, -1, -1]])
    mask = kept((2, 3, 8), 0.5, np.random.default_rng(0))
    wanted = hard_loss(Masked(7, 8, max_length=6, mask=mask), weights, tokens)
    assert torch.equal(hard_loss(MODEL, weights, tokens, mask), wanted)
    assert not torch.equal(wanted, hard_loss(MODEL, weights, tokens))


def test_on_soft_rows_it_is_the_masked_input_and_the_whole_target(weights: Tensors) -> None:
    """By textbook operations: a mask that hid targets, too, would be another loss (both come of one product)."""
    probs = torch.randn(2, 4, 7, generator=torch.Generator().manual_seed(2)).softmax(-1)
    mask = kept((2, 3, 8), 0.5, np.random.default_rng(0))
    hidden = MODEL.encode(weights, (probs @ weights["item"])[:, :-1] * mask)
    wanted = -((hidden @ weights["item"].T).log_softmax(-1) * probs[:, 1:]).sum(-1).mean()
    assert float(soft_loss(MODEL, weights, probs, mask)) == pytest.approx(float(wanted), rel=1e-6)
    assert float(soft_loss(MODEL, weights, probs)) != pytest.approx(float(wanted), rel=1e-4)
    one_hot = torch.nn.functional.one_hot(torch.tensor([[1, 2, 3, 4], [5, 6, 0, 1]]), 7).float()
    hard = hard_loss(MODEL, weights, one_hot.argmax(-1), mask)
    assert float(soft_loss(MODEL, weights, one_hot, mask)) == pytest.approx(float(hard), rel=1e-6)


def test_without_dropout_the_same_windows_give_the_same_bits_and_with_it_a_seed_repeats(weights: Tensors) -> None:
    plain = epochs_loss(MODEL, PART, 12, stream(0, "batches"), CPU)(weights, 0)
    generator = stream(0, "batches")
    assert torch.equal(plain, hard_loss(MODEL, weights, tokens_of(PART, generator.permutation(12), 6, generator, CPU)))
    one, again = (epochs_loss(MODEL, PART, 12, stream(0, "batches"), CPU, 0.5)(weights, 0) for _ in range(2))
    assert torch.equal(one, again)
    assert not torch.equal(one, plain)


def test_models_on_real_data_train_with_it_and_are_judged_without() -> None:
    def trained(dropout: float) -> tuple[Tensors, list[float]]:
        config = with_settings(RunConfig(), {"teacher.dropout": dropout, "model.hidden": 8, "teacher.batch": 4})
        judge = Ranker(PART, 6, CPU)
        student = on_sequences(config, PART, 7, judge, 0, 3, 1)
        again = [float(judge.see(SASRec(7, 8, max_length=50), student.weights).sum()) for _ in range(2)]
        return student.weights, again

    (plain, _), (dropped, ranks) = trained(0), trained(0.5)
    assert not torch.equal(plain["item"], dropped["item"])
    assert ranks[0] == ranks[1]


@pytest.mark.parametrize("setting", ["teacher.dropout", "inner.dropout"])
@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_a_share_that_leaves_nothing_is_refused(dropout: float, setting: str) -> None:
    with pytest.raises(ConfigError, match=setting):
        with_settings(RunConfig(), {setting: dropout})
