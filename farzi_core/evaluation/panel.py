"""The tables of all student architectures of a run, as one evaluation."""

import pandas as pd
import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset
from farzi_core.distill.layout import Tensors
from farzi_core.evaluation import kept
from farzi_core.evaluation.final import CURVE, Examiner
from farzi_core.evaluation.report import Evaluation, StudentTable
from farzi_core.recorder import Recorder


class Panel:
    """All student architectures of a run, each with an examiner of its own; the first has every row."""

    def __init__(self, config: RunConfig, dataset: Dataset, device: torch.device, recorder: Recorder) -> None:
        self.config, self.dataset = config, dataset
        first, *others = config.students
        self.first = Examiner(config, first, dataset, device, recorder, keeps=True)
        self.others = [Examiner(config, kind, dataset, device, recorder) for kind in others]

    def full(self) -> None:
        """Train the first student's reference now: people see the bar before the distillation, not after it."""
        self.first.full()

    def report(self, probs: Tensor, stored_numbers: int) -> Evaluation:
        """Train everything that is left, on `Synthetic.probs`; the tables with their protocol."""
        first, forms = self.first, self.config.evaluation.forms
        distilled = (first.distilled(probs, form) for form in forms)
        rows = [first.full(), *distilled, *first.equal_size(), *first.rules()]
        others = tuple(
            StudentTable(student=one.student, rows=one.table([one.full(), one.distilled(probs)])) for one in self.others
        )
        return Evaluation(
            rows=self.first.table(rows),
            student=self.first.student,
            task=self.dataset.info.task,
            teacher=self.config.model.kind,
            others=others,
            test_users=len(self.dataset.split["test"]),
            validation_users=min(len(self.dataset.split["validation"]), self.config.validation.users),
            masked_seen=self.config.evaluation.mask_seen,
            seeds=self.config.evaluation.seeds,
            full_sequences=len(self.first.train),
            full_events=len(self.first.train.items),
            stored_numbers=stored_numbers,
            decays=self.config.evaluation.decays,
            other_decays=self.config.evaluation.other_decays,
        )

    def curve_frame(self) -> pd.DataFrame:
        """Validation metrics while the first student's rows train (columns `CURVE`)."""
        return pd.DataFrame(self.first.curves, columns=CURVE)

    def students(self) -> Tensors:
        """The first architecture's kept students (`kept`), or none where one of the two could not be kept."""
        found = self.first.students
        whole = len(found) == len(kept.ROWS)
        return {name: one for row in found if whole for name, one in kept.named(row, found[row]).items()}
