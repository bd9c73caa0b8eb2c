"""The engine beside its peers: time, peak memory and gradient error, every figure from a process of its own.

    python benchmarks/engine/compare.py [--quick] [--only METHOD ...] [--out FOLDER]

--quick measures T = 5 and 20; the whole run takes T up to 100, and 500 for the engine, about an hour on one core.
--only measures some methods anew and leaves the other rows of results.json as they are.
Methods whose package is missing are left out and named (benchmarks/engine/requirements.txt has them all).

Columns of results.json: seconds of CPU time of one meta-gradient; plain_seconds and own_seconds of T steps of ordinary
training on the dense loss and on the method's own one, the mean of a run before and one after; peak_mb, the process's
peak above its size before anything was trained, and plain_mb the same after the dense training alone; error and cosine
against the float64 engine. Time ratios are seconds / own_seconds. Measure on a quiet machine.
"""

import argparse
import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from case import OURS, Case, Pair, engine, train
from peers import PEERS

HERE = Path(__file__).resolve().parent
NEEDS = {"TorchOpt": "torchopt", "higher": "higher", "JAX": "jax"}  # first word of a method -> package
METHODS = [*OURS, *PEERS, "JAX, remat", "JAX, MixFlow-style"]
LONG = 500  # steps only the engine's modes can walk


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds(run: Any) -> tuple[float, Any]:
    started = time.process_time()
    found = run()
    return time.process_time() - started, found


def measure(method: str, steps: int, reference: Path) -> dict[str, Any]:
    """One method at one T, in this process."""
    torch.set_num_threads(1)
    case = Case.make()
    base = megabytes()
    if method.startswith("JAX"):
        row, found = _measure_jax(case, method, steps)
    else:
        row, found = _measure_torch(case, method, steps, base)
    row |= {"method": method, "T": steps}
    return row | (accuracy(found, torch.load(reference, weights_only=True)) if reference.is_file() else {})


def _measure_torch(case: Case, method: str, steps: int, base: float) -> tuple[dict[str, Any], Pair]:
    own = method in OURS and method not in ("naive unroll", "ours, any loss")
    run = (OURS | PEERS)[method]
    if "compiled" in method:
        run(case, 1)  # compilation is paid once a process
    train(case, 1, factored=own)  # first calls allocate and tune
    train(case, 1, factored=False)
    plain_before, _ = seconds(lambda: train(case, steps, factored=False))
    plain_peak = megabytes()
    own_before, _ = seconds(lambda: train(case, steps, factored=own))
    took, found = seconds(lambda: run(case, steps))
    peak = megabytes()
    plain_after, _ = seconds(lambda: train(case, steps, factored=False))
    own_after, _ = seconds(lambda: train(case, steps, factored=own))
    row = {
        "seconds": took,
        "plain_seconds": (plain_before + plain_after) / 2,
        "own_seconds": (own_before + own_after) / 2,
        "peak_mb": peak - base,
        "plain_mb": plain_peak - base,
    }
    return row, found


def _measure_jax(case: Case, method: str, steps: int) -> tuple[dict[str, Any], Pair]:
    from jax_peers import JAX
    from jax_peers import measure as measure_jax

    plain, _ = seconds(lambda: train(case, steps, factored=False))
    found, took, own, temporaries = measure_jax(case, steps, JAX[method])
    row = {"seconds": took, "plain_seconds": plain, "own_seconds": own, "peak_mb": temporaries / 2**20}
    return row | {"note": "peak_mb: temporaries of the compiled program, without the process"}, found


def accuracy(found: Pair, wanted: Pair) -> dict[str, float]:
    """Relative error and cosine over (dZ, dM)."""
    one, other = (torch.cat([part.double().flatten() for part in pair]) for pair in (found, wanted))
    return {
        "error": float((one - other).norm() / other.norm()),
        "cosine": float(torch.dot(one, other) / (one.norm() * other.norm())),
    }


def write_reference(steps: int, path: Path) -> None:
    torch.set_num_threads(1)
    torch.save(engine("store")(Case.make(torch.float64), steps), path)


def child(*arguments: str) -> str:
    """This script in a fresh process on one core."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return done.stdout.strip().splitlines()[-1]


def wanted(quick: bool, only: list[str]) -> list[tuple[str, int]]:
    """(method, T) of a run."""
    present = [name for name in only or METHODS if importlib.util.find_spec(NEEDS.get(name.split(",")[0], "torch"))]
    for name in only or METHODS:
        if name not in present:
            print(f"{name}: not installed, left out", flush=True)
    pairs = [(name, steps) for steps in ((5, 20) if quick else (5, 20, 50, 100)) for name in present]
    long = [(name, LONG) for name in present if name.startswith("ours") and name != "ours, any loss"]
    return pairs if quick else [*pairs, *long]


def others(out: Path, pairs: list[tuple[str, int]]) -> list[dict[str, Any]]:
    """The rows of an earlier run that this one does not measure."""
    path = out / "results.json"
    earlier = json.loads(path.read_text())["rows"] if path.is_file() else []
    return [row for row in earlier if (row["method"], row["T"]) not in pairs]


def run(quick: bool, only: list[str], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    pairs = wanted(quick, only)
    rows = others(out, pairs) if only else []
    for method, steps in pairs:
        reference = out / f".reference-{steps}.pt"
        if not reference.is_file() and steps < LONG:
            child("--reference", str(steps), "--out", str(reference))
        try:
            row = json.loads(child("--method", method, "--steps", str(steps), "--out", str(reference)))
        except RuntimeError as error:
            row = {"method": method, "T": steps, "failed": str(error)}
        rows.append(row)
        print(line(row), flush=True)
        rows.sort(key=lambda row: (row["T"], METHODS.index(row["method"])))
        document = {"machine": platform.processor() or platform.machine(), "torch": torch.__version__, "rows": rows}
        (out / "results.json").write_text(json.dumps(document, indent=1) + "\n")
    for path in out.glob(".reference-*.pt"):
        path.unlink()
    if importlib.util.find_spec("matplotlib"):
        from plot import draw

        draw(rows, out / "results.png")


def line(row: dict[str, Any]) -> str:
    """One row for people."""
    if "failed" in row:
        return f"{row['method']:<24} T={row['T']:<4} failed: {row['failed'][:120]}"
    ratio, error = row["seconds"] / row["own_seconds"], row.get("error", float("nan"))
    return (
        f"{row['method']:<24} T={row['T']:<4} {row['seconds']:7.2f} s  {ratio:5.2f} x own training  "
        f"{row['peak_mb']:8.0f} MB  error {error:.1e}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="T = 5 and 20 only")
    parser.add_argument("--only", nargs="+", choices=METHODS, default=[], metavar="METHOD", help=", ".join(METHODS))
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of results.json and results.png")
    parser.add_argument("--method", choices=METHODS, help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--reference", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.reference:
        write_reference(asked.reference, asked.out)
        print("written")
    elif asked.method:
        print(json.dumps(measure(asked.method, asked.steps, asked.out)))
    else:
        run(asked.quick, asked.only, asked.out)


if __name__ == "__main__":
    main()
