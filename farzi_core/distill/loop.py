"""The whole distillation: outer steps with validation, the best snapshot, checkpoints, the divergence guard, and stop.

Validation trains fresh students on the current synthetic data and scores them on validation users; the best snapshot
is kept, not the last, or the mean of the last few where that is better. A step that the guard objects to (`guard`)
rolls the run back to its last good state at half the rate, at most MAX_ROLLBACKS times; then the run has diverged and
its best snapshot is the result.
"""

import logging
import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset
from farzi_core.device import peak_bytes
from farzi_core.distill.outer import OuterProblem, OuterState
from farzi_core.distill.progress import Best, Progress
from farzi_core.distill.ranks import Alone, Ranks
from farzi_core.distill.synthetic import Synthetic
from farzi_core.evaluation.report import Metric
from farzi_core.evaluation.students import Student, on_synthetic
from farzi_core.evaluation.tasks import validation_judge
from farzi_core.limits import MAX_GROWTH, MAX_ROLLBACKS, MAX_SNAPSHOT_BYTES
from farzi_core.parallel import map_threads
from farzi_core.recorder import Meta, Recorder, Stopped
from farzi_core.teacher.ensemble import NO_TEACHERS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Distilled:
    """What a distillation yields: the best snapshot, where it was found, and whether the run diverged."""

    best: Best
    diverged: bool


class Distillation:
    """One run of the outer loop over a data set, reporting to a `Recorder`."""

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        omega: Tensor,
        device: torch.device,
        ranks: Ranks = Alone(),  # noqa: B008 - it has no state
        teachers: Tensor = NO_TEACHERS,
    ) -> None:
        self.config, self.device, self.ranks = config, device, ranks
        train, items = dataset.part("train"), len(dataset.vocab)
        self.problem = OuterProblem(config, train, items, omega, device, ranks, teachers)
        self.judge = validation_judge(config, dataset, config.student_length - 1, device)
        self.snapshot_every = snapshot_every(config, len(dataset.vocab))

    def run(self, start: Synthetic, recorder: Recorder) -> Distilled:
        """From `start`, or from the recorder's last checkpoint, to the last outer step. Raises `Stopped`."""
        saved = self.ranks.share(recorder.last_checkpoint())
        progress = (
            Progress.restore(saved.tensors, saved.meta, self.problem.flight) if saved else self._begin(start, recorder)
        )
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
                recorder.checkpoint(*progress.save())
                last_save = time.monotonic()
            if stop:
                raise Stopped
        return Distilled(self._with_average(progress, recorder), diverged=False)

    def _begin(self, start: Synthetic, recorder: Recorder) -> Progress:
        state = self.problem.start(start)
        return Progress(state, state, self._validate(state, None, recorder))

    def _step(self, progress: Progress, recorder: Recorder) -> Progress:
        started = time.perf_counter()
        state, report = self.problem.advance(progress.state, progress.lr_scale)
        why = progress.guard.objection(report, self.problem.objective.exploded)
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
            best = self._validate(state, progress.best, recorder)
            progress = progress.validated(best, self.config.validation.average)
        elif state.step % self.snapshot_every == 0:
            self._snapshot(state, {}, recorder)
        return progress

    def _roll_back(self, progress: Progress, why: str, recorder: Recorder) -> Progress:
        rate = progress.lr_scale / 2
        recorder.log(
            "rollback", step=progress.state.step, to_step=progress.good.step, reason=why, lr=rate * self.config.outer.lr
        )
        fresh = tuple(
            self.problem.flight.new_runner(slot, progress.rollbacks, 1) for slot in range(len(progress.good.runners))
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
        now, means = self._scored(state.synthetic, state.step)
        better = best is None or now.score > best.score
        recorder.log("validation", step=state.step, student_steps=now.student_steps, best=better, **means)
        self._snapshot(state, means, recorder)
        return now if better or best is None else best

    def _with_average(self, progress: Progress, recorder: Recorder) -> Best:
        """The best snapshot, or the mean of the last ones where its students do better. Rank 0 does it."""
        recent = progress.recent
        if len(recent) < 2 or self.ranks.rank:
            return progress.best
        latent, decoder = (
            torch.stack([getattr(one, name) for one in recent]).mean(0) for name in ("latent", "decoder")
        )
        now, means = self._scored(replace(recent[-1], latent=latent, decoder=decoder), progress.state.step)
        better = now.score > progress.best.score
        recorder.log(
            "average", step=now.step, snapshots=len(recent), student_steps=now.student_steps, best=better, **means
        )
        if better and recorder.kept("average") is None:  # again by a resumed run: the same to the bit
            recorder.keep("average", {"latent": latent, "decoder": decoder}, {"step": now.step})
        return now if better else progress.best

    def _scored(self, synthetic: Synthetic, step: int) -> tuple[Best, dict[Metric, float]]:
        """A candidate for the best snapshot, and the mean metrics of its students."""
        students, measures = self.students(synthetic.probs()), self.judge.measures
        means = {
            metric: float(np.mean([student.best.metrics[metric] for student in students]))
            for metric in measures.metrics
        }
        steps = float(np.mean([student.best.step for student in students]))
        return Best(synthetic, step, measures.selection(means), steps), means

    def _snapshot(self, state: OuterState, figures: dict[Metric, float], recorder: Recorder) -> None:
        """Keep Z and M for the replay; rank 0 does it."""
        if self.ranks.rank == 0:
            tensors = state.synthetic.tensors()
            meta: Meta = {"tau": state.synthetic.tau} | {str(metric): value for metric, value in figures.items()}
            recorder.snapshot(state.step, tensors, meta)

    def students(self, probs: Tensor) -> list[Student]:
        """The validation students of one snapshot."""
        config = self.config.validation
        every = max(1, config.steps // 10)

        def one(seed: int) -> Student:
            return on_synthetic(self.config, probs, probs.shape[-1], self.judge, seed, config.steps, every)

        return map_threads(one, range(config.students), self.device)


def snapshot_every(config: RunConfig, items: int) -> int:
    """Outer steps between two snapshots: the time between validations in equal parts where it can be cut so, about
    `runtime.snapshots` of them in a run, together within `MAX_SNAPSHOT_BYTES`."""
    synthetic, between = config.synthetic, min(config.validation.every, config.outer.steps)
    size = 4 * synthetic.d * (synthetic.latents + items)  # bytes of one, float32
    wanted = min(config.runtime.snapshots, MAX_SNAPSHOT_BYTES // size)
    parts = -(-wanted * between // config.outer.steps)
    return -(-between // max(1, parts))
