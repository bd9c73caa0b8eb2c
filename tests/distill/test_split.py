"""A split loss is the plain loss: the same derivatives and meta-gradients, dense, from Z and M, untied, compiled."""

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from farzi_core.distill.adam import Adam
from farzi_core.distill.differentiate import GRAPHS, Hvp, products_of
from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.reverse import adam_metagradient
from farzi_core.distill.rows import DenseRows, part_of
from farzi_core.distill.split import Reading, Rows, SplitLoss
from farzi_core.errors import ConfigError
from farzi_core.models.head import LogSumExp, log_sum_exp
from farzi_core.models.losses import hard_loss
from farzi_core.models.sasrec import SASRec
from farzi_core.teacher.train import kept

CPU = torch.device("cpu")
# torch.func.jvp loads a module of torch that still uses torch.jit.script
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
MODEL = SASRec(items=11, hidden=8, layers=2, heads=2, max_length=6)
_draw = torch.Generator().manual_seed(0)
PARAMS = {name: tensor.double() for name, tensor in MODEL.init(_draw).items()}
PARAMS |= {name: 50 * PARAMS[name] for name in ("item", "position")}  # of order 1: what a layer norm divides by
LATENT, DECODER = (torch.randn(*shape, generator=_draw, dtype=torch.float64) for shape in ((5, 6, 3), (3, 11)))
LABELLED = torch.randn(5, 2, 6, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
METAS: dict[str, Tensors] = {
    "probs": {"probs": torch.softmax(LATENT @ DECODER / 0.7, -1)},
    "latent": {"latent": LATENT, "decoder": DECODER},
    "labelled probs": {"probs": torch.softmax(LABELLED @ DECODER / 0.7, -1)},
    "labelled latent": {"latent": LABELLED, "decoder": DECODER},
}
BATCHES: dict[str, list[Any]] = {  # what even and odd steps read
    "all": [None, None],
    "some": [[0, 4, 2], [3, 3, 1]],
    "stretches": [[[1, 2, 3, 4], [26, 27, 28, 29]], [[6, 7, 8, 9], [18, 19, 20, 21]]],
}


def _loss(batch: str, dropout: float = 0, labelled: bool = False) -> SyntheticLoss:
    def reading(step: int) -> Reading:
        part = BATCHES[batch][step % 2]
        chosen = None if part is None else torch.tensor(part)
        rows, length = part_of(LATENT, chosen).shape[:2]
        if labelled and chosen is not None and chosen.dim() == 2:  # of Z with two faces a sequence
            chosen = torch.stack([chosen // 6 * 12 + face * 6 + chosen % 6 for face in (0, 1)], 1)
        inputs = (rows, length if labelled else length - 1, MODEL.hidden)
        return Reading(chosen, kept(inputs, dropout, np.random.default_rng(step)) if dropout else None)

    return SyntheticLoss(StudentCore(MODEL), 0.7, reading)


def _close(found: Tensor, wanted: Tensor, tolerance: float = 1e-12) -> None:
    assert float((found - wanted).abs().max()) <= tolerance * float(wanted.abs().max())


def _both(loss: Any, meta: Tensors, hvp: Hvp = "eager", params: Tensors = PARAMS) -> list[list[Tensor]]:
    """Value, gradient, product and meta-products at two steps: by parts, and of the plain call."""
    layout = Layout.of(params)
    theta = layout.flatten(params)
    found = []
    for one, how in ((loss, hvp), (lambda p, m, t: loss(p, m, t), "eager")):
        products = products_of(one, layout, meta, CPU, how)
        u = torch.randn(len(theta), generator=torch.Generator().manual_seed(1), dtype=theta.dtype)
        parts = [part for t in (0, 1) for part in (*products.gradient(theta, t), products.product(theta, u, t))]
        found.append([*parts, *products.grads.values()])
    return found


@pytest.mark.parametrize("chunk", [(7, 1), (1 << 19, 64)])
@pytest.mark.parametrize("dropout", [0, 0.4])
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("kind", METAS)
def test_parts_equal_the_whole_to_1e_12(
    kind: str, batch: str, dropout: float, chunk: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("farzi_core.models.head.CHUNK_NUMBERS", chunk[0])
    monkeypatch.setattr("farzi_core.models.head.CHUNK_ROWS", chunk[1])
    for parts, whole in zip(*_both(_loss(batch, dropout, "labelled" in kind), METAS[kind]), strict=True):
        _close(parts, whole)


@pytest.mark.parametrize("kept", [0, 1 << 23])
def test_keeping_the_softmax_changes_nothing(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farzi_core.models.head.KEPT_NUMBERS", kept)
    for parts, whole in zip(*_both(_loss("all"), METAS["probs"]), strict=True):
        _close(parts, whole)


@dataclass(frozen=True)
class _UntiedCore:
    """A student with its own output table and bias, and a loss that is a curved function of its log-sum-exp."""

    tables: tuple[str, ...] = ("item", "out", "bias")

    def __call__(self, params: Tensors, products: Tensor, head: LogSumExp, keep: Tensor | None = None) -> Tensor:
        assert keep is None
        embedded, targets = products.split([4, 5], -1)
        hidden = torch.tanh(embedded[:, :-1] @ params["mix"])
        hidden = torch.cat([hidden, torch.ones_like(hidden[..., :1])], -1)
        table = torch.cat([params["out"], params["bias"][:, None]], 1)
        return (head(hidden.flatten(0, 1), table) - (hidden * targets[:, 1:]).sum()).square() / 100


@dataclass(frozen=True)
class _Untied:
    core: _UntiedCore = _UntiedCore()

    def reading(self, step: int) -> Reading:
        return Reading()

    def rows(self, meta: Tensors, chosen: Tensor | None) -> Rows:
        return DenseRows(meta["probs"], chosen)

    def still(self) -> "_Untied":
        return self

    def __call__(self, params: Tensors, meta: Tensors, step: int) -> Tensor:
        products = meta["probs"] @ torch.cat([params["item"], params["out"], params["bias"][:, None]], 1)
        return self.core(params, products, log_sum_exp)


def test_an_untied_head_with_a_bias_and_a_curved_loss_are_split_too() -> None:
    shapes = {"mix": (4, 4), "item": (11, 4), "out": (11, 4), "bias": (11,)}
    params = {name: torch.randn(shape, generator=_draw, dtype=torch.float64) for name, shape in shapes.items()}
    assert isinstance(_Untied(), SplitLoss)
    for parts, whole in zip(*_both(_Untied(), METAS["probs"], params=params), strict=True):
        _close(parts, whole)


@pytest.mark.parametrize("dropout", [0, 0.4])
@pytest.mark.parametrize("batch", ["some", "stretches"])
@pytest.mark.parametrize("kind", METAS)
def test_the_meta_gradient_of_a_split_loss_is_that_of_the_plain_one(kind: str, batch: str, dropout: float) -> None:
    loss, tokens = _loss(batch, dropout, "labelled" in kind), torch.tensor([[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 0, 1]])
    plain, parts = (
        adam_metagradient(
            one, lambda p: hard_loss(MODEL, p, tokens), PARAMS, METAS[kind], steps=6, optimizer=Adam(0.01, eps=1e-4)
        )
        for one in (lambda p, m, t: loss(p, m, t), loss)
    )
    for name, wanted in plain.grads.items():
        _close(parts.grads[name], wanted, 1e-10)


@pytest.mark.parametrize("dropout", [0, 0.4])
@pytest.mark.parametrize("name", PARAMS)
def test_reverse_over_reverse_forward_over_reverse_and_differences_agree(name: str, dropout: float) -> None:
    """Some of torch's own second derivatives are silently wrong (pytorch#196700): each tensor by three roads."""
    loss, meta = _loss("all", dropout), METAS["probs"]
    keep = loss.reading(0).keep
    direction = torch.randn(PARAMS[name].shape, generator=_draw, dtype=torch.float64)

    def slope(weight: Tensor) -> Tensor:
        return torch.func.grad(lambda one: _plain_of(MODEL, {**PARAMS, name: one}, meta["probs"], keep))(weight)

    layout = Layout.of(PARAMS)
    u = layout.flatten({key: direction if key == name else torch.zeros_like(one) for key, one in PARAMS.items()})
    reverse = layout.views(products_of(loss, layout, meta, CPU, "eager").product(layout.flatten(PARAMS), u, 0))[name]
    forward = torch.func.jvp(slope, (PARAMS[name],), (direction,))[1]
    near, far = (
        (slope(PARAMS[name] + width * direction) - slope(PARAMS[name] - width * direction)) / (2 * width)
        for width in (1e-4, 2e-4)
    )
    _close(reverse, forward, 1e-11)
    _close(reverse, (4 * near - far) / 3, 1e-7)


def test_where_nothing_compiles_the_eager_path_serves_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(function: Any, **_: Any) -> Any:
        def run(*arguments: Any) -> Any:
            raise torch._dynamo.exc.InternalTorchDynamoError("no C++ compiler\nsecond line")

        return run

    monkeypatch.setattr(torch, "compile", broken)
    core = StudentCore(SASRec(items=11, hidden=8, layers=1, heads=2, max_length=6))  # not one compiled before
    params = {name: tensor.double() for name, tensor in core.model.init(_draw).items()}
    with caplog.at_level(logging.WARNING):
        compiled, whole = _both(SyntheticLoss(core, 0.7), METAS["probs"], "compiled", params)
    for parts, wanted in zip(compiled, whole, strict=True):
        _close(parts, wanted)
    assert [record.getMessage() for record in caplog.records] == [
        "torch.compile failed (no C++ compiler); derivatives are computed eagerly, which is slower"
    ]


def test_the_functions_to_compile_are_the_eager_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled path uncompiled: forward over reverse on plain operations. What a compiler makes of it is measured
    in benchmarks/engine (a compilation takes a minute)."""
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    core = StudentCore(SASRec(items=11, hidden=8, layers=1, heads=1, max_length=6))
    params = {name: tensor.double() for name, tensor in core.model.init(_draw).items()}
    for kind, meta in METAS.items():
        for dropout in (0, 0.4):
            loss = replace(_loss("all", dropout, "labelled" in kind), core=core)
            for parts, wanted in zip(*_both(loss, meta, "compiled", params), strict=True):
                _close(parts, wanted, 1e-11)
    layout = Layout.of(params)
    theta = layout.flatten(params)

    def curved(p: Tensors, m: Tensors, step: int) -> Tensor:
        return _plain_of(core.model, p, m["probs"]) * (1 + step)

    found = [products_of(curved, layout, METAS["probs"], CPU, how) for how in ("compiled", "eager")]
    for t in (0, 1):
        for one, other in zip(*(p.gradient(theta, t) for p in found), strict=True):
            _close(one, other, 1e-11)
        _close(*(p.product(theta, theta, t) for p in found), 1e-11)
    _close(*(p.grads["probs"] for p in found), 1e-11)


def _plain_of(model: SASRec, params: Tensors, probs: Tensor, keep: Tensor | None = None) -> Tensor:
    """The dense loss by textbook operations: full target products, log-softmax, nothing of ours but the model."""
    embedded = (probs @ params["item"])[:, :-1]
    hidden = model.encode(params, embedded if keep is None else embedded * keep)
    return -((hidden @ params["item"].T).log_softmax(-1) * probs[:, 1:]).sum(-1).mean()


def test_capture_without_a_gpu_says_what_to_do() -> None:
    layout = Layout.of(PARAMS)
    for hvp in GRAPHS:
        with pytest.raises(ConfigError, match="need a CUDA device and this run is on cpu; choose hvp='auto'"):
            products_of(_loss("all"), layout, METAS["probs"], CPU, hvp)


def test_two_hundred_thousand_items_run_without_an_array_of_rows_by_items() -> None:
    """20 x 10 rows and 200,000 items: 160 MB for one dense array; the engine's product stays well below two."""
    import resource

    model = SASRec(items=200_000, hidden=8, layers=1, heads=1, max_length=10)
    params = model.init(_draw)
    meta = {"latent": torch.randn(20, 10, 4, generator=_draw), "decoder": torch.randn(4, 200_000, generator=_draw)}
    layout = Layout.of(params)
    theta = layout.flatten(params)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    products = products_of(SyntheticLoss(StudentCore(model)), layout, meta, CPU, "eager")
    product = products.product(theta, theta, 0)
    assert bool(product.isfinite().all())
    assert bool(products.grads["latent"].any())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 320 * 1024
