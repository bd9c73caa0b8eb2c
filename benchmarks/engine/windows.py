"""One window of a run, eager against compiled, at the sizes of ordinary runs: where does `runtime.hvp=compiled` pay?

    python -m benchmarks.engine.windows           # minutes, most of them compilation; writes results/windows.json

Tokens are random, as time does not depend on them. Eager and compiled windows take turns, so that a busy machine slows
both; each figure is the best of `ROUNDS`. float32, one thread.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Sequences
from farzi_core.device import describe, use_threads
from farzi_core.distill.outer import OuterProblem, OuterState, meta_parameters
from farzi_core.distill.synthetic import Synthetic
from farzi_core.presets import PRESETS

SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "e-shop": (217, {"synthetic.mu": 100, "synthetic.xi": 10, "synthetic.d": 16}),
    "Python calls": (500, {"synthetic.mu": 200, "synthetic.xi": 5, "synthetic.d": 32}),
    "Amazon Magazine": (1305, {"synthetic.mu": 50, "synthetic.xi": 20, "synthetic.d": 16}),
}
WAYS = ("eager", "compiled")
ROUNDS = 4
USERS, LENGTH = 1000, 8
CPU = torch.device("cpu")
RESULT = Path(__file__).parent / "results" / "windows.json"


def problem(config: RunConfig, items: int) -> tuple[OuterProblem, OuterState]:
    """The outer problem of `config` on random tokens, and its first state."""
    generator = np.random.default_rng(0)
    offsets = np.arange(USERS + 1, dtype=np.int64) * LENGTH
    train = Sequences(generator.integers(0, items, USERS * LENGTH), offsets, ("",) * USERS)
    latent = torch.randn(config.synthetic.mu, config.synthetic.xi, config.synthetic.d)
    found = OuterProblem(config, train, items, torch.zeros(0), CPU)
    return found, found.start(Synthetic(latent, torch.randn(config.synthetic.d, items)))


def measure(items: int, sizes: dict[str, Any]) -> dict[str, Any]:
    """Seconds of a window both ways, and of the first compiled one."""
    base = with_settings(PRESETS["standard"].config, {**sizes, "teacher.trajectories": 0})
    problems = {way: problem(with_settings(base, {"runtime.hvp": way}), items) for way in WAYS}

    def window(way: str) -> float:
        found, state = problems[way]
        started = time.perf_counter()
        found.window(state, 0, meta_parameters(state.synthetic))
        return time.perf_counter() - started

    first = {way: window(way) for way in WAYS}
    times = [{way: window(way) for way in WAYS} for _ in range(ROUNDS)]
    return {
        "items": items, **sizes, "steps": base.inner.steps, "rows": base.inner.batch, "first": first,
        "best": {way: min(one[way] for one in times) for way in WAYS},
    }  # fmt: skip


def main() -> None:
    use_threads(1)
    torch.manual_seed(0)
    rows = []
    for name, (items, sizes) in SIZES.items():
        rows.append({"name": name, **measure(items, sizes)})
        best, first = rows[-1]["best"], rows[-1]["first"]["compiled"]
        print(
            f"| {name} | {items:,} | {best['eager']:.2f} | {best['compiled']:.2f} | "
            f"{best['compiled'] / best['eager']:.2f} | {first:.0f} |",
            flush=True,
        )
    RESULT.write_text(json.dumps({"device": describe(CPU), "torch": torch.__version__, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
