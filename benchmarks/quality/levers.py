"""What does a setting do to the start and to fresh students, before any outer step? One row a combination of values.

    python benchmarks/quality/levers.py --lever inner.weight_decay=0,.001,.002,.005
    python benchmarks/quality/levers.py --data dataset:<id> --preset standard --lever inner.weight_decay=0,.005,.01,.02
    python benchmarks/quality/levers.py --lever synthetic.start=random,data,matched --lever synthetic.d=16,32

Fresh students on Z and M as the start makes them; the mean and standard deviation of the validation metrics over
the seeds, the best step, the mean entropy of a position, and seconds. Writes levers-<data>-<preset>-<settings>.json
beside this file, without the preset where it is the default. It screens what is worth a whole run
(docs/experiments.md). No test users are touched.
"""

import argparse
import itertools
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from farzi_core.commands.settings import configured
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.device import use_threads
from farzi_core.distill.start import initial
from farzi_core.evaluation.report import METRIC_LABELS, shown
from farzi_core.evaluation.students import on_synthetic
from farzi_core.evaluation.tasks import judge_of
from farzi_core.parallel import map_threads
from farzi_core.pipeline import load
from farzi_core.recorder import MemoryRecorder

CPU = torch.device("cpu")
PRESET = "demo"  # unless asked for another one


def measure(config: RunConfig, dataset: Dataset, seeds: int) -> dict[str, Any]:
    """One row: a start, and `seeds` students on it."""
    started = time.perf_counter()
    probs = initial(dataset.part("train"), len(dataset.vocab), config.synthetic, config.seed).probs()
    seconds = time.perf_counter() - started
    judge = judge_of(config, dataset, dataset.part("validation"), config.synthetic.xi - 1, CPU)
    steps = config.validation.steps
    every = max(1, steps // 16)
    students = map_threads(
        lambda seed: on_synthetic(config, probs, probs.shape[-1], judge, seed, steps, every), range(seeds), CPU
    )
    values = {metric: [student.best.metrics[metric] for student in students] for metric in judge.measures.metrics}
    return {
        "seconds": round(seconds, 2),
        "entropy": float(torch.special.entr(probs).sum(-1).mean()),
        "steps": float(np.mean([student.best.step for student in students])),
        "mean": {metric: float(np.mean(one)) for metric, one in values.items()},
        "std": {metric: float(np.std(one, ddof=1)) for metric, one in values.items() if seeds > 1},
    }


def named(data: str, preset: str, levers: Iterable[str]) -> str:
    """The name of a file: what another data set, preset or lever would change is part of it."""
    parts = ["levers", data, *([preset] if preset != PRESET else []), *levers]
    return "-".join(parts).lower().replace(" ", "-").replace(".", "-") + ".json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="python-calls")
    parser.add_argument("--preset", default=PRESET)
    parser.add_argument("--lever", action="append", required=True, metavar="SETTING=VALUE,VALUE,...")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    levers = dict(one.split("=", 1) for one in asked.lever)
    if fixed := next((name for name in levers if name.startswith("data.")), None):
        parser.error(f"--lever {fixed}: the data are read once, so no row would differ; vary another section")
    base = with_settings(configured(None, asked.preset, []), {"data.source": asked.data})
    use_threads(base.runtime.threads)
    dataset = load(base, MemoryRecorder())
    rows = []
    for values in itertools.product(*(one.split(",") for one in levers.values())):
        settings = [f"{name}={value}" for name, value in zip(levers, values, strict=True)]
        row = {"settings": settings, **measure(configured(None, asked.preset, settings), dataset, asked.seeds)}
        rows.append(row)
        numbers = "  ".join(f"{METRIC_LABELS[one]} {shown(one, value)}" for one, value in row["mean"].items())
        print(f"{' '.join(settings):40s} at {row['steps']:4.0f}  entropy {row['entropy']:.2f}  {numbers}", flush=True)
    about = {"data": dataset.info.model_dump(mode="json"), "preset": asked.preset, "seeds": asked.seeds}
    path = Path(__file__).parent / named(dataset.info.name, asked.preset, levers)
    path.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
