"""Distil and evaluate from a notebook or a script, in memory: the same pipeline as the worker, without run folders.

events  = farzi.read_events("clicks.csv", user="session", item="item", order="order")
dataset = farzi.prepare(events)
run     = farzi.distill(dataset, farzi.RunConfig(), on_step=print)
report  = farzi.evaluate(run.synthetic, dataset)
run.synthetic.save("farzi-data/")
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from farzi_core import pipeline
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset, DatasetInfo
from farzi_core.device import describe, pick, use_threads
from farzi_core.distill.synthetic import Synthetic
from farzi_core.evaluation.report import Evaluation
from farzi_core.recorder import MemoryRecorder, Meta
from farzi_core.runs import environment
from farzi_core.runs.run import settings_digest
from farzi_core.sections import Form, Kind
from farzi_core.views import load
from farzi_core.views.origin import Origin
from farzi_core.views.package import Package
from farzi_core.views.runs import seconds


@dataclass(frozen=True)
class FarziData(Synthetic):
    """Synthetic data that know where they come from, so that they can be saved for others."""

    vocab: pd.DataFrame = dataclasses.field(kw_only=True, repr=False)
    info: DatasetInfo = dataclasses.field(kw_only=True)
    evaluation: Evaluation = dataclasses.field(kw_only=True, repr=False)
    config: RunConfig = dataclasses.field(kw_only=True)
    origin: Origin = dataclasses.field(kw_only=True, repr=False)

    def save(self, folder: str | Path) -> Path:
        """Write safetensors, vocabulary and card (`farzi_core.views.package`) into a new folder.

        Raises `StoreError` where it exists or cannot be written.
        """
        stored = load.Synthetic.of(self.latent.numpy(), self.decoder.numpy(), self.tau)
        return Package(stored, self.vocab, self.info, self.evaluation, self.config, self.origin).save(folder)


@dataclass(frozen=True)
class Distilled(pipeline.Outcome):
    """A finished run in memory: `synthetic`, `evaluation` (the final table), `curves`, `nearest`, `maps`, ..."""

    synthetic: FarziData


def distill(
    dataset: Dataset, config: RunConfig | None = None, on_step: Callable[[Meta], None] | None = None
) -> Distilled:
    """Distil `dataset` with the settings of `config` (its `data` section is not used: the data are here).

    on_step   called after every outer step with its `step` event (`docs/run-folder.md`): step, steps, loss, ...
    Sets torch's CPU threads as `config.runtime.threads` says. Raises `ConfigError` where settings and data do not fit,
    `DivergedError` where no good result was found.
    """
    config = config or RunConfig()
    threads, began, stages = use_threads(config.runtime.threads), time.perf_counter(), list[Meta]()

    def heard(event: Meta) -> None:
        if event["event"] == "stage":
            stages.append(event | {"elapsed": time.perf_counter() - began})
        if on_step is not None and event["event"] == "step":
            on_step(event)

    outcome = pipeline.run_on(config, dataset, MemoryRecorder(heard))
    device, plain = pick(config.runtime.device), outcome.synthetic
    where = environment.describe(device.type, describe(device), threads, dataset.info.digest)
    origin = Origin(settings_digest(config), where, seconds(stages))
    vocab, report = pipeline.vocabulary_frame(dataset), outcome.evaluation
    data = FarziData(
        plain.latent,
        plain.decoder,
        plain.tau,
        vocab=vocab,
        info=dataset.info,
        evaluation=report,
        config=config,
        origin=origin,
    )
    known = {one.name: getattr(outcome, one.name) for one in dataclasses.fields(outcome)}
    return Distilled(**{**known, "synthetic": data})


def evaluate(
    synthetic: Synthetic,
    dataset: Dataset,
    *,
    config: RunConfig | None = None,
    students: Sequence[Kind] | None = None,
    forms: Sequence[Form] | None = None,
    seeds: int = 5,
) -> Evaluation:
    """The final table anew: fresh students on `synthetic`, on full data and on the baselines, `seeds` of each.

    config     how students are trained; default: the settings that made `synthetic`, if it knows them
    students   architectures ("sasrec", "gru4rec", "fmlp"): the first has the whole table, the others full data and
               distilled (`Evaluation.others`); default: as `config` says
    forms      of the synthetic data that the first student is trained on ("soft", "argmax", "sampled"), a row each;
               default: as `config` says
    Raises `ConfigError` for unknown students or forms, or sizes that do not fit the data.
    """
    if config is None:
        config = synthetic.config if isinstance(synthetic, FarziData) else RunConfig()
    sizes = {"synthetic.mu": synthetic.mu, "synthetic.xi": synthetic.xi, "synthetic.d": synthetic.decoder.shape[0]}
    begun = {"synthetic.start": "matched", "synthetic.start_labels": "next"}  # long over
    labels = {"synthetic.labels": "own" if synthetic.labelled else "next", **begun}
    named: dict[str, Sequence[str] | None] = {"evaluation.students": students, "evaluation.forms": forms}
    asked = {setting: list(values) for setting, values in named.items() if values is not None}
    config = with_settings(
        config, {**sizes, **labels, **asked, "evaluation.seeds": seeds, "evaluation.full_seeds": seeds}
    )
    return pipeline.judge(config, dataset, synthetic, MemoryRecorder())
