"""adam_metagradient against plain autograd through the unrolled loop and against central differences, in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from farzi_core.distill.adam import Adam
from farzi_core.distill.reverse import MetaGradient, adam_metagradient
from farzi_core.errors import ConfigError
from farzi_core.models.losses import hard_loss, soft_loss
from farzi_core.models.sasrec import SASRec

Tensors = dict[str, Tensor]


def _toy() -> tuple[Tensors, Tensors, Callable[..., Tensor], Callable[[Tensors], Tensor]]:
    """A small net with a block that never gets a gradient, data as meta-parameters, and a loss that knows its step."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    params = {"w": draw(4, 3), "b": draw(3), "dead": draw(5)}
    meta = {"x": draw(10, 4), "y": draw(10, 3)}
    real_x, real_y = draw(7, 4), draw(7, 3)

    def inner(p: Tensors, m: Tensors, step: int) -> Tensor:
        fit = (torch.tanh(m["x"] @ p["w"] + p["b"]) - m["y"]).square().mean()
        return fit + 0.1 * (m["x"][step % 10] @ p["w"][:, 0]).square()

    def outer(p: Tensors) -> Tensor:
        return (torch.tanh(real_x @ p["w"] + p["b"]) - real_y).square().mean()

    return params, meta, inner, outer


def _unrolled(
    inner: Callable[..., Tensor],
    outer: Callable[[Tensors], Tensor],
    params: Tensors,
    meta: Tensors,
    adam: Adam,
    steps: int,
) -> Tensors:
    """The same gradient by plain autograd through a textbook Adam."""
    b1, b2 = adam.betas
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in meta.items()}
    theta = {name: tensor.clone().requires_grad_() for name, tensor in params.items()}
    m = {name: torch.zeros_like(tensor) for name, tensor in params.items()}
    v = {name: torch.zeros_like(tensor) for name, tensor in params.items()}
    for t in range(steps):
        grads = torch.autograd.grad(inner(theta, leaves, t), list(theta.values()), create_graph=True, allow_unused=True)
        lr, moved = adam.rate(t), {}
        for (name, old), grad in zip(theta.items(), grads, strict=True):
            g = torch.zeros_like(old) if grad is None else grad
            base = old * (1 - lr * adam.weight_decay) if adam.decoupled else old
            g = g if adam.decoupled else g + adam.weight_decay * old
            m[name], v[name] = b1 * m[name] + (1 - b1) * g, b2 * v[name] + (1 - b2) * g * g
            under = v[name] / (1 - b2 ** (t + 1)) + adam.eps_root
            root = torch.where(under > 0, torch.where(under > 0, under, 1.0).sqrt(), 0.0)
            moved[name] = base - lr * (m[name] / (1 - b1 ** (t + 1))) / (root + adam.eps)
        theta = moved
    return dict(zip(meta, torch.autograd.grad(outer(theta), list(leaves.values())), strict=True))


def _error(found: Tensors, wanted: Tensors) -> float:
    return max(float((found[name] - wanted[name]).norm() / wanted[name].norm()) for name in wanted)


SETTINGS = [
    (Adam(0.05, eps=1e-6), 1),
    (Adam(0.05, eps=1e-6), 20),
    (Adam(lambda t: 0.05 * (1 - t / 40), eps=1e-6), 20),
    (Adam(0.05, eps=1e-6, weight_decay=0.1), 20),
    (Adam(0.05, eps=1e-6, weight_decay=0.1, decoupled=True), 20),
    (Adam(0.05, eps=1e-6, eps_root=1e-8), 9),
    (Adam(0.05, betas=(0.0, 0.99), eps=1e-3), 12),
]


@pytest.mark.parametrize(("adam", "steps"), SETTINGS)
def test_it_equals_the_unrolled_loop_to_1e_10(adam: Adam, steps: int) -> None:
    params, meta, inner, outer = _toy()
    found = adam_metagradient(inner, outer, params, meta, steps=steps, optimizer=adam)
    assert _error(found.grads, _unrolled(inner, outer, params, meta, adam, steps)) < 1e-10


def test_it_equals_central_differences() -> None:
    params, meta, inner, outer = _toy()
    adam, width = Adam(0.05, eps=1e-3), 1e-5
    found = adam_metagradient(inner, outer, params, meta, steps=8, optimizer=adam).grads["x"]

    def value(row: int, column: int, change: float) -> float:
        moved = meta["x"].clone()
        moved[row, column] += change
        return float(adam_metagradient(inner, outer, params, {**meta, "x": moved}, steps=8, optimizer=adam).outer_value)

    for row, column in [(0, 0), (3, 2), (9, 3)]:
        slope = (value(row, column, width) - value(row, column, -width)) / (2 * width)
        assert slope == pytest.approx(float(found[row, column]), rel=1e-5)


def test_coordinates_without_any_gradient_stay_finite_and_zero() -> None:
    params, meta, inner, outer = _toy()
    found = adam_metagradient(inner, outer, params, meta, steps=5, optimizer=Adam(0.05, eps=1e-8))
    assert all(bool(tensor.isfinite().all()) for tensor in found.grads.values())
    assert torch.equal(found.start_grads["dead"], torch.zeros(5, dtype=torch.float64))


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 17])
def test_memory_modes_agree_bit_for_bit(steps: int) -> None:
    params, meta, inner, outer = _toy()
    stored = adam_metagradient(inner, outer, params, meta, steps=steps, optimizer=Adam(0.05))
    replayed = adam_metagradient(inner, outer, params, meta, steps=steps, optimizer=Adam(0.05), memory="checkpoint")
    assert all(torch.equal(stored.grads[name], replayed.grads[name]) for name in meta)


def test_two_windows_are_one_long_loop() -> None:
    params, meta, inner, outer = _toy()
    adam = Adam(0.05, eps=1e-4)
    first = adam_metagradient(inner, outer, params, meta, steps=6, optimizer=adam)
    second = adam_metagradient(
        inner, outer, first.final_params, meta, steps=5, optimizer=adam, start_step=6, state=first.state
    )
    whole = adam_metagradient(inner, outer, params, meta, steps=11, optimizer=adam)
    assert all(torch.equal(second.final_params[name], whole.final_params[name]) for name in params)


def test_a_sasrec_trained_on_soft_sequences_has_the_exact_gradient() -> None:
    model = SASRec(items=12, hidden=8, layers=2, heads=2, max_length=5)
    params = {name: tensor.double() for name, tensor in model.init(torch.Generator().manual_seed(0)).items()}
    logits = torch.randn(3, 5, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    real = torch.tensor([[1, 2, 3, -1, -1], [4, 5, 6, 7, 8]])
    adam = Adam(0.01, eps=1e-6)

    def inner(p: Tensors, m: Tensors, step: int) -> Tensor:
        return soft_loss(model, p, m["logits"].softmax(-1))

    def outer(p: Tensors) -> Tensor:
        return hard_loss(model, p, real)

    found: MetaGradient = adam_metagradient(inner, outer, params, {"logits": logits}, steps=6, optimizer=adam)
    assert _error(found.grads, _unrolled(inner, outer, params, {"logits": logits}, adam, 6)) < 1e-10


def test_bad_arguments_say_the_rule() -> None:
    params, meta, inner, outer = _toy()
    with pytest.raises(ConfigError, match="steps=0: at least 1"):
        adam_metagradient(inner, outer, params, meta, steps=0)
    with pytest.raises(ConfigError, match="memory='all'"):
        adam_metagradient(inner, outer, params, meta, steps=1, memory="all")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="one dtype and one device"):
        adam_metagradient(inner, outer, {**params, "b": params["b"].float()}, meta, steps=1)
