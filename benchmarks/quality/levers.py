"""What does a setting do to the start and to fresh students, before any outer step? One row a combination of values.

    python -m benchmarks.quality.levers --lever inner.weight_decay=0,.001,.002,.005
    python -m benchmarks.quality.levers --data dataset:<id> --preset standard --lever inner.weight_decay=0,.005,.01,.02
    python -m benchmarks.quality.levers --lever synthetic.start=random,data,matched --lever synthetic.d=16,32

Fresh students on Z and M as the start makes them; the mean and standard deviation of the validation metrics over
the seeds, the best step, the mean entropy of a position, and seconds. Writes levers-<data>-<preset>-<settings>.json
beside this file. It screens what is worth a whole run (docs/experiments.md). No test users are touched.
"""

import argparse
import time
from typing import Any

import numpy as np
import torch

from benchmarks.quality import grid
from farzi_core.commands.settings import configured
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.device import CPU, use_threads
from farzi_core.distill.taught import begin
from farzi_core.evaluation.report import METRIC_LABELS, shown
from farzi_core.evaluation.students import on_synthetic
from farzi_core.evaluation.tasks import judge_of
from farzi_core.parallel import map_threads
from farzi_core.pipeline import load
from farzi_core.recorder import MemoryRecorder
from farzi_core.teacher.ensemble import NO_TEACHERS, teachers_of

KIND = "levers"


def measure(config: RunConfig, dataset: Dataset, seeds: int) -> dict[str, Any]:
    """One row: a start, and `seeds` students on it."""
    started = time.perf_counter()
    taught = config.synthetic.start_labels == "taught"
    weights = teachers_of(config, dataset, CPU, MemoryRecorder()) if taught else NO_TEACHERS
    probs = begin(config, dataset, weights).probs()
    seconds = time.perf_counter() - started
    judge = judge_of(config, dataset, dataset.part("validation"), config.student_length - 1, CPU)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="python-calls")
    parser.add_argument("--preset", default="demo")
    parser.add_argument("--lever", action="append", required=True, metavar="SETTING=VALUE,VALUE,...")
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    grid.refuse_data(parser, asked.lever)
    base = with_settings(configured(None, asked.preset, asked.set), {"data.source": asked.data})
    use_threads(base.runtime.threads)
    dataset = load(base, MemoryRecorder())
    rows: list[dict[str, Any]] = []
    for settings in grid.combinations(asked.lever):
        config = configured(None, asked.preset, [*asked.set, *settings])
        rows.append({"settings": settings, **measure(config, dataset, asked.seeds)})
        row = rows[-1]
        numbers = "  ".join(f"{METRIC_LABELS[one]} {shown(one, value)}" for one, value in row["mean"].items())
        print(f"{' '.join(settings):40s} at {row['steps']:4.0f}  entropy {row['entropy']:.2f}  {numbers}", flush=True)
        document = {"fixed": asked.set, "seeds": asked.seeds, "rows": rows}
        grid.write(KIND, dataset, asked.preset, [*asked.set, *asked.lever], document)


if __name__ == "__main__":
    main()
