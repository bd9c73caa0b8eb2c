"""A whole run: prepare -> teacher -> distil -> evaluate -> inspect. The worker, the CLI and notebooks all call `run`.

Every stage says that it begins; its product is kept by the recorder, so an interrupted run goes on where it was.
"""

import json
import logging
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import safetensors.torch
import torch
from safetensors.numpy import save_file

from farzi_core.checks import check
from farzi_core.config import RunConfig
from farzi_core.data import columns, library
from farzi_core.data.dataset import Dataset
from farzi_core.data.prepare import prepare
from farzi_core.data.token_table import TextSettings
from farzi_core.data.tokenise import dump
from farzi_core.device import CPU, pick, use_exact_products, use_threads
from farzi_core.distill import ranks
from farzi_core.distill.capture import require_graphs
from farzi_core.distill.differentiate import GRAPHS, hvp_on
from farzi_core.distill.layout import Tensors
from farzi_core.distill.loop import Distillation, Distilled
from farzi_core.distill.synthetic import Synthetic
from farzi_core.distill.taught import begin
from farzi_core.errors import ConfigError, RunError, StoreError
from farzi_core.evaluation import inspect
from farzi_core.evaluation.coverage import coverage
from farzi_core.evaluation.panel import Panel
from farzi_core.evaluation.recovery import recovery
from farzi_core.evaluation.report import Evaluation, Recovery
from farzi_core.models.model import build
from farzi_core.recorder import MemoryRecorder, Recorder, Saved, kept_or_made, stop_where_asked
from farzi_core.runs.files import read_bounded, sha256
from farzi_core.runs.run import Run
from farzi_core.teacher.ensemble import teachers_of
from farzi_core.teacher.omega import trajectories

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """Everything a finished run shows; `write` lays it out as result/ (docs/run-folder.md)."""

    dataset: Dataset
    synthetic: Synthetic
    evaluation: Evaluation
    curves: pd.DataFrame
    nearest: pd.DataFrame
    memorisation: dict[str, Any]
    maps: dict[str, npt.NDArray[Any]]
    diverged: bool
    coverage: pd.DataFrame
    recovery: Recovery | None = None  # planted data only
    students: Tensors = field(default_factory=dict)  # kept ones (`evaluation.kept`)

    def write(self, folder: Path) -> None:
        """Write the files of result/ into an existing, empty folder."""
        arrays = {"latent": self.synthetic.latent.numpy(), "decoder": self.synthetic.decoder.numpy()}
        arrays["tau"] = np.array([self.synthetic.tau], dtype=np.float32)
        for name, content in (("synthetic", arrays), ("maps", self.maps)):  # safetensors writes memory as it lies
            plain = {key: np.ascontiguousarray(array) for key, array in content.items()}
            save_file(plain, folder / f"{name}.safetensors")
        if self.students:
            safetensors.torch.save_file(self.students, folder / "students.safetensors")
        vocabulary_frame(self.dataset).to_parquet(folder / "vocab.parquet")
        self.curves.to_parquet(folder / "curves.parquet")
        self.nearest.to_parquet(folder / "nearest.parquet")
        self.coverage.to_parquet(folder / "coverage.parquet")
        (folder / "evaluation.json").write_text(self.evaluation.model_dump_json())
        (folder / "dataset.json").write_text(self.dataset.info.model_dump_json())
        (folder / "memorisation.json").write_text(json.dumps(self.memorisation))
        if self.dataset.tokeniser is not None:
            (folder / "tokeniser.json").write_text(dump(self.dataset.tokeniser), encoding="utf-8")
        if self.recovery is not None:
            (folder / "recovery.json").write_text(self.recovery.model_dump_json())


def run(config: RunConfig, recorder: Recorder) -> Outcome:
    """The run `config` describes. Raises `FarziError`s for what a user can mend, and `Stopped` after a stop request."""
    recorder.log("stage", stage="prepare", message=f"Reading {library.label(config.data.source)}")
    dataset = load(config, recorder)
    return run_on(config, dataset, recorder)


def load(config: RunConfig, recorder: Recorder) -> Dataset:
    """The data set a run works on."""

    def progress(done: int, total: int) -> None:
        recorder.log("progress", stage="prepare", done=done, total=total)

    opened = library.open_source(config.data.source, progress)
    data = config.data
    text = TextSettings(None if data.tokeniser == "auto" else data.tokeniser, data.block)
    return prepare(opened, max_items=data.max_items, seed=data.seed, text=text)


def run_on(config: RunConfig, dataset: Dataset, recorder: Recorder) -> Outcome:
    """`run` on a data set that is already there."""
    check(config, dataset)
    for sentence in config.warnings:
        logger.warning("%s", sentence)
    info = dataset.info
    recorder.log("data", data_digest=info.digest, sequences=info.sequences, events=info.events, items=info.items)
    device = _device(config)
    if hvp_on(device, config.runtime.hvp) in GRAPHS:
        require_graphs(device)
    panel = Panel(config, dataset, device, recorder)
    recorder.log("stage", stage="teacher", message="Training on the full data: the 100 % line")
    panel.full()
    distilled = _distil(config, dataset, device, recorder)
    synthetic = distilled.best.synthetic.to(CPU)
    recorder.log("stage", stage="evaluate", message="Training fresh students on the distilled data and the baselines")
    evaluation = panel.report(synthetic.probs(), synthetic.stored_numbers)
    recorder.log("stage", stage="inspect", message="Nearest real sequences and item maps")
    probs, train = synthetic.read.probs().numpy(), dataset.part("train")
    apart = config.stretch if config.inner.cuts == "fixed" else None
    return Outcome(
        dataset,
        synthetic,
        evaluation,
        panel.curve_frame(),
        inspect.nearest(probs, train),
        inspect.memorisation(probs, train, dataset.part("test"), apart),
        inspect.maps(synthetic.decoder.numpy(), dataset.vocab.counts),
        distilled.diverged,
        coverage(probs, train),
        recovery(config, dataset, synthetic.decoder.numpy()),
        panel.students(),
    )


def judge(config: RunConfig, dataset: Dataset, synthetic: Synthetic, recorder: Recorder) -> Evaluation:
    """The final table anew, of synthetic data that are there: fresh students, nothing is distilled.

    Sets torch's CPU threads as `config.runtime.threads` says. Raises `ConfigError` where settings or synthetic data do
    not fit the data set.
    """
    check(config, dataset)
    if synthetic.decoder.shape[1] != len(dataset.vocab):
        raise ConfigError(
            f"the synthetic data have {synthetic.decoder.shape[1]} items and {dataset.info.name!r} has "
            f"{len(dataset.vocab)}; evaluate on the data set they were distilled from"
        )
    use_threads(config.runtime.threads)
    device = _device(config)
    return Panel(config, dataset, device, recorder).report(synthetic.probs(), synthetic.stored_numbers)


def data_of(run: Run) -> Dataset:
    """The data set of a run, which must still be the one it was distilled from; raises `RunError`."""
    dataset, environment = load(run.config, MemoryRecorder()), run.manifest.environment
    if environment and environment.data_digest and dataset.info.digest != environment.data_digest:
        raise RunError(
            f"The data of run {run.id} have changed since it was distilled; duplicate the run to start afresh"
        )
    return dataset


def best_synthetic(run: Run) -> Synthetic:
    """The synthetic data of a run that counts: its result, a mean of snapshots that won, or the best snapshot so far.
    Raises `RunError`."""
    files = run.manifest.files
    best = [event["step"] for event in run.events() if event["event"] == "validation" and event.get("best")]
    ended = ["result/synthetic.safetensors", "stages/average.safetensors"]
    names = [*ended, *(f"snapshots/{step:010d}.safetensors" for step in reversed(best))]
    name = next((one for one in names if one in files), None)
    if name is None:
        raise RunError(f"Run {run.id} has no synthetic data yet; wait for its first validation")
    tensors = _checked(run, name)
    return Synthetic(tensors["latent"].clone(), tensors["decoder"].clone(), run.config.synthetic.tau)


def kept_teachers(run: Run) -> Tensors | None:
    """The teachers that a run has trained, as it keeps them, or None; raises `StoreError`."""
    name = "stages/teachers.safetensors"
    return _checked(run, name) if name in run.manifest.files else None


def _checked(run: Run, name: str) -> Tensors:
    """A file of tensors of a run, held against its checksum; raises `StoreError`."""
    record = run.manifest.files[name]
    content = read_bounded(run.folder / name, record.size)
    if sha256(content) != record.sha256:
        raise StoreError(f"{name} of run {run.id} is damaged: its checksum is not that of the manifest")
    return safetensors.torch.load(content)


def vocabulary_frame(dataset: Dataset) -> pd.DataFrame:
    """One row an item in internal order: item, title, group, count."""
    vocab = dataset.vocab
    return pd.DataFrame(
        {columns.ITEM: vocab.ids, columns.TITLE: vocab.titles, columns.GROUP: vocab.groups, columns.COUNT: vocab.counts}
    )


STARTS = {
    "matched": "fitted to the data's pair counts", "data": "of real windows", "random": "of random numbers",
    "covering": "of real windows that read rare items, too",
}  # fmt: skip
"""What each `synthetic.start` is, in the words of a run's stages."""


def _device(config: RunConfig) -> torch.device:
    """Where `config` computes, made ready; raises `ConfigError` where the machine lacks it."""
    device = pick(config.runtime.device)
    use_exact_products(device, config.runtime.deterministic)
    return device


def _distil(config: RunConfig, dataset: Dataset, device: torch.device, recorder: Recorder) -> Distilled:
    """Omega, the teachers, the start and the outer loop."""
    train, model = dataset.part("train"), build(config.model, len(dataset.vocab), config.student_length)
    compiling = "a minute of compiling, " if config.runtime.hvp == "compiled" else ""
    wanted = config.objective.ensemble
    teaching = f"teachers on the full data ({wanted}), " if wanted else ""
    taught = "its labels taught, " if config.synthetic.start_labels == "taught" else ""
    message = f"Omega, {teaching}a start {STARTS[config.synthetic.start]}, {taught}{compiling}the outer loop"
    recorder.log("stage", stage="distil", message=message)
    stop = partial(stop_where_asked, recorder)  # each may take minutes: thousands of items, hundreds of trajectories
    omega = kept_or_made(recorder, "trajectories", lambda: {"states": trajectories(model, train, config, device, stop)})
    teachers = teachers_of(config, dataset, device, recorder)
    start = kept_or_made(recorder, "start", lambda: begin(config, dataset, teachers, device, stop).tensors())
    with ranks.joined(device) as us:
        shared = us.share(Saved({**omega, **start, "teachers": teachers}, {}))
        assert shared is not None, "rank 0 has it"
        return _outer_loop(config, dataset, shared, device, recorder, us)


def assist(config: RunConfig) -> None:
    """What ranks above 0 do in the run `config` describes: the outer loop's windows that are theirs. Writes nothing."""
    use_threads(config.runtime.threads)
    device = _device(config)
    with ranks.joined(device) as us:
        shared = us.share(None)
        if shared is not None:
            recorder = MemoryRecorder()
            _outer_loop(config, load(config, recorder), shared, device, recorder, us)


def _outer_loop(
    config: RunConfig, dataset: Dataset, shared: Saved, device: torch.device, recorder: Recorder, us: ranks.Ranks
) -> Distilled:
    start = Synthetic(shared.tensors["latent"], shared.tensors["decoder"], config.synthetic.tau)
    omega, teachers = shared.tensors["states"].to(device), shared.tensors["teachers"].to(device)
    return Distillation(config, dataset, omega, device, us, teachers).run(start, recorder)
