"""K students differentiated at once are the K students in turn: every model, loss, batch and memory mode."""

import numpy as np
import pytest
import torch
from torch import Tensor

from farzi_core.distill.adam import Adam, Moments
from farzi_core.distill.differentiate import Hvp
from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.layout import Tensors
from farzi_core.distill.plan import MODES, Memory
from farzi_core.distill.products import InnerLoss
from farzi_core.distill.reverse import MetaGradient, OuterLoss, adam_metagradient
from farzi_core.distill.sgd import SGD
from farzi_core.distill.split import Reading, SplitLoss
from farzi_core.errors import ConfigError
from farzi_core.models.losses import hard_loss, tables_of
from farzi_core.models.model import Model, build
from farzi_core.surroundings import ModelConfig
from farzi_core.teacher.train import kept

# torch.func.jvp loads a module of torch that still uses torch.jit.script
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
STUDENTS, ITEMS, STEPS = 3, 9, 4
ADAM = Adam(0.02, eps=1e-3, weight_decay=0.01)
_draw = torch.Generator().manual_seed(0)
LATENT, DECODER = (torch.randn(*shape, generator=_draw, dtype=torch.float64) for shape in ((4, 5, 3), (3, ITEMS)))
LABELLED = torch.randn(4, 2, 5, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
METAS: dict[str, Tensors] = {
    "probs": {"probs": torch.softmax(LATENT @ DECODER, -1)},
    "latent": {"latent": LATENT, "decoder": DECODER},
    "labelled probs": {"probs": torch.softmax(LABELLED @ DECODER, -1)},
    "labelled latent": {"latent": LABELLED, "decoder": DECODER},
}
TOKENS = [torch.randint(ITEMS, (2, 5), generator=_draw) for _ in range(STUDENTS)]


def _model(kind: str, head: str = "tied") -> Model:
    widths = {"hidden": 4, "gru4rec_hidden": 4, "fmlp_hidden": 4}
    return build(ModelConfig.model_validate({"kind": kind, "head": head, **widths}), ITEMS, 5)


def _weights(model: Model) -> list[Tensors]:
    drawn = [model.init(_draw) for _ in range(STUDENTS)]
    return [{name: 5 * tensor.double() for name, tensor in one.items()} for one in drawn]


def _stack(weights: list[Tensors]) -> Tensors:
    return {name: torch.stack([one[name] for one in weights]) for name in weights[0]}


def _loss(model: Model, weights: Tensors, some: bool = False, inputs: int = 4) -> SyntheticLoss:
    def reading(step: int) -> Reading:
        keep = kept((2, inputs, 4), 0.4, np.random.default_rng(step))
        return Reading(torch.tensor([step % 4, 3]), keep) if some else Reading()

    return SyntheticLoss(StudentCore(model, tables_of(weights)), 1.0, reading)


def _outer(model: Model) -> list[OuterLoss]:
    return [lambda weights, tokens=tokens: hard_loss(model, weights, tokens) for tokens in TOKENS]  # type: ignore[misc]


def _same(stacked: MetaGradient[Moments], single: list[MetaGradient[Moments]], tolerance: float = 1e-8) -> None:
    def near(found: Tensor, wanted: Tensor) -> None:
        assert float((found - wanted).abs().max()) <= tolerance * max(float(wanted.abs().max()), 1e-12)

    for name, grad in stacked.grads.items():
        near(grad, torch.stack([one.grads[name] for one in single]).sum(0))
    near(stacked.outer_value, torch.stack([one.outer_value for one in single]))
    for name in stacked.final_params:
        near(stacked.final_params[name], torch.stack([one.final_params[name] for one in single]))
        near(stacked.start_grads[name], torch.stack([one.start_grads[name] for one in single]))
    for found, *wanted in zip(stacked.state, *(one.state for one in single), strict=True):
        near(found, torch.stack(wanted))
    assert stacked.growth == pytest.approx(max(one.growth for one in single))


def _both(
    loss: SplitLoss | InnerLoss, model: Model, weights: list[Tensors], meta: Tensors, hvp: Hvp = "eager"
) -> tuple[MetaGradient[Moments], list[MetaGradient[Moments]]]:
    outer = _outer(model)
    stacked = adam_metagradient(loss, outer, _stack(weights), meta, steps=STEPS, optimizer=ADAM, start_step=3, hvp=hvp)
    single = [
        adam_metagradient(loss, one, start, meta, steps=STEPS, optimizer=ADAM, start_step=3)
        for one, start in zip(outer, weights, strict=True)
    ]
    return stacked, single


@pytest.mark.parametrize("some", [False, True], ids=["all rows", "a batch"])
@pytest.mark.parametrize("kind", METAS)
def test_a_stack_equals_its_students_in_turn(kind: str, some: bool) -> None:
    model = _model("sasrec")
    weights = _weights(model)
    _same(*_both(_loss(model, weights[0], some, 5 if "labelled" in kind else 4), model, weights, METAS[kind]))


@pytest.mark.parametrize(("kind", "head"), [("gru4rec", "tied"), ("fmlp", "tied"), ("sasrec", "untied")])
def test_of_every_architecture_and_head(kind: str, head: str) -> None:
    model = _model(kind, head)
    weights = _weights(model)
    for meta in ("probs", "labelled probs"):
        _same(*_both(_loss(model, weights[0]), model, weights, METAS[meta]))


def test_any_loss_can_be_stacked_and_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    model = _model("sasrec")
    weights = _weights(model)

    def plain(params: Tensors, meta: Tensors, step: int) -> Tensor:
        hidden = model.encode(params, (meta["probs"] @ params["item"])[:, :-1])
        scores = (hidden @ params["item"].T).log_softmax(-1)
        return -(scores * meta["probs"][:, 1:]).sum(-1).mean() * (1 + step)

    for loss in (plain, _loss(model, weights[0])):
        for hvp in ("eager", "compiled"):
            _same(*_both(loss, model, weights, METAS["probs"], hvp))  # type: ignore[arg-type]


@pytest.mark.parametrize("memory", MODES)
def test_memory_modes_and_the_host_tape_give_the_same_bits(memory: Memory) -> None:
    model = _model("sasrec")
    weights = _weights(model)
    tapes = [
        adam_metagradient(
            _loss(model, weights[0]), _outer(model), _stack(weights), METAS["probs"],
            steps=7, optimizer=SGD(0.1, 0.9), memory=mode, tape=tape, budget_bytes=1_000_000,
        )
        for mode, tape in (("store", "device"), (memory, "host"))
    ]  # type: ignore[call-overload,unused-ignore]  # fmt: skip
    assert torch.equal(tapes[0].grads["probs"], tapes[1].grads["probs"])


def test_weights_that_do_not_fit_the_losses_are_named() -> None:
    model = _model("sasrec")
    weights = _weights(model)
    with pytest.raises(ConfigError, match=r"params\['item'\] has shape \[2, 9, 4\]: the first axis must be 3"):
        adam_metagradient(
            _loss(model, weights[0]), _outer(model), _stack(weights[:2]), METAS["probs"], steps=1, optimizer=ADAM
        )
    with pytest.raises(ConfigError, match="tape='disk': choose one of device, host"):
        adam_metagradient(
            _loss(model, weights[0]), _outer(model)[0], weights[0], METAS["probs"], steps=1, tape="disk"  # type: ignore[arg-type]
        )  # fmt: skip
