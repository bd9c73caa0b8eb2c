"""Distil and evaluate from a notebook or a script, in memory: the same pipeline as the worker, without run folders.

events  = farzi.read_events("clicks.csv", user="session", item="item", order="order")
dataset = farzi.prepare(events)
run     = farzi.distill(dataset, farzi.RunConfig(), on_step=print)
report  = farzi.evaluate(run.synthetic, dataset)
run.synthetic.save("farzi-data/")
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from farzi_core import pipeline
from farzi_core.config import Kind, RunConfig, with_settings
from farzi_core.data.dataset import Dataset, DatasetInfo
from farzi_core.device import pick, use_threads
from farzi_core.distill.synthetic import Synthetic
from farzi_core.errors import ConfigError
from farzi_core.evaluation.final import Panel
from farzi_core.evaluation.report import Evaluation
from farzi_core.recorder import MemoryRecorder, Meta
from farzi_core.views import load
from farzi_core.views.package import Package


@dataclass(frozen=True)
class FarziData(Synthetic):
    """Synthetic data that know where they come from, so that they can be saved for others."""

    vocab: pd.DataFrame = dataclasses.field(kw_only=True, repr=False)
    info: DatasetInfo = dataclasses.field(kw_only=True)
    evaluation: Evaluation = dataclasses.field(kw_only=True, repr=False)
    config: RunConfig = dataclasses.field(kw_only=True)

    def save(self, folder: str | Path) -> Path:
        """Write safetensors, vocabulary and card (`farzi_core.views.package`) into a new folder.

        Raises `StoreError` where it exists or cannot be written.
        """
        stored = load.Synthetic(self.latent.numpy(), self.decoder.numpy(), self.tau)
        return Package(stored, self.vocab, self.info, self.evaluation, self.config).save(folder)


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
    use_threads(config.runtime.threads)

    def heard(event: Meta) -> None:
        if on_step is not None and event["event"] == "step":
            on_step(event)

    outcome = pipeline.run_on(config, dataset, MemoryRecorder(heard))
    plain = outcome.synthetic
    vocab, report = pipeline.vocabulary_frame(dataset), outcome.evaluation
    data = FarziData(
        plain.latent, plain.decoder, plain.tau, vocab=vocab, info=dataset.info, evaluation=report, config=config
    )
    known = {one.name: getattr(outcome, one.name) for one in dataclasses.fields(outcome)}
    return Distilled(**{**known, "synthetic": data})


def evaluate(
    synthetic: Synthetic,
    dataset: Dataset,
    *,
    config: RunConfig | None = None,
    students: Sequence[Kind] | None = None,
    seeds: int = 5,
) -> Evaluation:
    """The final table anew: fresh students on `synthetic`, on full data and on the baselines, `seeds` of each.

    config     how students are trained; default: the settings that made `synthetic`, if it knows them
    students   architectures ("sasrec", "gru4rec", "fmlp"): the first has the whole table, the others full data and
               distilled (`Evaluation.others`); default: as `config` says
    Raises `ConfigError` for unknown students, or sizes that do not fit the data.
    """
    if config is None:
        config = synthetic.config if isinstance(synthetic, FarziData) else RunConfig()
    sizes = {"synthetic.mu": synthetic.mu, "synthetic.xi": synthetic.xi, "synthetic.d": synthetic.decoder.shape[0]}
    asked = {} if students is None else {"evaluation.students": list(students)}
    config = with_settings(config, {**sizes, **asked, "evaluation.seeds": seeds, "evaluation.full_seeds": seeds})
    pipeline.check(config, dataset)
    if synthetic.decoder.shape[1] != len(dataset.vocab):
        raise ConfigError(
            f"the synthetic data have {synthetic.decoder.shape[1]} items and {dataset.info.name!r} has "
            f"{len(dataset.vocab)}; evaluate on the data set they were distilled from"
        )
    use_threads(config.runtime.threads)
    panel = Panel(config, dataset, pick(config.runtime.device), MemoryRecorder())
    return panel.report(synthetic.probs(), synthetic.stored_numbers)
