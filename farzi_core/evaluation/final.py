"""The final evaluation: every row of every student's table, on test users, with curves on validation users meanwhile.

Each finished row is kept by the recorder, so a resumed run does not train it again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset, Sequences
from farzi_core.distill import taught
from farzi_core.distill.layout import Tensors
from farzi_core.distill.stretches import Stretches
from farzi_core.evaluation import baselines, compare, kept
from farzi_core.evaluation.compare import Outcome
from farzi_core.evaluation.forms import rows_of
from farzi_core.evaluation.measures import MEASURES
from farzi_core.evaluation.report import FORM_ROWS, Row, RowName
from farzi_core.evaluation.students import Judge, Student, on_sequences, on_synthetic
from farzi_core.evaluation.tasks import JUDGING, judge_of, validation_judge
from farzi_core.models.model import build
from farzi_core.parallel import map_threads
from farzi_core.recorder import Meta, Recorder, Saved, stop_where_asked
from farzi_core.sections import Baseline, Form, Kind
from farzi_core.teacher.ensemble import NO_TEACHERS, Ensemble, teachers_of

POINTS = 20  # evenly scored states of a student: how finely its best step is chosen (its first steps: train.looked_at)
SEEDS_FROM = 1000  # above the seeds of validation: no student that chose the snapshot is judged again
OneStudent = Callable[[int], tuple[Student, Tensor]]
CURVE = ["row", "seed", "step", "seconds", "metric", "value"]


class Examiner:
    """Trains and ranks the rows of one student architecture's table."""

    def __init__(
        self,
        config: RunConfig,
        student: Kind,
        dataset: Dataset,
        device: torch.device,
        recorder: Recorder,
        *,
        keeps: bool = False,
    ) -> None:
        self.run, self.config, self.student, self.dataset = config, config.for_student(student), student, dataset
        self.device, self.recorder, self.stop = device, recorder, partial(stop_where_asked, recorder)
        self.train = dataset.part("train")
        self.items = len(dataset.vocab)
        self.judging, self.measures = JUDGING[dataset.info.task], MEASURES[dataset.info.task]
        self.curves: list[dict[str, object]] = []
        self.keeps, self.students = keeps, dict[RowName, Tensors]()
        self._done: dict[RowName, Outcome] = {}

    def full(self) -> Outcome:
        """Row "full": the reference, 100 % of this architecture."""
        steps, epoch = self.config.teacher.full_steps(len(self.train))
        parts = [self.train] * self.config.evaluation.full_seeds
        return self._real(RowName.FULL, {None: self.config}, parts, steps, epoch)

    def distilled(self, probs: Tensor, form: Form = "soft") -> Outcome:
        """A row "distilled": fresh students on the synthetic data probs [mu, xi, V], or [mu, 2, xi, V], in one form."""
        sequences = probs.shape[0] * (self.config.evaluation.draws if form == "sampled" else 1)
        return self._synthetic(FORM_ROWS[form], sequences, probs.shape[-2], self.trainer(probs, form))

    def trainer(self, probs: Tensor, form: Form = "soft") -> Callable[[int], Student]:
        """Index of a student -> the fresh student of that index, trained on the same in one form."""
        draws, seed, probs = self.config.evaluation.draws, self.config.seed, probs.to(self.device)
        return self._trainer(lambda index: rows_of(form, probs, draws, seed, index).to(self.device))

    def taught_windows(self) -> Outcome:
        """Row "taught windows": fresh students, each on its own real windows with labels of the run's teachers, whose
        architecture may be another."""
        stretches, seed = Stretches.of(self.run, self.run.synthetic.mu), self.config.seed
        needed = self.recorder.kept(self._stage(RowName.TAUGHT)) is None
        weights = teachers_of(self.run, self.dataset, self.device, self.recorder) if needed else NO_TEACHERS
        models = Ensemble.of(self.run, self.items, weights.to(self.device))
        train = self._trainer(lambda index: taught.windows(self.train, models, stretches, seed, index, self.stop))
        return self._synthetic(RowName.TAUGHT, stretches.mu, stretches.xi, train)

    def _trainer(self, rows: Callable[[int], Tensor]) -> Callable[[int], Student]:
        """Index of a student -> the fresh student of that index, trained on its `rows` as the inner loop trains."""
        evaluation = self.config.evaluation
        validation, _ = self.judges(self.config.student_length - 1)
        every = max(1, evaluation.steps // POINTS)

        def one(seed: int) -> Student:
            own, index = rows(seed), SEEDS_FROM + seed
            return self._best(
                (factor, on_synthetic(config, own, self.items, validation, index, evaluation.steps, every, self.stop))
                for factor, config in self.config.decayed.items()
            )

        return one

    def _synthetic(self, name: RowName, sequences: int, xi: int, train: Callable[[int], Student]) -> Outcome:
        """A row of students that `train` makes, of so many sequences of xi events."""
        _, test = self.judges(self.config.student_length - 1)
        model = build(self.config.model, self.items, self.config.student_length)

        def one(seed: int) -> tuple[Student, Tensor]:
            student = train(seed)
            return student, test.see(model, student.weights)

        return self._row(name, sequences, sequences * xi, one, self.config.evaluation.seeds)

    def equal_size(self) -> list[Outcome]:
        """The configured rows of as much real data as the run has synthetic data."""
        evaluation, seed = self.config.evaluation, self.config.seed
        train, mu = self.train, self.config.synthetic.mu
        xi = self.config.synthetic.xi + self.config.synthetic.labelled  # as many targets: the last event has a label
        draw: dict[Baseline, Callable[[int], Sequences]] = {
            "random_users": lambda index: baselines.random_users(train, mu, seed, index),
            "head_users": lambda _: baselines.head_users(train, mu),
            "coreset": lambda index: baselines.coreset(train, mu, seed, index),
            "random_windows": lambda index: baselines.random_windows(train, mu, xi, seed, index),
        }
        configs: dict[float | None, RunConfig] = {factor: one.on_little for factor, one in self.config.decayed.items()}
        every = max(1, evaluation.steps // POINTS)

        def real(name: Baseline) -> Outcome:
            parts = [draw[name](index) for index in range(evaluation.seeds)]
            return self._real(self._named(name), configs, parts, evaluation.steps, every)

        rows: dict[Baseline, Callable[[], Outcome]] = {name: partial(real, name) for name in draw}
        rows["taught_windows"] = self.taught_windows
        return [rows[name]() for name in evaluation.baselines]

    def rules(self) -> list[Outcome]:
        """Rows that train nothing: "most popular" and "Markov", for text "unigram" and "bigram"."""
        _, test = self.judges(self.config.model.max_length - 1)
        return [Outcome(name, 0, 0, [rule(self.train, self.items, test)]) for name, rule in self.judging.rules.items()]

    def table(self, outcomes: list[Outcome]) -> tuple[Row, ...]:
        """The rows of `outcomes` beside each other."""
        return compare.table(outcomes, self.items, self.config.seed, self.dataset.info.task)

    def _named(self, baseline: Baseline) -> RowName:
        """The row of a baseline: a text's users are sentences."""
        name = RowName(baseline)
        return self.judging.renamed.get(name, name)

    def judges(self, length: int) -> tuple[Judge, Judge]:
        """Of validation and of test users, for models that see at most `length` events."""
        validation = validation_judge(self.config, self.dataset, length, self.device)
        return validation, judge_of(self.config, self.dataset, self.dataset.part("test"), length, self.device)

    def _real(
        self, name: RowName, configs: Mapping[float | None, RunConfig], parts: list[Sequences], steps: int, every: int
    ) -> Outcome:
        """A row trained on real sequences as the best of `configs` says (by factor of the decay, as in `Student`): one
        student a part, its index the seed."""
        validation, test = self.judges(self.config.model.max_length - 1)
        model = build(self.config.model, self.items, self.config.model.max_length)

        def one(seed: int) -> tuple[Student, Tensor]:
            part, index = parts[seed], SEEDS_FROM + seed
            student = self._best(
                (factor, on_sequences(config, part, self.items, validation, index, steps, every, self.stop))
                for factor, config in configs.items()
            )
            return student, test.see(model, student.weights)

        events = round(float(np.mean([len(part.items) for part in parts])))
        return self._row(name, len(parts[0]), events, one, len(parts))

    def _best(self, students: Iterable[tuple[float | None, Student]]) -> Student:
        """Of the same student trained with several decays, the best on validation users; it knows its factor."""
        factor, best = max(students, key=lambda one: self.measures.selection(one[1].best.metrics))
        return replace(best, decay=factor)

    def _stage(self, name: RowName) -> str:
        """Under which a finished row is kept."""
        return f"judged-{self.student}-{name}"

    def _row(self, name: RowName, sequences: int, events: int, one: OneStudent, seeds: int) -> Outcome:
        """Train the row's students, or read them from a run that was interrupted after it."""
        if name in self._done:
            return self._done[name]
        stage = self._stage(name)
        saved = self.recorder.kept(stage)
        if saved is None:
            trained = map_threads(one, range(seeds), self.device)
            students = [one for one, _ in trained]
            tensors = {"seen": torch.stack([seen for _, seen in trained])}
            if self.keeps and name in kept.ROWS:
                tensors |= kept.named("weights", kept.portable(students[0].weights))
            saved = Saved(tensors, _meta(students))
            self.recorder.keep(stage, *saved)
            for seed, (_, seen) in enumerate(trained):
                values = self.measures.of(seen, self.items)
                self.recorder.log("row", name=name, student=self.student, seed=seed, **values)
        self.stop()
        self.curves += [dict(zip(CURVE, (name, *point), strict=True)) for point in saved.meta["curve"]]
        if weights := kept.under("weights", saved.tensors):
            self.students[name] = weights
        found, meta = list(saved.tensors["seen"]), saved.meta
        decays = tuple(meta.get("decays", ()))  # rows that an older version kept have none
        self._done[name] = Outcome(name, sequences, events, found, meta["steps"], meta["seconds"], decays)
        return self._done[name]


def _meta(students: list[Student]) -> Meta:
    """What a row keeps beside what the judge saw: where the students were best, and their curves."""
    return {
        "steps": float(np.mean([student.best.step for student in students])),
        "seconds": float(np.mean([student.best.seconds for student in students])),
        "decays": [student.decay for student in students if student.decay is not None],
        "curve": [
            [seed, point.step, point.seconds, metric, value]
            for seed, student in enumerate(students)
            for point in student.curve
            for metric, value in point.metrics.items()
        ],
    }
