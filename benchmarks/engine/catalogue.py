"""One Hessian-vector product at large catalogues: plain reverse over reverse, by parts, and from Z and M.

    python benchmarks/engine/catalogue.py [--items 20000 200000]

20 x 50 synthetic events, the student of case.py, one thread, a fresh process each. "plain" is the dense loss by
autograd and is left out above MAX_PLAIN items. peak is the process's peak above its size with weights and
meta-parameters loaded (Linux: the high-water mark is set back before).
Writes results/catalogue.json. Measure on a quiet machine.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from case import Case

from farzi_core.device import peak_bytes
from farzi_core.distill.differentiate import products_of
from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.layout import Layout

HERE = Path(__file__).resolve().parent
KINDS = ("plain", "parts", "parts from Z and M")
MAX_PLAIN = 20_000  # items; at 200,000 the dense loss keeps about seven arrays of 0.8 GB
REPEATS = 3
CPU = torch.device("cpu")


def measure(kind: str, items: int) -> dict[str, Any]:
    """Seconds (the fastest of three) and peak of one product."""
    torch.set_num_threads(1)
    case = Case.make(items=items, mu=20)
    synthetic = case.synthetic
    factors = {"latent": synthetic.latent, "decoder": synthetic.decoder}
    meta = factors if "Z" in kind else {"probs": synthetic.probs()}
    layout = Layout.of(case.weights)
    theta = layout.flatten(case.weights)
    loss = (lambda p, m, t: case.dense(p, m["probs"])) if kind == "plain" else SyntheticLoss(StudentCore(case.model))
    u = torch.randn(theta.shape, generator=torch.Generator().manual_seed(1))
    before = _resident()
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts again from here
    products = products_of(loss, layout, meta, theta.device, "eager")
    taken = []
    for _ in range(REPEATS):
        started = time.process_time()
        products.product(theta, u, 0)
        taken.append(time.process_time() - started)
    return {"kind": kind, "items": items, "seconds": min(taken), "peak_mb": peak_bytes(CPU) / 2**20 - before}


def _resident() -> float:
    import psutil

    return psutil.Process().memory_info().rss / 2**20


def run(sizes: list[int]) -> None:
    rows = []
    for items in sizes:
        for kind in KINDS if items <= MAX_PLAIN else KINDS[1:]:
            command = [sys.executable, str(Path(__file__).resolve()), "--kind", kind, "--items", str(items)]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
            rows.append(json.loads(done.stdout.strip().splitlines()[-1]))
            print("{kind:<20} {items:>8,} items {seconds:8.2f} s {peak_mb:8.0f} MB".format(**rows[-1]), flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    document = {"torch": torch.__version__, "rows": rows}
    (HERE / "results" / "catalogue.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[20_000, 200_000], help="catalogue sizes")
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.kind:
        print(json.dumps(measure(asked.kind, asked.items[0])))
    else:
        run(asked.items)
