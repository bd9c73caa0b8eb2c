"""On what a run computes: device, threads, versions. Guessed without torch for the queue, then asked of torch."""

import contextlib
import hashlib
import importlib.metadata
import os
import platform
from functools import cache
from pathlib import Path

from farzi_core.config import RunConfig
from farzi_core.runs.manifest import Environment

_PACKAGES = ("torch", "numpy", "safetensors", "scikit-learn")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def slot_for(device: str) -> str:
    """The queue a device setting belongs to. `auto` is guessed without importing torch: waiting workers stay small."""
    return {"cpu": "cpu", "cuda": "cuda-0", "mps": "mps"}.get(device) or _guessed_slot()


def _guessed_slot() -> str:
    if "+cpu" in _version("torch"):
        return "cpu"
    if Path("/proc/driver/nvidia/gpus").is_dir() or Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists():
        return "cuda-0"
    return "mps" if platform.system() == "Darwin" and platform.machine() == "arm64" else "cpu"


def thread_count(config: RunConfig, before: Environment | None) -> int:
    """Threads of a run: as in its earlier attempts (the last bit depends on it), as set, or all cores."""
    if before is not None:
        return before.threads
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return config.runtime.threads or cores


def offer_to_oom_killer() -> None:
    """Where memory runs out, Linux should take this process, which can be started again, and not the server."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def world_size() -> int:
    """Processes that torchrun started for this job; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def pin_threads(threads: int) -> None:
    """Before torch is imported: OpenMP reads these variables only once."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads starve the server and other programs
    for name in _THREAD_VARIABLES:
        os.environ[name] = str(threads)


def describe(device: str, device_name: str, threads: int, data_digest: str = "") -> Environment:
    return Environment(
        device=device,
        device_name=device_name,
        threads=threads,
        python=platform.python_version(),
        platform=platform.platform(),
        versions={name: _version(name) for name in _PACKAGES},
        code=code_version(),
        data_digest=data_digest,
    )


@cache
def code_version() -> str:
    """16 hex digits over the sources of farzi_core: the same digits are the same program, with or without git."""
    package = Path(__file__).parents[1]
    sha = hashlib.sha256()
    for source in sorted(package.rglob("*.py")):
        sha.update(f"{source.relative_to(package).as_posix()}\n".encode())
        sha.update(source.read_bytes())
    return sha.hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
