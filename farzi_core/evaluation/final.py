"""The final evaluation: every row of the table, on test users, with curves on validation users as students train.

Each finished row is kept by the recorder, so a resumed run does not train it again.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset, Sequences
from farzi_core.evaluation import baselines, compare
from farzi_core.evaluation.compare import Outcome
from farzi_core.evaluation.measures import MEASURES
from farzi_core.evaluation.report import Evaluation, RowName
from farzi_core.evaluation.students import Judge, Student, on_sequences, on_synthetic, student_model
from farzi_core.evaluation.tasks import JUDGING, judge_of
from farzi_core.parallel import map_threads
from farzi_core.recorder import Meta, Recorder, Saved, Stopped

POINTS = 20  # scored states along a student's training: the curve's resolution, and how finely the best step is chosen
SEEDS_FROM = 1000  # above the seeds of validation: no student that chose the snapshot is judged again
OneStudent = Callable[[int], tuple[Student, Tensor]]
CURVE = ["row", "seed", "step", "seconds", "metric", "value"]


class Examiner:
    """Trains and judges the rows of one run's table."""

    def __init__(self, config: RunConfig, dataset: Dataset, device: torch.device, recorder: Recorder) -> None:
        self.config, self.dataset, self.device, self.recorder = config, dataset, device, recorder
        self.train = dataset.part("train")
        self.items = len(dataset.vocab)
        self.judging, self.measures = JUDGING[dataset.info.task], MEASURES[dataset.info.task]
        self.curves: list[dict[str, object]] = []

    def full(self) -> Outcome:
        """Row "full": the reference. Runs before distillation, so that people see the bar early."""
        epochs = self.config.teacher.epochs
        per_epoch = max(1, len(self.train) // self.config.teacher.batch)
        return self._real(RowName.FULL, [self.train] * self.config.evaluation.full_seeds, per_epoch * epochs, per_epoch)

    def distilled(self, probs: Tensor) -> Outcome:
        """Row "distilled": fresh students on the synthetic data."""
        mu, xi, _ = probs.shape
        evaluation = self.config.evaluation
        validation, test = self._judges(xi - 1)
        model = student_model(self.config, self.items, xi)
        probs = probs.to(self.device)

        def one(seed: int) -> tuple[Student, Tensor]:
            every = max(1, evaluation.steps // POINTS)
            student = on_synthetic(self.config, probs, validation, SEEDS_FROM + seed, evaluation.steps, every)
            return student, test.see(model, student.weights)

        return self._row(RowName.DISTILLED, mu, mu * xi, one, evaluation.seeds)

    def equal_size(self) -> list[Outcome]:
        """Rows "random users" and "head users" (or sentences): as many real sequences as the run has synthetic ones."""
        evaluation, mu = self.config.evaluation, self.config.synthetic.mu
        draws = [baselines.random_users(self.train, mu, self.config.seed, draw) for draw in range(evaluation.seeds)]
        head = baselines.head_users(self.train, mu)
        every = max(1, evaluation.steps // POINTS)
        return [
            self._real(self.judging.random, draws, evaluation.steps, every),
            self._real(self.judging.head, [head] * evaluation.seeds, evaluation.steps, every),
        ]

    def rules(self) -> list[Outcome]:
        """Rows that train nothing: "most popular" and "Markov", for text "unigram" and "bigram"."""
        _, test = self._judges(self.config.model.max_length - 1)
        return [Outcome(name, 0, 0, [rule(self.train, self.items, test)]) for name, rule in self.judging.rules.items()]

    def report(self, outcomes: list[Outcome], stored_numbers: int) -> Evaluation:
        """The table with its protocol."""
        return Evaluation(
            rows=compare.table(outcomes, self.items, self.config.seed, self.dataset.info.task),
            task=self.dataset.info.task,
            test_users=len(self.dataset.split["test"]),
            validation_users=min(len(self.dataset.split["validation"]), self.config.validation.users),
            masked_seen=self.config.evaluation.mask_seen,
            seeds=self.config.evaluation.seeds,
            full_sequences=len(self.train),
            full_events=len(self.train.items),
            stored_numbers=stored_numbers,
        )

    def curve_frame(self) -> pd.DataFrame:
        """Validation metrics while students train (columns `CURVE`)."""
        return pd.DataFrame(self.curves, columns=CURVE)

    def _judges(self, length: int) -> tuple[Judge, Judge]:
        part = self.dataset.part("validation")
        keep = np.random.default_rng(self.config.seed).permutation(len(part))[: self.config.validation.users]
        parts = (part.take(keep), self.dataset.part("test"))
        validation, test = (judge_of(self.config, self.dataset, one, length, self.device) for one in parts)
        return validation, test

    def _real(self, name: RowName, parts: list[Sequences], steps: int, every: int) -> Outcome:
        """A row trained on real sequences: one student a part, its index the seed."""
        validation, test = self._judges(self.config.model.max_length - 1)
        model = student_model(self.config, self.items, self.config.model.max_length)

        def one(seed: int) -> tuple[Student, Tensor]:
            student = on_sequences(self.config, parts[seed], self.items, validation, SEEDS_FROM + seed, steps, every)
            return student, test.see(model, student.weights)

        events = round(float(np.mean([len(part.items) for part in parts])))
        return self._row(name, len(parts[0]), events, one, len(parts))

    def _row(self, name: RowName, sequences: int, events: int, one: OneStudent, seeds: int) -> Outcome:
        """Train the row's students, or read them from a run that was interrupted after it."""
        saved = self.recorder.kept(f"judged-{name}")
        if saved is None:
            trained = map_threads(one, range(seeds), self.device)
            saved = Saved({"seen": torch.stack([seen for _, seen in trained])}, _meta([one for one, _ in trained]))
            self.recorder.keep(f"judged-{name}", *saved)
            for seed, (_, seen) in enumerate(trained):
                self.recorder.log("row", name=name, seed=seed, **self.measures.of(seen, self.items))
        if self.recorder.should_stop():
            raise Stopped
        self.curves += [dict(zip(CURVE, (name, *point), strict=True)) for point in saved.meta["curve"]]
        return Outcome(name, sequences, events, list(saved.tensors["seen"]), saved.meta["steps"], saved.meta["seconds"])


def _meta(students: list[Student]) -> Meta:
    """What a row keeps beside what the judge saw: where the students were best, and their curves."""
    return {
        "steps": float(np.mean([student.best.step for student in students])),
        "seconds": float(np.mean([student.best.seconds for student in students])),
        "curve": [
            [seed, point.step, point.seconds, metric, value]
            for seed, student in enumerate(students)
            for point in student.curve
            for metric, value in point.metrics.items()
        ],
    }
