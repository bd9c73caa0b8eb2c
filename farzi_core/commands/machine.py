"""gradcheck and doctor: is the engine exact here, and what is this machine?"""

import importlib.metadata
import math
import os
import platform
import secrets
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from farzi_core.commands import show
from farzi_core.commands.find import find_run
from farzi_core.config import parse_config
from farzi_core.errors import StoreError
from farzi_core.evaluation.report import KIND_LABELS
from farzi_core.home import home
from farzi_core.limits import MIN_FREE_BYTES, WRITE_TEST_BYTES
from farzi_core.runs.atomic import TEMPORARY
from farzi_core.runs.run import Run
from farzi_core.sections import Kind
from farzi_core.views.runs import size

PACKAGES = ("torch", "streamlit", "numpy", "pandas", "pyarrow", "scikit-learn", "safetensors", "pydantic")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(gradcheck)
    app.command()(doctor)


def gradcheck(
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    model: Annotated[str, typer.Option(help=f"{', '.join(get_args(Kind))}.")] = "sasrec",
    run: Annotated[
        str | None, typer.Option(metavar="RUN", help="Float32 against float64 on a window of this run.")
    ] = None,
    as_json: show.Json = False,
) -> int:
    """Is the meta-gradient exact on this machine? Against plain unrolling and central differences, in float64.

    With --run: does float32 carry the meta-gradient of that run's settings and synthetic data?
    """
    if run is not None:
        return _of_run(find_run(run), device, as_json)
    from farzi_core.device import describe, pick, use_threads
    from farzi_core.distill import gradcheck as engine

    chosen, kind = pick(device), parse_config({"model": {"kind": model}}).model.kind
    if chosen.type == "mps":  # Apple's GPUs have no float64
        chosen = pick("cpu")
    use_threads(1)  # the problem is too small for a second core to help
    started = time.perf_counter()
    checks = engine.run(chosen, kind)
    passed = all(one.passed for one in checks)
    if as_json:
        errors = {one.name: one.error if one.error < float("inf") else None for one in checks}
        show.document({"device": describe(chosen), "errors": errors, "tolerance": engine.TOLERANCE, "passed": passed})
        return 0 if passed else 1
    rows = [(one.name, f"{one.error:.1e}", "exact" if one.passed else "WRONG") for one in checks]
    show.table(["Meta-gradient", "Relative error", ""], rows, right=["Relative error"])
    took = time.perf_counter() - started
    show.words(
        f"\n{engine.STEPS} Adam steps of {KIND_LABELS[kind]} on {describe(chosen)}, float64, {took:.1f} s; "
        f"allowed: {engine.TOLERANCE:g}."
    )
    return 0 if passed else 1


def _of_run(run: Run, device: str, as_json: bool) -> int:
    """Cosine and relative error of one window in float32; exit status 1 where direction or length is wrong."""
    from farzi_core.device import describe, pick, use_threads
    from farzi_core.distill.precision import TRUSTED, precision
    from farzi_core.pipeline import best_synthetic, load
    from farzi_core.recorder import MemoryRecorder

    chosen = pick(device)
    if chosen.type == "mps":  # Apple's GPUs have no float64
        chosen = pick("cpu")
    use_threads(1)
    synthetic = best_synthetic(run)
    dataset = load(run.config, MemoryRecorder())
    found = precision(run.config, dataset.part("train"), len(dataset.vocab), synthetic, chosen)
    if as_json:
        numbers = {name: value if math.isfinite(value) else None for name, value in asdict(found).items()}
        show.document({"run_id": run.id, "device": describe(chosen), **numbers, "passed": found.trusted})
        return 0 if found.trusted else 1
    rows = [
        ("Cosine", f"{found.cosine:.6f}"),
        ("Relative error", f"{found.error:.1e}"),
        ("Adjoint growth", f"{found.growth:.3g}"),
        ("Share from near-singular coordinates", f"{found.singular_share:.0%}"),
    ]
    show.table(["Float32 against float64", "one window"], rows, right=["one window"])
    advice = "" if found.trusted else "; lower inner.lr or inner.steps, or raise inner.eps"
    show.words(f"\nT = {run.config.inner.steps} on {describe(chosen)}; an error up to {TRUSTED:g} is good{advice}.")
    return 0 if found.trusted else 1


def doctor(as_json: show.Json = False) -> int:
    """Versions, device, threads, where runs are kept, free disk, write speed. Exit status 1 if something is wrong."""
    facts = {**_software(), **_device()}
    problems: list[str] = []
    try:
        facts |= _store()
    except StoreError as error:
        problems.append(str(error))
    if facts.get("free_bytes", MIN_FREE_BYTES + 1) <= MIN_FREE_BYTES:
        problems.append(f"The disk of {home()} is nearly full; runs stop writing at {size(MIN_FREE_BYTES)}")
    if as_json:
        show.document({**facts, "problems": problems})
    else:
        show.table(["Fact", "Value"], [(name.replace("_", " "), _shown(name, value)) for name, value in facts.items()])
        show.words("\n" + ("\n".join(problems) or "No problem found."))
    return 1 if problems else 0


def _software() -> dict[str, Any]:
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), "platform": platform.platform(), **versions}


def _device() -> dict[str, Any]:
    from farzi_core.device import available, describe, pick, use_threads

    threads = use_threads(0)
    return {"device": describe(pick()), "devices": list(available()), "threads": threads}


def _store() -> dict[str, Any]:
    """Where runs go, and how fast: one file of `WRITE_TEST_BYTES`, synced; raises `StoreError`."""
    folder = home()
    test = folder / f"{TEMPORARY}doctor-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            seconds = _write(test)
        finally:
            test.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written to: {error.strerror}. Set FARZI_HOME to a folder of yours with free space"
        ) from None
    return {
        "store": str(folder),
        "free_bytes": shutil.disk_usage(folder).free,
        "write_bytes_per_second": round(WRITE_TEST_BYTES / seconds),
    }


def _write(path: Path) -> float:
    block = secrets.token_bytes(WRITE_TEST_BYTES)  # random, or a compressing disk would look fast
    started = time.perf_counter()
    with open(path, "xb") as file:
        file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - started


def _shown(name: str, value: Any) -> str:
    if name == "write_bytes_per_second":
        return f"{size(value)} a second"
    if name == "free_bytes":
        return size(value)
    return ", ".join(value) if isinstance(value, list) else str(value)
