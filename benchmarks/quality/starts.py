"""How good is a start before the first outer step? Fresh students on Z and M as each rule makes them.

    python benchmarks/quality/starts.py --data python-calls
    python benchmarks/quality/starts.py --events clicks.csv --user session --item item --order order

For every shape [mu x xi], d and rule: mean and standard deviation of the validation metrics over the seeds, and seconds
of the start. Writes starts-<data>.json beside this file. No test users are touched.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import farzi_core as farzi
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.device import use_threads
from farzi_core.distill.start import initial
from farzi_core.evaluation.report import METRICS
from farzi_core.evaluation.students import Ranker, on_synthetic
from farzi_core.parallel import map_threads

RANKING = METRICS["recommendation"]

SHAPES = [(100, 10, 16), (100, 10, 32), (200, 5, 16), (200, 5, 32), (330, 3, 32), (50, 20, 16)]
RULES = ["random", "data", "matched"]
CPU = torch.device("cpu")


def measure(dataset: Dataset, mu: int, xi: int, d: int, rule: str, seeds: int) -> dict[str, Any]:
    """One row: a start, and `seeds` students on it."""
    settings = {"synthetic.mu": mu, "synthetic.xi": xi, "synthetic.d": d, "synthetic.start": rule}
    config = with_settings(RunConfig(), settings)
    started = time.perf_counter()
    start = initial(dataset.part("train"), len(dataset.vocab), config.synthetic, 0)
    seconds = time.perf_counter() - started
    ranker = Ranker(dataset.part("validation"), xi - 1, CPU)
    students = map_threads(lambda seed: on_synthetic(config, start.probs(), ranker, seed, 200, 10), range(seeds), CPU)
    values = {metric: [student.best.metrics[metric] for student in students] for metric in RANKING}
    return {
        "shape": [mu, xi], "d": d, "start": rule, "seconds": round(seconds, 2),
        "steps": float(np.mean([student.best.step for student in students])),
        "mean": {metric: float(np.mean(one)) for metric, one in values.items()},
        "std": {metric: float(np.std(one, ddof=1)) for metric, one in values.items()},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="python-calls")
    parser.add_argument("--events", type=Path)
    for column in ("user", "item", "order"):
        parser.add_argument(f"--{column}")
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    use_threads(0)
    if asked.events:
        events = farzi.read_events(asked.events, user=asked.user, item=asked.item, order=asked.order)
    else:
        events = farzi.open_source(asked.data)
    dataset = farzi.prepare(events)
    rows = []
    for mu, xi, d in SHAPES:
        for rule in RULES:
            row = measure(dataset, mu, xi, d, rule, asked.seeds)
            rows.append(row)
            numbers = "  ".join(
                f"{metric} {100 * row['mean'][metric]:5.1f}±{100 * row['std'][metric]:.1f}" for metric in RANKING
            )
            print(f"[{mu}x{xi}] d={d:2d} {rule:8s} {row['seconds']:5.1f} s  {numbers}", flush=True)
    name = asked.events.stem if asked.events else asked.data
    document = {"data": dataset.info.model_dump(mode="json"), "seeds": asked.seeds, "rows": rows}
    (Path(__file__).parent / f"starts-{name}.json").write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
