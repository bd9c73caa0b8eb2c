"""The outer loop: it learns, keeps the best, survives divergence, and goes on bit for bit from a checkpoint."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.distill.differentiate import _compiled_core
from farzi_core.distill.loop import Distillation, Distilled, snapshot_every
from farzi_core.distill.outer import OuterProblem, OuterState, cosine, meta_parameters
from farzi_core.distill.start import initial
from farzi_core.distill.synthetic import Synthetic
from farzi_core.distill.windows import StepReport
from farzi_core.limits import MAX_ROLLBACKS
from farzi_core.models.model import build
from farzi_core.recorder import MemoryRecorder, Stopped
from farzi_core.teacher.omega import trajectories

CPU = torch.device("cpu")
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
SMALL: dict[str, Any] = {
    "model.hidden": 16, "synthetic.mu": 12, "synthetic.xi": 5, "synthetic.d": 6, "synthetic.start_steps": 20,
    "inner.steps": 4, "inner.batch": 8, "inner.lifetime": 12, "inner.students": 3,
    "outer.steps": 8, "outer.batch": 32, "outer.lr": 0.01,
    "validation.every": 4, "validation.students": 2, "validation.steps": 20, "validation.users": 50,
    "runtime.checkpoint_seconds": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)


def _run(dataset: Dataset, recorder: MemoryRecorder, **settings: Any) -> Distilled:
    config = with_settings(RunConfig(), {**SMALL, **{key.replace("__", "."): value for key, value in settings.items()}})
    model = build(config.model, len(dataset.vocab), config.student_length)
    omega = trajectories(model, dataset.part("train"), config, CPU)
    start = initial(dataset.part("train"), len(dataset.vocab), config.synthetic, 0)
    return Distillation(config, dataset, omega, CPU).run(start, recorder)


@pytest.mark.parametrize("labels", ["next", "own"])
@pytest.mark.parametrize("crop", [0, 3])
@pytest.mark.parametrize("largest", [10**9, 0])
def test_the_outer_gradient_equals_central_differences_through_the_whole_step(
    dataset: Dataset, largest: int, crop: int, labels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through softmax, window and outer loss at once: the change of the outer loss along the reported direction."""
    sizes = {"outer.starts": 1, "inner.omega_share": 0, "inner.crop": crop, "synthetic.labels": labels}
    config = with_settings(RunConfig(), {**SMALL, **sizes})
    problem = OuterProblem(config, dataset.part("train"), len(dataset.vocab), torch.zeros(0), CPU)
    start = initial(dataset.part("train"), len(dataset.vocab), config.synthetic, 0)
    start = Synthetic(start.latent.double(), start.decoder.double(), start.tau)
    state = problem.start(start)
    runner = state.runners[0]
    moments = type(runner.moments)(runner.moments.m.double(), runner.moments.v.double())
    exact = replace(runner, theta=runner.theta.double(), moments=moments)
    state = replace(state, runners=(exact, *state.runners[1:]))
    monkeypatch.setattr("farzi_core.distill.outer.MAX_DENSE_NUMBERS", largest)
    meta = meta_parameters(start)
    result = problem.window(state, 0, meta)
    grad = start.gradients(meta["probs"], result.grads["probs"])[0] if "probs" in meta else result.grads["latent"]
    direction = grad / grad.norm()

    def loss(width: float) -> float:
        moved = Synthetic(start.latent + width * direction, start.decoder, start.tau)
        return float(problem.window(state, 0, meta_parameters(moved)).outer_value)

    assert (loss(1e-4) - loss(-1e-4)) / 2e-4 == pytest.approx(float(grad.norm()), rel=1e-4)


def test_a_run_reports_steps_and_keeps_its_best_validation(dataset: Dataset) -> None:
    recorder = MemoryRecorder()
    done = _run(dataset, recorder)
    validations = [line for line in recorder.events if line["event"] == "validation"]
    assert [line["step"] for line in recorder.events if line["event"] == "step"] == list(range(1, 9))
    assert [line["step"] for line in validations] == [0, 4, 8]
    assert sorted(recorder.snapshots) == list(range(9)), "eight steps are fewer than the thirty wanted"
    assert {step for step, one in recorder.snapshots.items() if "hr@10" in one.meta} == {0, 4, 8}
    mean = {
        line["step"]: np.mean([line[m] for m in ("hr@10", "hr@100", "ndcg@10", "ndcg@100", "auc")])
        for line in validations
    }
    assert done.best.score == pytest.approx(max(mean.values()))
    assert torch.equal(done.best.synthetic.latent, recorder.snapshots[done.best.step].tensors["latent"])
    assert not done.diverged


@pytest.mark.parametrize(
    ("steps", "every", "wanted", "mu", "between"),
    [
        (90, 45, 30, 200, 3),  # the demo: 30 besides the start
        (2000, 100, 30, 100, 50),  # a divisor of the time between validations: 40, evenly spaced
        (4000, 200, 0, 100, 200),  # none but those of validations
        (10, 1_000_000, 30, 100, 1),  # shorter than the time between validations, fewer steps than wanted
        (90, 45, 30, 100_000, 45),  # 102 MB each are more than the bound allows
        (90, 45, 30, 8000, 12),  # 8.3 MB each: 8 fit into 64 MiB, so four between two validations at most
    ],
)
@pytest.mark.parametrize("labels", ["next", "own"])
def test_snapshots_are_as_many_as_wanted_and_as_few_as_the_bound_on_bytes_allows(
    labels: str, steps: int, every: int, wanted: int, mu: int, between: int
) -> None:
    """With labels half as many sequences are as large."""
    mu //= 2 if labels == "own" else 1
    settings = {"outer.steps": steps, "validation.every": every, "runtime.snapshots": wanted, "synthetic.mu": mu}
    config = with_settings(RunConfig(), settings | {"synthetic.xi": 8, "synthetic.d": 32, "synthetic.labels": labels})
    assert snapshot_every(config, 500) == between


class StopsAt(MemoryRecorder):
    """Asks for a stop after each of the given numbers of questions."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def should_stop(self) -> bool:
        self.left -= 1
        return self.left == 0


@pytest.mark.parametrize(
    ("after", "settings"),
    [
        (1, {}),
        (3, {}),
        (5, {}),
        (3, {"inner__optimizer": "sgd", "validation__average": 2, "teacher__trajectories": 0}),
        (3, {"objective__kind": "gradient", "teacher__trajectories": 0}),
        (1, {"inner__staggered": True, "outer__starts": 1, "inner__burn_in": 2}),
        (3, {"inner__crop": 3, "inner__batch": 14, "inner__burn_in": 5, "inner__lifetime": 14}),
        (3, {"synthetic__labels": "own", "inner__crop": 3, "inner__dropout": 0.2, "validation__average": 2}),
        (5, {"objective__kind": "trajectory", "inner__optimizer": "sgd", "teacher__trajectory_steps": 6}),
    ],
)
def test_a_resumed_run_ends_bit_for_bit_like_an_unbroken_one(
    dataset: Dataset, after: int, settings: dict[str, Any]
) -> None:
    recorders = MemoryRecorder(), StopsAt(after)
    whole = _run(dataset, recorders[0], **settings)
    with pytest.raises(Stopped):
        _run(dataset, recorders[1], **settings)
    resumed = _run(dataset, recorders[1], **settings)
    assert torch.equal(whole.best.synthetic.latent, resumed.best.synthetic.latent)
    assert torch.equal(whole.best.synthetic.decoder, resumed.best.synthetic.decoder)
    assert whole.best.step == resumed.best.step
    for name, wanted in recorders[0].snapshots[8].tensors.items():
        assert torch.equal(recorders[1].snapshots[8].tensors[name], wanted)
    assert [one for one in recorders[0].events if one["event"] == "average"] == [
        one for one in recorders[1].events if one["event"] == "average"
    ]


@pytest.mark.parametrize(("scores", "kept"), [((0.1, 0.2, 0.3, 0.4), "mean"), ((0.1, 0.2, 0.3, 0.25), "last")])
def test_the_mean_of_the_last_snapshots_is_one_more_candidate(
    dataset: Dataset, scores: tuple[float, ...], kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four validations: the start, steps 4 and 8, and the mean of these two."""
    real, given = Distillation._scored, iter(scores)

    def scored(self: Distillation, synthetic: Synthetic, step: int) -> Any:
        found, means = real(self, synthetic, step)
        return replace(found, score=next(given)), means

    monkeypatch.setattr(Distillation, "_scored", scored)
    recorder = MemoryRecorder()
    done = _run(dataset, recorder, validation__average=2, teacher__trajectories=0)
    four, eight = (recorder.snapshots[step].tensors for step in (4, 8))
    wanted = {"mean": {name: (four[name] + one) / 2 for name, one in eight.items()}, "last": eight}[kept]
    torch.testing.assert_close(done.best.synthetic.latent, wanted["latent"])
    torch.testing.assert_close(done.best.synthetic.decoder, wanted["decoder"])
    (line,) = [line for line in recorder.events if line["event"] == "average"]
    assert (line["step"], line["snapshots"], line["best"]) == (8, 2, kept == "mean")
    stored = recorder.kept("average")
    assert (stored is not None) == (kept == "mean")
    assert stored is None or torch.equal(stored.tensors["latent"], done.best.synthetic.latent)
    assert next(given, None) is None


def _broken_at(monkeypatch: pytest.MonkeyPatch, breaks: Any) -> None:
    """Outer steps for which `breaks(call)` is true report a loss that is not a number."""
    real, calls = OuterProblem.advance, iter(range(1000))

    def advance(self: OuterProblem, state: OuterState, lr_scale: float) -> tuple[OuterState, StepReport]:
        moved, report = real(self, state, lr_scale)
        return (moved, replace(report, loss=float("nan"))) if breaks(next(calls)) else (moved, report)

    monkeypatch.setattr(OuterProblem, "advance", advance)


def test_one_bad_step_rolls_back_at_half_the_rate(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    _broken_at(monkeypatch, lambda call: call == 5)
    recorder = MemoryRecorder()
    done = _run(dataset, recorder)
    (rollback,) = [line for line in recorder.events if line["event"] == "rollback"]
    assert (rollback["step"], rollback["to_step"], rollback["reason"]) == (5, 4, "a value was not finite")
    assert rollback["lr"] == 0.005
    steps = [line for line in recorder.events if line["event"] == "step"]
    assert steps[-1]["step"] == 8
    assert steps[-1]["lr"] == pytest.approx(0.005 * cosine(7, 8))
    assert not done.diverged


@pytest.mark.parametrize("objective", ["meta", "gradient"])
def test_a_run_differentiates_the_way_its_settings_ask(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, objective: str
) -> None:
    compiled = []

    def compile_nothing(function: Any, **_: Any) -> Any:
        compiled.append(function)
        return function

    monkeypatch.setattr(torch, "compile", compile_nothing)
    _compiled_core.cache_clear()  # none that another test compiled
    # One student a step: uncompiled, these functions differentiate forwards, by levels that all threads share
    ways = {"objective__kind": objective, "outer__steps": 2, "outer__starts": 1, "teacher__trajectories": 0}
    eager = _run(dataset, MemoryRecorder(), **ways)
    assert not compiled
    other = _run(dataset, MemoryRecorder(), **ways, runtime__hvp="compiled")
    assert len(compiled) == 2, "the gradient and the product, once"
    assert torch.allclose(eager.best.synthetic.latent, other.best.synthetic.latent, atol=1e-4)
    _compiled_core.cache_clear()  # and none of this one


def test_a_run_that_stays_bad_ends_diverged_with_its_last_good_result(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    _broken_at(monkeypatch, lambda call: call >= 5)
    recorder = MemoryRecorder()
    done = _run(dataset, recorder)
    assert done.diverged
    assert sum(line["event"] == "rollback" for line in recorder.events) == MAX_ROLLBACKS + 1
    assert done.best.synthetic.latent.isfinite().all()
    assert done.best.step in recorder.snapshots


def test_items_never_seen_in_the_synthetic_data_cause_no_nan(dataset: Dataset) -> None:
    recorder = MemoryRecorder()
    _run(dataset, recorder, synthetic__mu=2, synthetic__xi=2, inner__eps=1e-8, outer__steps=12)
    assert all(np.isfinite(line["grad_norm"]) for line in recorder.events if line["event"] == "step")
