"""The whole distillation: outer steps with validation, the best snapshot, checkpoints, the divergence guard, and stop.

Validation trains fresh students on the current synthetic data and scores them on validation users; the best snapshot
is kept, not the last. A step that the guard objects to (`guard`) rolls the run back to its last good state at half the
rate, at most MAX_ROLLBACKS times; then the run has diverged and its best snapshot is the result.
"""

import logging
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset
from farzi_core.device import peak_bytes
from farzi_core.distill.adam import Moments
from farzi_core.distill.guard import Guard
from farzi_core.distill.outer import OuterProblem, OuterState, Runner
from farzi_core.distill.ranks import Alone, Ranks
from farzi_core.distill.synthetic import Synthetic
from farzi_core.distill.windows import StepReport
from farzi_core.evaluation.report import Metric
from farzi_core.evaluation.students import Student, on_synthetic
from farzi_core.evaluation.tasks import judge_of
from farzi_core.limits import MAX_GROWTH, MAX_ROLLBACKS, MAX_SNAPSHOT_BYTES
from farzi_core.parallel import map_threads
from farzi_core.recorder import Meta, Recorder, Stopped

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Best:
    """The best snapshot so far, by what the task maximises on validation users (`Measures.selection`)."""

    synthetic: Synthetic
    step: int
    score: float
    student_steps: float


@dataclass(frozen=True)
class Distilled:
    """What a distillation yields: the best snapshot, where it was found, and whether the run diverged."""

    best: Best
    diverged: bool


@dataclass(frozen=True)
class _Progress:
    state: OuterState
    good: OuterState  # the state of the last validation: where a roll-back goes
    best: Best
    guard: Guard = field(default_factory=Guard)
    lr_scale: float = 1.0
    rollbacks: int = 0

    def after(self, state: OuterState, report: StepReport) -> "_Progress":
        return replace(self, state=state, guard=self.guard.after(report))


class Distillation:
    """One run of the outer loop over a data set, reporting to a `Recorder`."""

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        omega: Tensor,
        device: torch.device,
        ranks: Ranks = Alone(),  # noqa: B008 - it has no state
    ) -> None:
        self.config, self.device, self.ranks = config, device, ranks
        self.problem = OuterProblem(config, dataset.part("train"), len(dataset.vocab), omega, device, ranks)
        part = dataset.part("validation")
        keep = np.random.default_rng(config.seed).permutation(len(part))[: config.validation.users]
        self.judge = judge_of(config, dataset, part.take(keep), config.synthetic.xi - 1, device)
        self.snapshot_every = snapshot_every(config, len(dataset.vocab))

    def run(self, start: Synthetic, recorder: Recorder) -> Distilled:
        """From `start`, or from the recorder's last checkpoint, to the last outer step. Raises `Stopped`."""
        saved = self.ranks.share(recorder.last_checkpoint())
        progress = self._restore(saved.tensors, saved.meta) if saved else self._begin(start, recorder)
        last_save = time.monotonic()
        while progress.state.step < self.config.outer.steps:
            progress = self._step(progress, recorder)
            if progress.rollbacks > MAX_ROLLBACKS:
                return Distilled(progress.best, diverged=True)
            stop = recorder.should_stop()
            save = stop or time.monotonic() - last_save >= self.config.runtime.checkpoint_seconds
            stop, save = self.ranks.of_leader((stop, save))
            if save:
                progress = replace(progress, state=self.problem.gathered(progress.state))
                recorder.checkpoint(*self._save(progress))
                last_save = time.monotonic()
            if stop:
                raise Stopped
        return Distilled(progress.best, diverged=False)

    def _begin(self, start: Synthetic, recorder: Recorder) -> _Progress:
        state = self.problem.start(start)
        return _Progress(state, state, self._validate(state, None, recorder))

    def _step(self, progress: _Progress, recorder: Recorder) -> _Progress:
        started = time.perf_counter()
        state, report = self.problem.advance(progress.state, progress.lr_scale)
        why = progress.guard.objection(report)
        if why:
            return self._roll_back(progress, why, recorder)
        before, progress = progress.guard.chaotic, progress.after(state, report)
        recorder.log(
            "step", step=state.step, steps=self.config.outer.steps, loss=report.loss, grad_norm=report.grad_norm,
            lr=report.lr, growth=report.growth, seconds=time.perf_counter() - started,
            singular_share=report.singular_share, cost_ratio=report.cost_ratio, tape_bytes=report.tape_bytes,
            peak_bytes=peak_bytes(self.device), skipped=report.skipped, chaotic=progress.guard.chaotic,
        )  # fmt: skip
        if progress.guard.chaotic and not before:
            logger.warning("step %d: adjoint growth %.1e, above %g", state.step, report.growth, MAX_GROWTH)
        if state.step % self.config.validation.every == 0 or state.step == self.config.outer.steps:
            progress = replace(progress, good=state, best=self._validate(state, progress.best, recorder))
        elif state.step % self.snapshot_every == 0:
            self._snapshot(state, {}, recorder)
        return progress

    def _roll_back(self, progress: _Progress, why: str, recorder: Recorder) -> _Progress:
        rate = progress.lr_scale / 2
        recorder.log(
            "rollback", step=progress.state.step, to_step=progress.good.step, reason=why, lr=rate * self.config.outer.lr
        )
        fresh = tuple(
            self.problem.new_runner(slot, progress.rollbacks, 1) for slot in range(len(progress.good.runners))
        )
        good = replace(progress.good, runners=fresh)
        return replace(
            progress, state=good, good=good, lr_scale=rate, rollbacks=progress.rollbacks + 1,
            guard=progress.guard.rolled_back(),
        )  # fmt: skip

    def _validate(self, state: OuterState, best: Best | None, recorder: Recorder) -> Best:
        """Fresh students on the current synthetic data; logs the mean and keeps the better snapshot. Rank 0 does it."""
        if self.ranks.rank:
            return best or Best(state.synthetic, state.step, 0.0, 0.0)
        students = self.students(state.synthetic.probs())
        measures = self.judge.measures
        means = {
            metric: float(np.mean([student.best.metrics[metric] for student in students]))
            for metric in measures.metrics
        }
        steps = float(np.mean([student.best.step for student in students]))
        now = Best(state.synthetic, state.step, measures.selection(means), steps)
        better = best is None or now.score > best.score
        recorder.log("validation", step=state.step, student_steps=now.student_steps, best=better, **means)
        self._snapshot(state, means, recorder)
        return now if better or best is None else best

    def _snapshot(self, state: OuterState, figures: dict[Metric, float], recorder: Recorder) -> None:
        """Keep Z and M for the replay; rank 0 does it."""
        if self.ranks.rank == 0:
            tensors = {"latent": state.synthetic.latent, "decoder": state.synthetic.decoder}
            meta: Meta = {"tau": state.synthetic.tau} | {str(metric): value for metric, value in figures.items()}
            recorder.snapshot(state.step, tensors, meta)

    def students(self, probs: Tensor) -> list[Student]:
        """The validation students of one snapshot."""
        config = self.config.validation
        every = max(1, config.steps // 10)
        seeds = range(config.students)
        return map_threads(
            lambda seed: on_synthetic(self.config, probs, self.judge, seed, config.steps, every), seeds, self.device
        )

    def _save(self, progress: _Progress) -> tuple[dict[str, Tensor], Meta]:
        """Everything `_restore` needs: streams of random numbers have no state, so these tensors are all."""
        tensors = {"best.latent": progress.best.synthetic.latent, "best.decoder": progress.best.synthetic.decoder}
        tensors |= _pack("state", progress.state) | _pack("good", progress.good)
        best = {"step": progress.best.step, "score": progress.best.score, "student_steps": progress.best.student_steps}
        meta: Meta = {
            "step": progress.state.step, "good_step": progress.good.step, "best": best, "lr_scale": progress.lr_scale,
            "rollbacks": progress.rollbacks, "guard": progress.guard.meta(),
            "ages": [runner.age for runner in progress.state.runners],
            "good_ages": [runner.age for runner in progress.good.runners],
        }  # fmt: skip
        return tensors, meta

    def _restore(self, tensors: dict[str, Tensor], meta: dict[str, Any]) -> _Progress:
        tensors = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        tau = self.config.synthetic.tau
        best = Best(Synthetic(tensors["best.latent"], tensors["best.decoder"], tau), **meta["best"])
        return _Progress(
            _unpack("state", tensors, meta["step"], meta["ages"], tau),
            _unpack("good", tensors, meta["good_step"], meta["good_ages"], tau),
            best, Guard.of_meta(meta.get("guard", {})), meta["lr_scale"], meta["rollbacks"],
        )  # fmt: skip


def snapshot_every(config: RunConfig, items: int) -> int:
    """Outer steps between two snapshots: the time between validations in equal parts where it can be cut so, about
    `runtime.snapshots` of them in a run, together within `MAX_SNAPSHOT_BYTES`."""
    synthetic, between = config.synthetic, min(config.validation.every, config.outer.steps)
    size = 4 * synthetic.d * (synthetic.mu * synthetic.xi + items)  # bytes of one, float32
    wanted = min(config.runtime.snapshots, MAX_SNAPSHOT_BYTES // size)
    parts = -(-wanted * between // config.outer.steps)
    return -(-between // max(1, parts))


def _pack(prefix: str, state: OuterState) -> dict[str, Tensor]:
    packed = {
        "latent": state.synthetic.latent, "decoder": state.synthetic.decoder,
        "latent.m": state.latent_moments.m, "latent.v": state.latent_moments.v,
        "decoder.m": state.decoder_moments.m, "decoder.v": state.decoder_moments.v,
        "theta": torch.stack([runner.theta for runner in state.runners]),
        "theta.m": torch.stack([runner.moments.m for runner in state.runners]),
        "theta.v": torch.stack([runner.moments.v for runner in state.runners]),
    }  # fmt: skip
    return {f"{prefix}.{name}": tensor for name, tensor in packed.items()}


def _unpack(prefix: str, tensors: dict[str, Tensor], step: int, ages: list[int], tau: float) -> OuterState:
    part = {
        name.removeprefix(f"{prefix}."): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")
    }
    runners = tuple(
        Runner(theta.clone(), Moments(m.clone(), v.clone()), age)  # aligned like those of an unbroken run
        for theta, m, v, age in zip(part["theta"], part["theta.m"], part["theta.v"], ages, strict=True)
    )
    moments = (Moments(part["latent.m"], part["latent.v"]), Moments(part["decoder.m"], part["decoder.v"]))
    return OuterState(Synthetic(part["latent"], part["decoder"], tau), *moments, runners, step)
