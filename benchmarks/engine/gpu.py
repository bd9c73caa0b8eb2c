"""One meta-gradient on a GPU: eager, compiled, as CUDA graphs, K students at once, and JAX; results/gpu.json.

    python benchmarks/engine/gpu.py [--steps 100] [--case peers] [--without-jax] [--out FILE]

The student of case.py with eps 1e-4, with which float32 carries the gradient of 100 steps, and one of the size and the
eps that the presets have. Wall seconds with the device idle before and after, best of `REPEATS` after a first call that
compiles and captures. "reverse" is what is left of a meta-gradient after a forward pass of its own, a step. Errors are
against the engine in float64 on the same GPU. JAX runs in a process of its own, its products in full float32, too.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from case import Case, Pair, naive, train
from compare import accuracy

from farzi_core.device import describe, seconds, use_exact_products
from farzi_core.distill.adam import Adam
from farzi_core.distill.differentiate import GRAPHS, Hvp
from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.reverse import MetaGradient, adam_metagradient
from farzi_core.models.sasrec import SASRec

HERE = Path(__file__).resolve().parent
CUDA = torch.device("cuda")
CALM = Adam(lr=1e-3, eps=1e-4)
REPEATS = 3
WAYS: tuple[Hvp, ...] = ("eager", "compiled", "captured", "compiled-captured")
STUDENTS = 8
LONGEST_UNROLL = 100  # steps; 10 GB of graphs


def cases() -> dict[str, Case]:
    """What is measured: the case of the peers, and a window of a run on 50 x 20 events of 500 items."""
    big, small = Case.make(), Case.make(items=500)
    model = SASRec(500, hidden=32, layers=1, heads=1, max_length=20)
    latent = small.synthetic.latent[:, :20].contiguous()
    weights = model.init(torch.Generator().manual_seed(0))
    synthetic, tokens = replace(small.synthetic, latent=latent), small.tokens[:, :20].contiguous()
    small = replace(small, model=model, weights=weights, synthetic=synthetic, tokens=tokens)
    return {"peers": replace(big, adam=CALM), "window": replace(small, adam=replace(CALM, eps=1e-3))}


def meta_gradient(case: Case, steps: int, hvp: Hvp, students: int = 1, tape: Any = "device") -> MetaGradient[Any]:
    """Of one student, or of several stacked ones with first weights of their own."""
    probs, loss = {"probs": case.synthetic.probs()}, SyntheticLoss(StudentCore(case.model))
    settings: dict[str, Any] = {"steps": steps, "optimizer": case.adam, "hvp": hvp, "tape": tape}
    if students == 1:
        return adam_metagradient(loss, case.outer, case.weights, probs, **settings)
    return adam_metagradient(loss, [case.outer] * students, case.stacked(students), probs, **settings)


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Best wall seconds of a run after a first one, and what it found."""
    run()
    best, found = float("inf"), None
    for _ in range(REPEATS):
        began = seconds(CUDA)
        found = run()
        best = min(best, seconds(CUDA) - began)
    return best, found


def row(method: str, case: Case, steps: int, run: Callable[[], Any], of: Callable[[Any], Pair], wanted: Pair | None,
        ) -> dict[str, Any]:  # fmt: skip
    """One line of the table; a method that fails says why."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_reserved()  # graphs of earlier rows keep their pools
    try:
        began = time.perf_counter()
        took, found = timed(run)
    except (RuntimeError, ValueError) as error:
        return {"method": method, "T": steps, "failed": str(error).strip().splitlines()[-1][:300]}
    result: dict[str, Any] = {"method": method, "T": steps, "ms": 1000 * took}
    result["first_s"] = time.perf_counter() - began - REPEATS * took
    result["peak_mb"] = (torch.cuda.max_memory_reserved() - before) / 2**20
    if isinstance(found, MetaGradient):
        forward = took / found.cost_ratio
        result["reverse_ms_a_step"] = 1000 * (took - forward) / steps
    return result | (accuracy(of(found), wanted) if wanted is not None else {})


def measured(case: Case, steps: int) -> Iterator[dict[str, Any]]:
    """All of our rows of one case."""
    there, exact = case.to(CUDA), case.to(CUDA, torch.float64)
    probs = there.synthetic.probs()

    def of_probs(found: MetaGradient[Any]) -> Pair:
        return there.synthetic.gradients(probs, found.grads["probs"])

    reference = meta_gradient(exact, steps, "eager")
    wanted = exact.synthetic.gradients(exact.synthetic.probs(), reference.grads["probs"])
    yield row("plain training, dense", there, steps, lambda: train(there, steps, False), lambda pair: pair, None)
    yield row("plain training, factored", there, steps, lambda: train(there, steps, True), lambda pair: pair, None)
    if steps <= LONGEST_UNROLL:
        yield row("naive unroll", there, steps, lambda: naive(there, steps), lambda pair: pair, wanted)
    for way in WAYS:
        yield row(f"ours, {way}", there, steps, lambda way=way: meta_gradient(there, steps, way), of_probs, wanted)
    yield row("ours, captured, host tape", there, steps,
              lambda: meta_gradient(there, steps, "captured", tape="host"), of_probs, wanted)  # fmt: skip
    for way in GRAPHS:
        yield row(f"ours, {way}, K = {STUDENTS}", there, steps,
                  lambda way=way: meta_gradient(there, steps, way, STUDENTS), of_probs, None)  # fmt: skip


def in_jax(names: list[str], steps: int) -> list[dict[str, Any]]:
    """JAX's rows, from a process that leaves the memory to others."""
    settings = {
        "XLA_FLAGS": "", "XLA_PYTHON_CLIENT_PREALLOCATE": "false", "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    }  # fmt: skip
    command = [sys.executable, str(Path(__file__).resolve()), "--jax", "--steps", str(steps), "--case", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **settings})
    if done.returncode:
        return [{"case": names[0], "method": "JAX", "T": steps, "failed": done.stderr.strip()[-300:]}]
    found: list[dict[str, Any]] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def jax_rows(names: list[str], steps: int) -> list[dict[str, Any]]:
    """What the process of `in_jax` does: each case by both of JAX's ways."""
    from jax_peers import JAX
    from jax_peers import measure as measure_jax

    rows = []
    for name in names:
        case = cases()[name]
        exact = case.to(CUDA, torch.float64)
        reference = meta_gradient(exact, steps, "eager").grads["probs"]
        of_latent, of_decoder = exact.synthetic.gradients(exact.synthetic.probs(), reference)
        wanted = (of_latent.cpu(), of_decoder.cpu())
        for method, kind in JAX.items():
            found, took, own, temporaries = measure_jax(case, steps, kind, time.perf_counter, REPEATS)
            rows.append({
                "case": name, "method": method, "T": steps, "ms": 1000 * took, "own_ms": 1000 * own,
                "peak_mb": temporaries / 2**20, **accuracy(found, wanted),
            })  # fmt: skip
    return rows


def run(names: list[str], steps: int, with_jax: bool, out: Path) -> None:
    """Measure and write after every row, so that an interrupted measurement is not lost."""
    document = {"device": describe(CUDA), "torch": torch.__version__, "repeats": REPEATS, "rows": list[Any]()}
    for name in names:
        for found in measured(cases()[name], steps):
            document["rows"].append({"case": name, **found})
            print(json.dumps(document["rows"][-1]), flush=True)
            out.write_text(json.dumps(document, indent=1) + "\n")
    if with_jax:
        document["rows"] += in_jax(names, steps)
        print(json.dumps(document["rows"][-4:]), flush=True)
        out.write_text(json.dumps(document, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--case", nargs="+", choices=list(cases()), default=list(cases()))
    parser.add_argument("--without-jax", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "gpu.json")
    parser.add_argument("--jax", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    use_exact_products(CUDA, deterministic=True)
    if asked.jax:
        print(json.dumps(jax_rows(asked.case, asked.steps)))
    else:
        run(asked.case, asked.steps, not asked.without_jax, asked.out)


if __name__ == "__main__":
    main()
