"""What CUDA graphs are made of is the eager engine: the same code, with graphs that only call their function.

Replaying itself needs a GPU: `test_cuda`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from farzi_core.config import RunConfig, with_settings
from farzi_core.distill import capture, differentiate
from farzi_core.distill.adam import Adam
from farzi_core.distill.differentiate import hvp_on
from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.layout import Tensors
from farzi_core.distill.plan import MODES
from farzi_core.distill.reverse import MetaGradient, adam_metagradient
from farzi_core.distill.sgd import SGD
from farzi_core.distill.split import Reading
from farzi_core.evaluation import students
from farzi_core.evaluation.recipe import inner_optimizer
from farzi_core.models.losses import hard_loss, tables_of
from farzi_core.models.model import build
from farzi_core.seeds import torch_stream
from farzi_core.surroundings import ModelConfig
from farzi_core.teacher.train import fresh, kept, train

# torch.func.jvp loads a module of torch that still uses torch.jit.script
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
ITEMS = 11
_draw = torch.Generator().manual_seed(0)
LATENT, DECODER = (torch.randn(*shape, generator=_draw, dtype=torch.float64) for shape in ((5, 6, 3), (3, ITEMS)))
TOKENS = torch.randint(ITEMS, (4, 6), generator=_draw)
METAS: dict[str, Tensors] = {
    "probs": {"probs": torch.softmax(LATENT @ DECODER / 0.7, -1)},
    "latent": {"latent": LATENT, "decoder": DECODER},
    "labelled": {"probs": torch.softmax(torch.stack([LATENT, LATENT.flip(0)], 1) @ DECODER / 0.7, -1)},
}
OPTIMIZERS = (
    Adam(lambda t: 0.02 / (1 + t), eps=1e-3, weight_decay=0.01),
    Adam(0.02, eps=1e-3, eps_root=1e-9, weight_decay=0.01, decoupled=True),
    SGD(lambda t: 0.1 / (1 + t), momentum=0.9, nesterov=True, weight_decay=0.01),
)


class _Called:
    """A graph that runs its function each time, on copies; captured by a run, as a warm-up is one."""

    def __init__(self, function: capture.Function, inputs: tuple[Tensor, ...]) -> None:
        self._function, self._inputs = function, [one.clone() for one in inputs]
        function(*self._inputs)
        captured.append(tuple(one.shape for one in inputs))

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        for static, given in zip(self._inputs, inputs, strict=True):
            static.copy_(given)
        return [one.clone() for one in self._function(*self._inputs)]


captured: list[Any] = []


@pytest.fixture(autouse=True)
def graphs_that_call(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(capture, "Graph", _Called)
    monkeypatch.setattr(differentiate, "require_graphs", lambda _device: None)
    captured.clear()
    yield
    differentiate._remembered_graphs.cache_clear()
    differentiate._captured_optimizer.cache_clear()


def _found(
    kind: str = "sasrec",
    head: str = "tied",
    meta: str = "probs",
    some: bool = False,
    students: int = 0,
    dropout: float = 0,
    **how: Any,
) -> MetaGradient[Any]:
    widths = {"hidden": 4, "gru4rec_hidden": 4, "fmlp_hidden": 4}
    model = build(ModelConfig.model_validate({"kind": kind, "head": head, **widths}), ITEMS, 6)
    seeds = [torch.Generator().manual_seed(seed) for seed in range(max(1, students))]
    drawn = [{name: 5 * one.double() for name, one in model.init(seed).items()} for seed in seeds]

    def reading(t: int) -> Reading:
        inputs = (2 if some else 5, 6 if meta == "labelled" else 5, 4)
        keep = kept(inputs, dropout, np.random.default_rng(t)) if dropout else None
        return Reading(torch.tensor([t % 5, (t + 2) % 5]) if some else None, keep)

    loss = SyntheticLoss(StudentCore(model, tables_of(drawn[0])), 0.7, reading)

    def outer(weights: Tensors) -> Tensor:
        return hard_loss(model, weights, TOKENS)

    settings = {"steps": 5, "optimizer": OPTIMIZERS[0], **how}
    if not students:
        return adam_metagradient(loss, outer, drawn[0], METAS[meta], **settings)
    stack = {name: torch.stack([one[name] for one in drawn]) for name in drawn[0]}
    return adam_metagradient(loss, [outer] * students, stack, METAS[meta], **settings)


def _same(found: MetaGradient[Any], wanted: MetaGradient[Any], tolerance: float = 1e-11) -> None:
    pairs = [(found.grads[name], one) for name, one in wanted.grads.items()]
    pairs += [(found.start_grads[name], one) for name, one in wanted.start_grads.items()]
    pairs += [*zip(found.state, wanted.state, strict=True), (found.outer_value, wanted.outer_value)]
    for one, other in pairs:
        assert float((one - other).abs().max()) <= tolerance * float(other.abs().max())
    assert found.singular_share == pytest.approx(wanted.singular_share)


@pytest.mark.parametrize("dropout", [0, 0.4])
@pytest.mark.parametrize("some", [False, True])
@pytest.mark.parametrize("meta", METAS)
@pytest.mark.parametrize("head", ["tied", "untied"])
@pytest.mark.parametrize("kind", ["sasrec", "gru4rec", "fmlp"])
def test_every_student_loss_and_batch(kind: str, head: str, meta: str, some: bool, dropout: float) -> None:
    how = {"some": some, "dropout": dropout}
    _same(_found(kind, head, meta, hvp="captured", **how), _found(kind, head, meta, **how))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimiser_is_told_its_step_by_numbers(optimizer: Any) -> None:
    how = {"optimizer": optimizer, "start_step": 3}
    _same(_found(**how, hvp="captured"), _found(**how))


@pytest.mark.parametrize("memory", MODES)
def test_every_memory_mode(memory: str) -> None:
    wanted = _found(memory="store", hvp="captured")
    found = _found(memory=memory, budget_bytes=60_000, hvp="captured", tape="host")
    assert torch.equal(found.grads["probs"], wanted.grads["probs"])


def test_stacked_students() -> None:
    how = {"students": 3, "optimizer": Adam(0.005, eps=1e-2)}
    _same(_found(**how, hvp="captured"), _found(**how), 1e-9)


@pytest.mark.parametrize("dropout", [0, 0.4])
@pytest.mark.parametrize("crop", [0, 4])
@pytest.mark.parametrize("labels", ["next", "own"])
def test_students_trained_by_graphs_are_those_trained_eagerly(labels: str, crop: int, dropout: float) -> None:
    sizes = {
        "model.hidden": 4, "synthetic.mu": 5, "synthetic.xi": 6, "synthetic.labels": labels,
        "inner.batch": 3, "inner.schedule": "linear", "inner.dropout": dropout,
    }  # fmt: skip
    rows = METAS["labelled" if labels == "own" else "probs"]["probs"].float()
    config = with_settings(RunConfig(), {**sizes, "inner.crop": crop, "inner.eps": 1e-3})
    model = build(config.model, ITEMS, config.student_length)
    weights = fresh(model, torch_stream(0, "weights"), rows.device)
    loss = students.synthetic_loss(config, model, rows, 7)
    eager = [*train(weights, loss, inner_optimizer(config), 9, 4)]
    graphs = [*students._by_graphs(config, "captured", model, weights, rows, 7, 9, 4)]
    assert [state.step for state in graphs] == [state.step for state in eager] == [1, 2, 4, 8, 9]
    for one, other in zip(graphs[-1].weights.values(), eager[-1].weights.values(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_graphs_are_captured_once_and_windows_do_not_share_what_they_return() -> None:
    first = _found(some=True, hvp="captured")
    pieces, kept = len(captured), first.grads["probs"].clone()
    assert pieces == 4, "gradient, product, update and its adjoint"
    second = _found(some=True, hvp="captured", start_step=7)
    assert len(captured) == pieces
    assert torch.equal(first.grads["probs"], kept)
    assert not torch.equal(second.grads["probs"], kept)
    _same(second, _found(some=True, start_step=7))


def test_what_cannot_be_captured_is_computed_eagerly_and_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(function: capture.Function, inputs: tuple[Tensor, ...]) -> Any:
        function(*inputs)
        raise RuntimeError("operation not permitted when stream is capturing\nsecond line")

    monkeypatch.setattr(capture, "Graph", refused)
    _same(_found(some=True, hvp="captured"), _found(some=True))
    failed = "failed (operation not permitted when stream is capturing); it is computed eagerly, which is slower"
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"CUDA graph of {name} {failed}" for name in ("gradient", "step", "adjoint", "product")]


def test_a_gpu_is_used_by_graphs_without_being_asked() -> None:
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert [hvp_on(cpu, one) for one in ("auto", "eager", "compiled", "captured")] == [
        "eager", "eager", "compiled", "captured",
    ]  # fmt: skip
    assert [hvp_on(gpu, one) for one in ("auto", "eager", "compiled", "captured")] == [
        "captured", "eager", "compiled-captured", "captured",
    ]  # fmt: skip
