"""On a GPU everything is what it is on the CPU: gradients, CUDA graphs, tapes, stacked students, ranks, a whole run.

Skipped where there is no GPU. To run them on one: `python -m pytest tests/distill/test_cuda.py`.
"""

from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import pytest
import torch
from small import SETTINGS
from torch import Tensor

from farzi_core import pipeline
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.device import CPU, use_exact_products
from farzi_core.distill import gradcheck
from farzi_core.distill.adam import Adam
from farzi_core.distill.differentiate import Hvp
from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.layout import Tensors
from farzi_core.distill.plan import MODES
from farzi_core.distill.ranks import Several
from farzi_core.distill.reverse import MetaGradient, adam_metagradient
from farzi_core.distill.sgd import SGD
from farzi_core.distill.split import Reading
from farzi_core.distill.start import initial
from farzi_core.models.losses import hard_loss, tables_of
from farzi_core.models.model import build
from farzi_core.recorder import MemoryRecorder, Saved
from farzi_core.sections import Kind
from farzi_core.surroundings import ModelConfig
from farzi_core.teacher.train import kept

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device"),
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # the compiler's advice, to use TF32 for example
]
CUDA, ITEMS, STEPS = torch.device("cuda"), 60, 7
KINDS: tuple[Kind, ...] = get_args(Kind)


@pytest.fixture(autouse=True)
def exact_products() -> Iterator[None]:
    use_exact_products(CUDA, deterministic=True)
    yield
    torch.use_deterministic_algorithms(False)


class _Problem:
    """A small student on 6 soft sequences of 8 events, its outer loss on 10 random sequences; float64."""

    def __init__(self, kind: str = "sasrec", head: str = "tied", seed: int = 0) -> None:
        widths = {"hidden": 8, "gru4rec_hidden": 8, "fmlp_hidden": 8}
        self.model = build(ModelConfig.model_validate({"kind": kind, "head": head, **widths}), ITEMS, 8)
        draw = torch.Generator().manual_seed(seed)
        self.weights = self.drawn(draw)
        self.latent, self.decoder = (
            torch.randn(*s, generator=draw, dtype=torch.float64) for s in ((6, 8, 3), (3, ITEMS))
        )
        self.tokens = torch.randint(ITEMS, (10, 8), generator=draw)

    def drawn(self, generator: torch.Generator) -> Tensors:
        """First weights of order 1: small embeddings are divided by their norm, and rounding with them."""
        fresh = {name: one.double() for name, one in self.model.init(generator).items()}
        return {name: one / one.std() if name in ("item", "position") else one for name, one in fresh.items()}

    def meta(self, kind: str) -> Tensors:
        if kind == "probs":
            return {"probs": torch.softmax(self.latent @ self.decoder, -1)}
        return {"latent": self.latent, "decoder": self.decoder}

    def found(self, device: torch.device, meta: str = "probs", some: bool = False, **how: Any) -> MetaGradient[Any]:
        def there(tensors: Tensors) -> Tensors:
            return {name: one.to(device) for name, one in tensors.items()}

        def reading(t: int) -> Reading:
            keep = kept((3, 7, self.weights["item"].shape[1]), 0.4, np.random.default_rng(t)).to(device)
            return Reading(torch.tensor([t % 6, (t + 2) % 6, (t + 3) % 6]).to(device), keep) if some else Reading()

        core, tokens = StudentCore(self.model, tables_of(self.weights)), self.tokens.to(device)
        return adam_metagradient(
            SyntheticLoss(core, 1.0, reading),
            lambda weights: hard_loss(self.model, weights, tokens), there(self.weights), there(self.meta(meta)),
            **{"steps": STEPS, "optimizer": Adam(0.003, eps=1e-2, weight_decay=0.01), **how},
        )  # fmt: skip


def _near(found: Tensor, wanted: Tensor, tolerance: float = 1e-9) -> None:
    wanted = wanted.to(found.device)
    assert float((found - wanted).abs().max()) <= tolerance * float(wanted.abs().max())


def _same(found: MetaGradient[Any], wanted: MetaGradient[Any]) -> None:
    for name, grad in wanted.grads.items():
        _near(found.grads[name], grad)
    for name, grad in wanted.start_grads.items():
        _near(found.start_grads[name], grad)
    _near(found.outer_value, wanted.outer_value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_meta_gradient_is_exact_on_the_gpu(kind: Kind) -> None:
    assert [check.name for check in gradcheck.run(CUDA, kind) if not check.passed] == []


@pytest.mark.parametrize("some", [False, True])
@pytest.mark.parametrize("meta", ["probs", "latent"])
@pytest.mark.parametrize("head", ["tied", "untied"])
@pytest.mark.parametrize("kind", KINDS)
def test_cuda_graphs_give_what_the_cpu_gives(kind: str, head: str, meta: str, some: bool) -> None:
    """Captured once, replayed at every step, and again for other numbers of the same shapes."""
    for seed in (0, 1):
        problem = _Problem(kind, head, seed)
        wanted = problem.found(CPU, meta, some)
        _same(problem.found(CUDA, meta, some), wanted)
        _same(problem.found(CUDA, meta, some, hvp="captured"), wanted)


@pytest.mark.parametrize("hvp", ["compiled", "compiled-captured"])
def test_compiled_operations_and_graphs_of_them_give_the_same(hvp: Hvp, caplog: pytest.LogCaptureFixture) -> None:
    for seed in (0, 1):
        problem = _Problem(seed=seed)
        _same(problem.found(CUDA, hvp=hvp), problem.found(CPU))
    assert "torch.compile failed" not in caplog.text


@pytest.mark.parametrize(
    "optimizer", [SGD(0.05, momentum=0.9), Adam(0.003, eps=1e-2, weight_decay=0.01, decoupled=True)]
)
def test_other_optimisers_on_the_gpu(optimizer: Any) -> None:
    problem = _Problem()
    _same(problem.found(CUDA, optimizer=optimizer, hvp="captured"), problem.found(CPU, optimizer=optimizer))


@pytest.mark.parametrize("hvp", ["eager", "captured"])
def test_memory_modes_tapes_and_repetitions_give_the_same_bits(hvp: Hvp) -> None:
    problem = _Problem()
    wanted = problem.found(CUDA, hvp=hvp, memory="store")
    for memory in MODES:
        for tape in ("device", "host"):
            found = problem.found(CUDA, hvp=hvp, memory=memory, budget_bytes=120_000, tape=tape)
            assert torch.equal(found.grads["probs"], wanted.grads["probs"]), (memory, tape)


@pytest.mark.parametrize("hvp", ["eager", "captured", "compiled-captured"])
def test_stacked_students_on_the_gpu_are_those_in_turn(hvp: Hvp) -> None:
    problem, draw = _Problem(), torch.Generator().manual_seed(5)
    drawn = [problem.drawn(draw) for _ in range(3)]
    tokens, probs = problem.tokens.to(CUDA), {"probs": problem.meta("probs")["probs"].to(CUDA)}
    loss, adam = SyntheticLoss(StudentCore(problem.model)), Adam(0.005, eps=1e-2)

    def outer(weights: Tensors) -> Tensor:
        return hard_loss(problem.model, weights, tokens)

    stack = {name: torch.stack([one[name] for one in drawn]).to(CUDA) for name in drawn[0]}
    stacked = adam_metagradient(loss, [outer] * 3, stack, probs, steps=STEPS, optimizer=adam, hvp=hvp)
    turns = [
        adam_metagradient(
            loss, outer, {name: tensor.to(CUDA) for name, tensor in one.items()}, probs, steps=STEPS, optimizer=adam
        )
        for one in drawn
    ]
    _near(stacked.grads["probs"], torch.stack([one.grads["probs"] for one in turns]).sum(0))
    _near(stacked.outer_value, torch.stack([one.outer_value for one in turns]))


def test_the_start_is_fitted_on_the_gpu() -> None:
    data = prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)
    config = with_settings(RunConfig(), {**SETTINGS, "synthetic.start_steps": 20}).synthetic
    there, here = (initial(data.part("train"), len(data.vocab), config, 0, device) for device in (CUDA, CPU))
    assert there.latent.device == CPU
    _near(there.probs(), here.probs(), 1e-3)


@pytest.mark.parametrize("hvp", ["captured", "compiled"])
def test_a_whole_run_on_the_gpu_repeats_itself_bit_for_bit(hvp: Hvp) -> None:
    data = prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)
    more = {
        "runtime.device": "cuda",
        "runtime.hvp": hvp,
        "objective.teachers": 2,
        "synthetic.labels": "own",
        "synthetic.start_labels": "taught",
    }
    config = with_settings(RunConfig(), {**SETTINGS, **more})
    one, other = (pipeline.run_on(config, data, MemoryRecorder()) for _ in range(2))
    assert torch.equal(one.synthetic.latent, other.synthetic.latent)
    assert torch.equal(one.synthetic.decoder, other.synthetic.decoder)
    assert [row.mean for row in one.evaluation.rows] == [row.mean for row in other.evaluation.rows]


def test_ranks_exchange_through_nccl(tmp_path: Any) -> None:
    """One rank a GPU: with a single GPU a group of one, which still goes through nccl's calls."""
    from torch import distributed

    distributed.init_process_group("nccl", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        ranks = Several(CUDA)
        vector = torch.arange(4.0, device=CUDA)
        assert torch.equal(ranks.sum(vector), vector)
        assert ranks.of_leader((True, False)) == (True, False)
        saved = ranks.share(Saved({"states": torch.ones(2, 3)}, {"step": 4}))
        assert saved is not None
        assert torch.equal(saved.tensors["states"].cpu(), torch.ones(2, 3))
        assert ranks.share(None) is None
    finally:
        distributed.destroy_process_group()
