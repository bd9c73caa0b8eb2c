"""What every architecture promises, each by a second road, in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from farzi_core.config import RunConfig, with_settings
from farzi_core.distill import gradcheck
from farzi_core.models.fmlp import FMLP, causal_filter
from farzi_core.models.gru4rec import GRU4Rec
from farzi_core.models.losses import hard_loss, soft_loss
from farzi_core.models.model import Model, build
from farzi_core.models.sasrec import SASRec
from farzi_core.sections import Kind
from farzi_core.surroundings import ModelConfig

Tensors = dict[str, Tensor]
KINDS: tuple[Kind, ...] = ("sasrec", "gru4rec", "fmlp")
ITEMS, LENGTH = 9, 7
WIDTH = 1e-3  # of central differences of fourth order


def model_of(kind: Kind) -> Model:
    sizes = ModelConfig(kind=kind, hidden=6, gru4rec_hidden=6, fmlp_hidden=6, layers=2, heads=2)
    return build(sizes, ITEMS, LENGTH)


def weights_of(model: Model) -> Tensors:
    """Weights as drawn, each moved by noise: no zeros and ones, and nothing so small that it is nearly linear."""
    drawn = model.init(torch.Generator().manual_seed(3))
    return {name: one.double() + 0.2 * draw(*one.shape, seed=at) for at, (name, one) in enumerate(drawn.items())}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_one_hot_rows_are_hard_tokens(kind: Kind) -> None:
    model = model_of(kind)
    weights = weights_of(model)
    tokens = torch.tensor([[1, 2, 3, 4, 5, 6, 0], [0, 8, 7, 0, 1, 2, 2]])
    rows = torch.nn.functional.one_hot(tokens, ITEMS).double()
    soft, hard = (model.encode(weights, model.embed(weights, one)) for one in (rows, tokens))
    torch.testing.assert_close(soft, hard, rtol=0, atol=1e-12)
    one, other = soft_loss(model, weights, rows), hard_loss(model, weights, tokens)
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_later_event_never_changes_an_earlier_state(kind: Kind) -> None:
    """At every position; 1e-13, because the Fourier transform adds the later events up and takes them away again."""
    model = model_of(kind)
    weights = weights_of(model)
    embedded = draw(2, LENGTH, 6)
    states = model.encode(weights, embedded)
    for position in range(LENGTH):
        changed = embedded.clone()
        changed[:, position] += draw(2, 6, seed=1)
        difference = (model.encode(weights, changed) - states).abs().amax((0, 2))
        assert float(difference[:position].amax() if position else 0) < 1e-13
        assert (difference[position:] > 1e-4).all(), "and it reaches its own and all later states"


@pytest.mark.parametrize("kind", KINDS)
def test_a_shorter_sequence_has_the_same_states(kind: Kind) -> None:
    model = model_of(kind)
    weights = weights_of(model)
    embedded = draw(2, LENGTH, 6)
    whole, part = model.encode(weights, embedded), model.encode(weights, embedded[:, :3])
    torch.testing.assert_close(part, whole[:, :3], rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_are_those_of_central_differences(kind: Kind) -> None:
    """The Hessian-vector product in every weight, and the mixed one in the rows, along random directions."""
    model = model_of(kind)
    weights, probs = weights_of(model), draw(3, LENGTH, ITEMS).softmax(-1)
    direction = {name: 0.1 * draw(*one.shape, seed=seed) for seed, (name, one) in enumerate(weights.items())}
    moved = 0.1 * draw(*probs.shape, seed=99)

    def gradient(at: float, rows_at: float) -> Tensors:
        """At the weights and rows moved that far along their directions."""
        leaves = {name: (one + at * direction[name]).requires_grad_() for name, one in weights.items()}
        loss = soft_loss(model, leaves, probs + rows_at * moved)
        return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))

    leaves = {name: one.clone().requires_grad_() for name, one in weights.items()}
    rows = probs.clone().requires_grad_()
    first = torch.autograd.grad(soft_loss(model, leaves, rows), list(leaves.values()), create_graph=True)
    along = torch.stack([(one * direction[name]).sum() for name, one in zip(leaves, first, strict=True)]).sum()
    *products, mixed = torch.autograd.grad(along, [*leaves.values(), rows])

    wanted = slopes(lambda at: gradient(at, 0))
    for name, product in zip(leaves, products, strict=True):
        assert float((product - wanted[name]).norm()) < 1e-8 * float(wanted[name].norm()), name
    by_rows = slopes(lambda at: gradient(0, at))
    slope = sum(float((by_rows[name] * direction[name]).sum()) for name in weights)
    assert float((mixed * moved).sum()) == pytest.approx(slope, rel=1e-8)


def slopes(function: Callable[[float], Tensors]) -> Tensors:
    """The derivative at 0 by central differences; errors of order WIDTH^2 cancel."""
    near, far = (
        {name: (one - function(-width)[name]) / (2 * width) for name, one in function(width).items()}
        for width in (WIDTH / 2, WIDTH)
    )
    return {name: (4 * near[name] - far[name]) / 3 for name in near}


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_has_a_gradient(kind: Kind) -> None:
    model = model_of(kind)
    leaves = {name: one.requires_grad_() for name, one in weights_of(model).items()}
    loss = soft_loss(model, leaves, draw(4, LENGTH, ITEMS).softmax(-1))
    for name, gradient in zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True):
        assert float(gradient.norm()) > 1e-9, name


@pytest.mark.parametrize("kind", KINDS)
def test_the_meta_gradient_through_it_is_the_unrolled_one(kind: Kind) -> None:
    problem = gradcheck.Problem.make(torch.device("cpu"), kind)
    assert gradcheck.relative_error(problem.engine("store"), gradcheck.unrolled(problem)) < 1e-10


def test_the_cell_is_that_of_torch() -> None:
    model = GRU4Rec(ITEMS, 6, LENGTH)
    weights = {name: draw(*one.shape, seed=len(name)) for name, one in weights_of(model).items()}
    torch_gru = torch.nn.GRU(6, 6, batch_first=True, dtype=torch.float64)
    state_bias = torch.cat([torch.zeros(12, dtype=torch.float64), weights["candidate_bias"]])
    copied = {
        "weight_ih_l0": weights["input"].T, "weight_hh_l0": weights["state"].T,
        "bias_ih_l0": weights["bias"], "bias_hh_l0": state_bias,
    }  # fmt: skip
    torch_gru.load_state_dict(copied)
    embedded = draw(3, LENGTH, 6)
    torch.testing.assert_close(model.states(weights, embedded), torch_gru(embedded)[0], rtol=0, atol=1e-13)


def test_the_filter_is_the_sum_of_its_definition() -> None:
    x, kernel = draw(2, 5, 3), draw(8, 3, seed=1)
    wanted = torch.stack([sum(kernel[k] * x[:, at - k] for k in range(at + 1)) for at in range(5)], 1)  # type: ignore[arg-type]
    torch.testing.assert_close(causal_filter(x, kernel), wanted, rtol=0, atol=1e-13)


def test_at_the_last_position_of_a_full_window_the_filter_is_the_original_one_which_leaks_elsewhere() -> None:
    x, kernel = draw(2, 6, 3), draw(6, 3, seed=1)
    circular = torch.fft.irfft(torch.fft.rfft(x, dim=1) * torch.fft.rfft(kernel, dim=0), n=6, dim=1)
    causal = causal_filter(x, kernel)
    torch.testing.assert_close(causal[:, -1], circular[:, -1], rtol=0, atol=1e-13)
    assert float((causal - circular)[:, :-1].abs().amin()) > 1e-6


@pytest.mark.parametrize("kind", ["sasrec", "fmlp"])
def test_the_activation_is_the_chosen_one(kind: Kind) -> None:
    chosen = [with_settings(RunConfig(), {"model.kind": kind, "model.activation": one}) for one in ("gelu", "relu")]
    gelu, relu = (build(one.model, ITEMS, LENGTH) for one in chosen)
    weights = {name: one.double() for name, one in gelu.init(torch.Generator().manual_seed(0)).items()}
    weights["0.up"], weights["0.up_bias"] = 0 * weights["0.up"], -torch.ones_like(weights["0.up_bias"])
    embedded = draw(1, LENGTH, weights["item"].shape[1])
    silent = {**weights, "0.down": 0 * weights["0.down"]}
    assert torch.equal(relu.encode(weights, embedded), relu.encode(silent, embedded)), "relu(-1) = 0"
    assert not torch.allclose(gelu.encode(weights, embedded), gelu.encode(silent, embedded))


def test_the_factory_builds_what_is_configured() -> None:
    config = ModelConfig(hidden=12, layers=3, heads=2, gru4rec_hidden=10, fmlp_hidden=14)
    built = [build(config.model_copy(update={"kind": kind}), 5, 4) for kind in KINDS]
    assert built == [SASRec(5, 12, 3, 2, 4), GRU4Rec(5, 10, 4), FMLP(5, 14, 3, 4)]
