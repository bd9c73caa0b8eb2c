"""K students differentiated at once against one after another, on the student of case.py: seconds of CPU time.

    python benchmarks/engine/stacked.py [--students 4] [--steps 5]

Writes results/stacked.json. A GPU's lever (docs/engine.md); here is what it costs or saves on a CPU, one thread.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from case import ADAM, Case

from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.reverse import adam_metagradient

HERE = Path(__file__).resolve().parent
REPEATS = 3


def measure(students: int, steps: int) -> dict[str, float]:
    """Both ways in turn, the fastest of three each, and how far their gradients are apart."""
    torch.set_num_threads(1)
    case = Case.make()
    stack = case.stacked(students)
    drawn = [{name: tensor[i] for name, tensor in stack.items()} for i in range(students)]
    loss, probs = SyntheticLoss(StudentCore(case.model)), {"probs": case.synthetic.probs()}

    def stacked() -> torch.Tensor:
        outer = [case.outer] * students
        return adam_metagradient(loss, outer, stack, probs, steps=steps, optimizer=ADAM).grads["probs"]

    def in_turn() -> torch.Tensor:
        found = [adam_metagradient(loss, case.outer, one, probs, steps=steps, optimizer=ADAM) for one in drawn]
        return torch.stack([one.grads["probs"] for one in found]).sum(0)

    taken: dict[str, list[float]] = {"stacked": [], "in turn": []}
    found = {}
    for _ in range(REPEATS):
        for name, run in (("stacked", stacked), ("in turn", in_turn)):
            started = time.process_time()
            found[name] = run()
            taken[name].append(time.process_time() - started)
    apart = (found["stacked"] - found["in turn"]).norm() / found["in turn"].norm()
    seconds = {name: min(values) for name, values in taken.items()}
    return {**seconds, "ratio": seconds["stacked"] / seconds["in turn"], "apart": float(apart)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5)
    asked = parser.parse_args()
    document = {"students": asked.students, "T": asked.steps} | measure(asked.students, asked.steps)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "stacked.json").write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document))
