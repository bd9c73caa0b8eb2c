"""Which step size, width, depth, decay or dropout does full data want? A grid, judged on validation users.

    python -m benchmarks.quality.teachers --vary teacher.lr=.005,.01,.02
    python -m benchmarks.quality.teachers --vary model.hidden=16,32,64 --vary model.layers=1,2
    python -m benchmarks.quality.teachers --set model.kind=gru4rec --vary teacher.gru4rec_lr=.01,.02,.05
    python -m benchmarks.quality.teachers --data python-docs --preset standard-text --vary teacher.dropout=0,.2,.4

For every combination: mean of the validation metrics at the best epoch over the seeds, that epoch, and seconds; first
the rules that train nothing. Writes teachers-<data>-<preset>-<settings>.json beside this file. No test users are
touched.
"""

import argparse
from typing import Any

import numpy as np

from benchmarks.quality import grid
from farzi_core.commands.settings import configured
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.device import CPU, use_threads
from farzi_core.evaluation.report import METRIC_LABELS, Metric, shown
from farzi_core.evaluation.students import Judge, on_sequences
from farzi_core.evaluation.tasks import JUDGING, judge_of
from farzi_core.parallel import map_threads
from farzi_core.pipeline import load
from farzi_core.recorder import MemoryRecorder

KIND = "teachers"


def judge(config: RunConfig, dataset: Dataset) -> Judge:
    """Of the validation users (or sentences) that a run would take."""
    part = dataset.part("validation")
    keep = np.random.default_rng(config.seed).permutation(len(part))[: config.validation.users]
    return judge_of(config, dataset, part.take(keep), config.model.max_length - 1, CPU)


def rules(config: RunConfig, dataset: Dataset) -> dict[str, dict[Metric, float]]:
    """The metrics of the rules that train nothing."""
    asked, train, items = judge(config, dataset), dataset.part("train"), len(dataset.vocab)
    found = JUDGING[dataset.info.task].rules
    return {name: asked.measures.of(rule(train, items, asked), items) for name, rule in found.items()}


def words(values: dict[Metric, float]) -> str:
    return "  ".join(f"{METRIC_LABELS[metric]} {shown(metric, value)}" for metric, value in values.items())


def measure(config: RunConfig, dataset: Dataset, seeds: int) -> dict[str, Any]:
    """One row: `seeds` models, each scored after every epoch."""
    train, asked = dataset.part("train"), judge(config, dataset)
    (steps, epoch), items = config.teacher.full_steps(len(train)), len(dataset.vocab)
    models = map_threads(lambda seed: on_sequences(config, train, items, asked, seed, steps, epoch), range(seeds), CPU)
    return {
        "epoch": float(np.mean([model.best.step / epoch for model in models])),
        "seconds": round(float(np.mean([model.curve[-1].seconds for model in models])), 1),
        "mean": {metric: float(np.mean([model.best.metrics[metric] for model in models]))
                 for metric in asked.measures.metrics},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="python-calls")
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--vary", action="append", required=True, metavar="SETTING=VALUE,VALUE,...")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--set", nargs="*", default=[])
    asked = parser.parse_args()
    grid.refuse_data(parser, asked.vary)
    base = with_settings(configured(None, asked.preset, asked.set), {"data.source": asked.data})
    use_threads(base.runtime.threads)
    dataset = load(base, MemoryRecorder())
    known = rules(base, dataset)
    for name, values in known.items():
        print(f"{name:12s} {words(values)}", flush=True)
    rows: list[dict[str, Any]] = []
    for settings in grid.combinations(asked.vary):
        config = with_settings(configured(None, asked.preset, [*asked.set, *settings]), {"data.source": asked.data})
        rows.append({"settings": settings, **measure(config, dataset, asked.seeds)})
        row = rows[-1]
        place = f"{' '.join(settings):40s} epoch {row['epoch']:4.1f} {row['seconds']:6.1f} s"
        print(f"{place}  {words(row['mean'])}", flush=True)
        document = {"fixed": asked.set, "seeds": asked.seeds, "rules": known, "rows": rows}
        grid.write(KIND, dataset, asked.preset, [*asked.set, *asked.vary], document)


if __name__ == "__main__":
    main()
