"""Z and M with and without labels: what they make, its gradients, and how large they are."""

import pytest
import torch

from farzi_core.device import CPU
from farzi_core.distill.outer import meta_parameters
from farzi_core.distill.synthetic import Synthetic

SHAPES = pytest.mark.parametrize("shape", [(3, 4), (3, 2, 4)], ids=["next", "own"])


@SHAPES
def test_softmax_gradients_equal_autograd(shape: tuple[int, ...]) -> None:
    latent = torch.randn(*shape, 2, dtype=torch.float64, requires_grad=True)
    decoder = torch.randn(2, 7, dtype=torch.float64, requires_grad=True)
    synthetic = Synthetic(latent, decoder, tau=0.7)
    upstream = torch.randn(*shape, 7, dtype=torch.float64)
    wanted = torch.autograd.grad((synthetic.probs() * upstream).sum(), (latent, decoder))
    torch.testing.assert_close(synthetic.gradients(synthetic.probs(), upstream), wanted)


@SHAPES
def test_sizes_are_those_of_the_sequences_and_every_number_is_counted(shape: tuple[int, ...]) -> None:
    synthetic, labelled = Synthetic(torch.randn(*shape, 2), torch.randn(2, 7), tau=0.7), len(shape) == 3
    assert (synthetic.mu, synthetic.xi, synthetic.labelled) == (3, 4, labelled)
    assert synthetic.stored_numbers == (48 if labelled else 24) + 14
    assert synthetic.to(CPU).latent.shape == (*shape, 2)
    read = synthetic.read
    assert (read.mu, read.xi, read.labelled, read.tau) == (3, 4, False, 0.7)
    probs = synthetic.probs()
    torch.testing.assert_close(read.probs(), probs[:, 0] if labelled else probs)


@SHAPES
def test_every_face_counts_in_what_is_held_densely(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    synthetic, numbers = Synthetic(torch.zeros(*shape, 2), torch.zeros(2, 7)), 7 * torch.Size(shape).numel()
    monkeypatch.setattr("farzi_core.distill.outer.MAX_DENSE_NUMBERS", numbers)
    assert meta_parameters(synthetic)["probs"].shape == (*shape, 7)
    monkeypatch.setattr("farzi_core.distill.outer.MAX_DENSE_NUMBERS", numbers - 1)
    assert meta_parameters(synthetic).keys() == {"latent", "decoder"}
