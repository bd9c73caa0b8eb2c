"""Latent surgery's last step: the run's own evaluation of the distilled row, on Z before and after the edits.

Students are those of the Accuracy page (same architecture, seeds, settings, judges). What they were seen to do is kept
in the cache, one file a list of edits, so that the students before the edits are trained once a run.
"""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from farzi_core import pipeline
from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset
from farzi_core.device import pick, use_exact_products, use_threads
from farzi_core.distill.synthetic import Synthetic
from farzi_core.errors import RunError, StoreError
from farzi_core.evaluation import compare, surgery
from farzi_core.evaluation.final import Examiner
from farzi_core.evaluation.surgery import Edit, Retrained, Side
from farzi_core.limits import MAX_CACHED_STUDENTS_BYTES
from farzi_core.models.model import build
from farzi_core.parallel import map_threads
from farzi_core.recorder import MemoryRecorder, Saved
from farzi_core.runs import atomic, cached, checkpoint
from farzi_core.runs.files import read_bounded
from farzi_core.runs.store import Store

RESULT = "result/synthetic.safetensors"
Progress = Callable[[int, int], None]


def retrain(source: str, progress: Progress) -> Retrained:
    """The retraining named by `surgery.source`; `progress` hears (students trained, students in all).

    Raises `FarziError`s: for a run or data that are gone or changed, and for edits that do not fit.
    """
    run_id, digest, text = [*source.split("/", 2), "", ""][:3]
    run, edits = Store().open(run_id), surgery.parse(text)
    record = run.manifest.files.get(RESULT)
    if record is None or record.sha256[:16] != digest:
        raise RunError(f"The result of run {run_id} has changed since this page was opened; reload the page")
    synthetic, config = pipeline.best_synthetic(run), run.config
    edited = surgery.apply(synthetic.latent.numpy(), synthetic.decoder.numpy(), edits)
    after = Synthetic(torch.from_numpy(edited.latent), synthetic.decoder, synthetic.tau)
    use_threads(config.runtime.threads)
    use_exact_products(pick(config.runtime.device), config.runtime.deterministic)
    dataset = pipeline.data_of(run)
    bench = Bench(config, dataset)
    first, second = (_path(run.id, digest, one) for one in ((), edits))
    missing = sum(not path.exists() for path in {first, second})
    trained = _Count(progress, missing * config.evaluation.seeds)
    as_distilled = _kept(first, lambda: bench.students(synthetic, trained))
    return bench.compared(surgery.write(edits), as_distilled, _kept(second, lambda: bench.students(after, trained)))


class Bench:
    """Trains the distilled row's students and compares two sets of them."""

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        device = pick(config.runtime.device)
        self.examiner = Examiner(config, config.students[0], dataset, device, MemoryRecorder())
        self.device, self.seeds = device, range(config.evaluation.seeds)
        self.validation, self.test = self.examiner.judges(config.student_length - 1)
        self.model = build(self.examiner.config.model, self.examiner.items, config.student_length)

    def students(self, synthetic: Synthetic, trained: Callable[[], None]) -> Saved:
        """What the judges see of each student on validation and test users, [S, U, ...] each; and their mean steps."""
        train = self.examiner.trainer(synthetic.probs())

        def one(seed: int) -> tuple[list[Tensor], int]:
            student = train(seed)
            seen = [judge.see(self.model, student.weights).cpu() for judge in (self.validation, self.test)]
            trained()
            return seen, student.best.step

        every = map_threads(one, self.seeds, self.device)
        validation, test = (torch.stack([seen[place] for seen, _ in every]) for place in (0, 1))
        steps = float(np.mean([step for _, step in every]))
        return Saved({"validation": validation, "test": test}, {"steps": steps})

    def compared(self, edits: str, before: Saved, after: Saved) -> Retrained:
        """Both sides with the paired intervals of their difference."""
        examiner = self.examiner
        task = examiner.dataset.info.task
        gaps = {
            name: compare.paired(
                list(before.tensors[name]), list(after.tensors[name]), examiner.items, examiner.config.seed, task
            )
            for name in ("validation", "test")
        }
        return Retrained(
            edits=edits,
            student=examiner.student,
            task=task,
            test_users=before.tensors["test"].shape[1],
            validation_users=before.tensors["validation"].shape[1],
            before=self._side(before),
            after=self._side(after),
            **gaps,
        )

    def _side(self, saved: Saved) -> Side:
        named = {
            name: tuple(self.examiner.measures.of(seen, self.examiner.items) for seen in saved.tensors[name])
            for name in ("test", "validation")
        }
        return Side(**named, steps=saved.meta["steps"])


class _Count:
    """Counts trained students from any thread."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.done, self.total = progress, 0, total
        self.lock = threading.Lock()
        progress(0, total)

    def __call__(self) -> None:
        with self.lock:
            self.done += 1
            self.progress(self.done, self.total)


def _path(run_id: str, result: str, edits: tuple[Edit, ...]) -> Path:
    digest = hashlib.sha256(f"{result}\n{surgery.write(edits)}\n{surgery.RULE}".encode()).hexdigest()
    return cached.folder(run_id) / cached.STUDENTS.format(digest[:16])


def _kept(path: Path, make: Callable[[], Saved]) -> Saved:
    """What `make` makes, from the cache where it was made before; use keeps it young. Raises `RunError` where the run
    was deleted meanwhile: nothing is left behind."""
    try:
        found = checkpoint.unpack(path.name, read_bounded(path, MAX_CACHED_STUDENTS_BYTES))
        os.utime(path)
        return found
    except StoreError:
        made = make()
    Store().open(path.parent.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(path, checkpoint.pack("What students learnt", made.tensors, made.meta))
    return made
