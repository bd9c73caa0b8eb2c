"""How much of a meta-gradient is signal, by the age at which its window begins? One row an age.

    python -m benchmarks.quality.noise --data python-calls --preset demo
    python -m benchmarks.quality.noise --data dataset:<id> --preset standard --set inner.batch=30 --students 16

Without burn-in and teachers, whatever the settings say, students with different random weights live on the start, one
window after the other, each with its own rows and real sequences; Z and M stand still. Of the meta-gradients of an age:
the mean norm; the mean cosine between two of them, which differ in all that is random (with cosine c a mean of n has
the cosine sqrt(n c / (1 + (n - 1) c)) to the mean of infinitely many); and the cosine of their mean to that of the
oldest age. Writes noise-<data>-<preset>.json beside this file. It is what `inner.burn_in` is chosen by
(docs/experiments.md).
"""

import argparse
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.quality import grid
from farzi_core.commands.settings import configured
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.device import CPU, use_threads
from farzi_core.distill.flight import Runner
from farzi_core.distill.outer import OuterProblem, OuterState, latent_gradients, meta_parameters
from farzi_core.distill.start import initial
from farzi_core.models.model import build
from farzi_core.pipeline import load
from farzi_core.recorder import MemoryRecorder
from farzi_core.teacher.omega import trajectories

KIND = "noise"


def measure(config: RunConfig, dataset: Dataset, students: int) -> list[dict[str, Any]]:
    """A row an age: `students` windows each."""
    part, items = dataset.part("train"), len(dataset.vocab)
    omega = trajectories(build(config.model, items, config.student_length), part, config, CPU)
    problem = OuterProblem(config, part, items, omega, CPU)
    state = problem.start(initial(part, items, config.synthetic, config.seed))
    lives = [_life(problem, state, index) for index in range(students)]
    by_age = {age: torch.stack([life[age] for life in lives]) for age in lives[0]}
    oldest = by_age[max(by_age)].mean(0)
    return [
        {
            "age": age,
            "norm": float(found.norm(dim=1).mean()),
            "between_two": float(torch.nn.functional.cosine_similarity(found[::2], found[1::2]).mean()),
            "mean_to_oldest": float(torch.nn.functional.cosine_similarity(found.mean(0), oldest, 0)),
        }
        for age, found in by_age.items()
    ]


def _life(problem: OuterProblem, state: OuterState, index: int) -> dict[int, Tensor]:
    """Age -> (dZ, dM) as one vector, of the windows of one student."""
    runner, found = problem.flight.new_runner(index), dict[int, Tensor]()
    meta, steps = meta_parameters(state.synthetic), problem.config.inner.steps
    while runner.age + steps <= max(problem.objective.lifetime, steps):
        window = problem.window(replace(state, runners=(runner,), step=1000 * index + runner.age), 0, meta)
        parts = latent_gradients(state.synthetic, meta, window.grads)
        found[runner.age] = torch.cat([part.flatten() for part in parts])
        theta = problem.flight.layout.flatten(window.final_params)
        runner = Runner(theta, window.state, runner.age + steps)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="python-calls")
    parser.add_argument("--preset", default="demo")
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--students", type=int, default=12, help="an even number: they are compared in pairs")
    asked = parser.parse_args()
    if asked.students < 2 or asked.students % 2:
        parser.error(f"--students {asked.students}: they are compared in pairs; choose an even number")
    base = configured(None, asked.preset, asked.set).untaught
    config = with_settings(base, {"data.source": asked.data, "inner.burn_in": 0})
    use_threads(config.runtime.threads)
    dataset = load(config, MemoryRecorder())
    rows = measure(config, dataset, asked.students)
    for row in rows:
        print("  ".join(f"{name} {value:.3g}" for name, value in row.items()), flush=True)
    document = {"fixed": asked.set, "students": asked.students, "rows": rows}
    grid.write(KIND, dataset, asked.preset, asked.set, document)


if __name__ == "__main__":
    main()
