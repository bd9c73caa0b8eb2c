"""Which learning rate does each architecture want on the full data? A grid, judged on validation users.

    python benchmarks/quality/teachers.py
    python benchmarks/quality/teachers.py --grid sasrec:.005,.01 gru4rec:.01,.02 --set model.fmlp_hidden=128
    python benchmarks/quality/teachers.py --data python-docs --preset standard-text --grid sasrec:.005,.01

For every architecture and rate: mean of the validation metrics at the best epoch over the seeds, that epoch's step, and
seconds; first the rules that train nothing. Writes teachers-<data>.json beside this file. No test users are touched.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from farzi_core.commands.settings import configured
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.device import use_threads
from farzi_core.evaluation.report import METRIC_LABELS, Metric, shown
from farzi_core.evaluation.students import Judge, on_sequences, teacher_adam
from farzi_core.evaluation.tasks import JUDGING, judge_of
from farzi_core.parallel import map_threads
from farzi_core.pipeline import load
from farzi_core.recorder import MemoryRecorder

GRID = ["sasrec:.005,.01,.02", "gru4rec:.005,.01,.02,.05", "fmlp:.0005,.001,.002,.005,.01"]
RATES = {"sasrec": "teacher.lr", "gru4rec": "teacher.gru4rec_lr", "fmlp": "teacher.fmlp_lr"}
CPU = torch.device("cpu")


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
    """One row: `seeds` models of one architecture and rate, each scored after every epoch."""
    train, asked = dataset.part("train"), judge(config, dataset)
    epoch = max(1, len(train) // config.teacher.batch)
    steps, items = epoch * config.teacher.epochs, len(dataset.vocab)
    adam = teacher_adam(config)
    models = map_threads(
        lambda seed: on_sequences(config, adam, train, items, asked, seed, steps, epoch), range(seeds), CPU
    )
    kind = config.model.kind
    return {
        "kind": kind, "lr": config.teacher.lr_of(kind), "seeds": seeds,
        "epoch": float(np.mean([model.best.step / epoch for model in models])),
        "seconds": round(float(np.mean([model.curve[-1].seconds for model in models])), 1),
        "mean": {metric: float(np.mean([model.best.metrics[metric] for model in models]))
                 for metric in asked.measures.metrics},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="python-calls")
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--grid", nargs="+", default=GRID)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--set", nargs="*", default=[])
    asked = parser.parse_args()
    base = with_settings(configured(None, asked.preset, asked.set), {"data.source": asked.data})
    use_threads(base.runtime.threads)
    dataset = load(base, MemoryRecorder())
    known = rules(base, dataset)
    for name, values in known.items():
        print(f"{name:12s} {words(values)}", flush=True)
    settings, info = base.model_dump(mode="json"), dataset.info.model_dump(mode="json")
    document: dict[str, Any] = {"data": info, "settings": settings, "rules": known, "rows": []}
    for kind, rates in (one.split(":") for one in asked.grid):
        for rate in map(float, rates.split(",")):
            row = measure(with_settings(base, {"model.kind": kind, RATES[kind]: rate}), dataset, asked.seeds)
            document["rows"].append(row)
            place = f"{kind:8s} lr {rate:<7g} epoch {row['epoch']:4.1f} {row['seconds']:6.1f} s"
            print(f"{place}  {words(row['mean'])}", flush=True)
            name = f"teachers-{asked.data}.json".replace(":", "-")
            (Path(__file__).parent / name).write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
