"""adam_metagradient against plain autograd through the unrolled loop and against central differences, in float64."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from farzi_core.distill.adam import Adam
from farzi_core.distill.plan import Memory
from farzi_core.distill.reverse import MetaGradient, adam_metagradient
from farzi_core.distill.sgd import SGD
from farzi_core.errors import ConfigError
from farzi_core.models.losses import hard_loss, soft_loss
from farzi_core.models.sasrec import SASRec

Tensors = dict[str, Tensor]
MODES: list[Memory] = ["store", "full", "checkpoint", "revolve"]


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
    optimizer: Adam | SGD,
    steps: int,
) -> Tensors:
    """The same gradient by plain autograd through textbook updates."""
    update = _textbook_sgd if isinstance(optimizer, SGD) else _textbook_adam
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in meta.items()}
    theta = {name: tensor.clone().requires_grad_() for name, tensor in params.items()}
    memory: dict[str, Any] = {name: (torch.zeros_like(tensor),) * 2 for name, tensor in params.items()}
    for t in range(steps):
        grads = torch.autograd.grad(inner(theta, leaves, t), list(theta.values()), create_graph=True, allow_unused=True)
        moved = {}
        for (name, old), grad in zip(theta.items(), grads, strict=True):
            g = torch.zeros_like(old) if grad is None else grad
            moved[name], memory[name] = update(optimizer, old, g, memory[name], t)
        theta = moved
    return dict(zip(meta, torch.autograd.grad(outer(theta), list(leaves.values())), strict=True))


def _textbook_adam(adam: Adam, old: Tensor, g: Tensor, memory: Any, t: int) -> tuple[Tensor, Any]:
    (b1, b2), (m, v), lr = adam.betas, memory, adam.rate(t)
    base = old * (1 - lr * adam.weight_decay) if adam.decoupled else old
    g = g if adam.decoupled else g + adam.weight_decay * old
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
    under = v / (1 - b2 ** (t + 1)) + adam.eps_root
    root = torch.where(under > 0, torch.where(under > 0, under, 1.0).sqrt(), 0.0)  # sqrt'(0) is infinite
    return base - lr * (m / (1 - b1 ** (t + 1))) / (root + adam.eps), (m, v)


def _textbook_sgd(sgd: SGD, old: Tensor, g: Tensor, memory: Any, t: int) -> tuple[Tensor, Any]:
    g = g + sgd.weight_decay * old
    b = sgd.momentum * memory[0] + g
    return old - sgd.rate(t) * (g + sgd.momentum * b if sgd.nesterov else b), (b, b)


def _error(found: Tensors, wanted: Tensors) -> float:
    return max(float((found[name] - wanted[name]).norm() / wanted[name].norm()) for name in wanted)


OPTIMIZERS = {
    "adam": Adam(0.05, eps=1e-6),
    "schedule": Adam(lambda t: 0.05 * (1 - t / 40), eps=1e-6),
    "L2": Adam(0.05, eps=1e-6, weight_decay=0.1),
    "adamw": Adam(0.05, eps=1e-6, weight_decay=0.1, decoupled=True),
    "eps_root": Adam(0.05, eps=1e-6, eps_root=1e-8),
    "no momentum": Adam(0.05, betas=(0.0, 0.99), eps=1e-3),
    "sgd": SGD(0.1),
    "momentum": SGD(0.1, momentum=0.9),
    "nesterov": SGD(lambda t: 0.1 / (1 + t), momentum=0.9, nesterov=True, weight_decay=0.1),
}


@pytest.mark.parametrize("steps", [1, 11])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_in_every_memory_mode_equals_the_unrolled_loop_to_1e_10(name: str, steps: int) -> None:
    (params, meta, inner, outer), optimizer = _toy(), OPTIMIZERS[name]
    wanted = _unrolled(inner, outer, params, meta, optimizer, steps)
    for memory in MODES:
        found = adam_metagradient(
            inner, outer, params, meta, steps=steps, optimizer=optimizer, memory=memory, budget_bytes=2000
        )
        assert _error(found.grads, wanted) < 1e-10, memory


@pytest.mark.parametrize("name", ["adam", "nesterov"])
def test_it_equals_central_differences(name: str) -> None:
    (params, meta, inner, outer), width = _toy(), 1e-5
    optimizer = Adam(0.05, eps=1e-3) if name == "adam" else OPTIMIZERS[name]
    found = adam_metagradient(inner, outer, params, meta, steps=8, optimizer=optimizer).grads["x"]

    def value(row: int, column: int, change: float) -> float:
        moved = {**meta, "x": meta["x"].clone()}
        moved["x"][row, column] += change
        return float(adam_metagradient(inner, outer, params, moved, steps=8, optimizer=optimizer).outer_value)

    for row, column in [(0, 0), (3, 2), (9, 3)]:
        slope = (value(row, column, width) - value(row, column, -width)) / (2 * width)
        assert slope == pytest.approx(float(found[row, column]), rel=1e-5)


@pytest.mark.parametrize("name", ["adam", "momentum"])
def test_the_gradient_of_the_start_equals_central_differences(name: str) -> None:
    (params, meta, inner, outer), width = _toy(), 1e-5
    optimizer = Adam(0.05, eps=1e-3) if name == "adam" else OPTIMIZERS[name]
    found = adam_metagradient(inner, outer, params, meta, steps=5, optimizer=optimizer).start_grads["w"]
    moved = [{**params, "w": params["w"] + sign * width * found / found.norm()} for sign in (1, -1)]
    ahead, behind = (
        float(adam_metagradient(inner, outer, one, meta, steps=5, optimizer=optimizer).outer_value) for one in moved
    )
    assert (ahead - behind) / (2 * width) == pytest.approx(float(found.norm()), rel=1e-5)


@pytest.mark.parametrize("optimizer", [Adam(0.05, eps=1e-8), SGD(0.05, momentum=0.9)])
def test_coordinates_without_any_gradient_stay_finite_and_zero(optimizer: Adam | SGD) -> None:
    params, meta, inner, outer = _toy()
    found = adam_metagradient(inner, outer, params, meta, steps=5, optimizer=optimizer)
    assert all(bool(tensor.isfinite().all()) for tensor in found.grads.values())
    assert torch.equal(found.start_grads["dead"], torch.zeros(5, dtype=torch.float64))


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 17])
@pytest.mark.parametrize("optimizer", [Adam(0.05), SGD(0.05, momentum=0.9)])
def test_memory_modes_agree_bit_for_bit(steps: int, optimizer: Adam | SGD) -> None:
    params, meta, inner, outer = _toy()
    stored = adam_metagradient(inner, outer, params, meta, steps=steps, optimizer=optimizer)
    others: list[tuple[Memory, int | None]] = [("full", None), ("checkpoint", None), ("auto", None)]
    tight = 5 * 3 * 20 * 8  # bytes of five states
    for memory, budget in [*others, ("revolve", tight), ("auto", tight)]:
        other = adam_metagradient(
            inner, outer, params, meta, steps=steps, optimizer=optimizer, memory=memory, budget_bytes=budget
        )
        for field in ("grads", "start_grads", "final_params"):
            found, wanted = getattr(other, field), getattr(stored, field)
            assert all(torch.equal(found[name], wanted[name]) for name in wanted), (memory, field)


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

    found: MetaGradient[Any] = adam_metagradient(inner, outer, params, {"logits": logits}, steps=6, optimizer=adam)
    assert _error(found.grads, _unrolled(inner, outer, params, {"logits": logits}, adam, 6)) < 1e-10


def test_the_trace_has_the_losses_and_adjoint_norms_of_each_step() -> None:
    params, meta, inner, outer = _toy()
    adam = Adam(0.05, eps=1e-3)
    for memory in MODES:
        found = adam_metagradient(inner, outer, params, meta, steps=7, optimizer=adam, memory=memory, trace=True)
        assert found.trace is not None
        assert float(found.trace.losses[0]) == pytest.approx(float(inner(params, meta, 0)))
        start = torch.cat([tensor.flatten() for tensor in found.start_grads.values()])
        assert float(found.trace.adjoint_norms[0]) == pytest.approx(float(start.norm()))
        before = adam_metagradient(inner, outer, params, meta, steps=6, optimizer=adam).final_params
        assert float(found.trace.losses[6]) == pytest.approx(float(inner(before, meta, 6)))
    assert adam_metagradient(inner, outer, params, meta, steps=2, optimizer=adam).trace is None


def test_the_singular_share_is_the_part_of_u_below_ten_eps() -> None:
    """One step on two coordinates, by hand: g = (1, 1e-4) and eps = 1e-3, so only the second lies below 10 eps."""
    slopes = torch.tensor([1.0, 1e-4], dtype=torch.float64)

    def inner(p: Tensors, m: Tensors, step: int) -> Tensor:
        return (p["w"] * m["x"]).sum()

    def share(optimizer: Adam | SGD) -> MetaGradient[Any]:
        start = {"w": torch.zeros(2, dtype=torch.float64)}
        return adam_metagradient(inner, lambda p: p["w"].sum(), start, {"x": slopes}, steps=1, optimizer=optimizer)

    found = share(Adam(0.1, eps=1e-3))
    u = 1e-3 / (slopes + 1e-3) ** 2  # d(step) / dg without the rate; at t = 1 the update is g / (|g| + eps)
    assert found.singular_share == pytest.approx(float(u[1] ** 2 / (u**2).sum()), rel=1e-6)
    torch.testing.assert_close(found.grads["x"], -0.1 * u)
    assert share(SGD(0.1)).singular_share == 0


def test_bad_arguments_say_the_rule() -> None:
    params, meta, inner, outer = _toy()
    adam = Adam()
    with pytest.raises(ConfigError, match="steps=0: at least 1"):
        adam_metagradient(inner, outer, params, meta, steps=0, optimizer=adam)
    with pytest.raises(ConfigError, match="memory='all'"):
        adam_metagradient(inner, outer, params, meta, steps=1, optimizer=adam, memory="all")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="hvp='fast'"):
        adam_metagradient(inner, outer, params, meta, steps=1, optimizer=adam, hvp="fast")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="one dtype and one device"):
        adam_metagradient(inner, outer, {**params, "b": params["b"].float()}, meta, steps=1, optimizer=adam)
    with pytest.raises(ConfigError, match="budget_bytes=100: 9 steps need at least"):
        adam_metagradient(inner, outer, params, meta, steps=9, optimizer=adam, memory="auto", budget_bytes=100)
