"""Where a run computes: CUDA if there is one, else MPS, else the CPU; chosen, said and recorded."""

import os
import platform
import time
from pathlib import Path

import psutil
import torch

from farzi_core.errors import ConfigError

CPU = torch.device("cpu")


def pick(choice: str = "auto") -> torch.device:
    """The device for `choice` (auto, cpu, cuda, mps); raises `ConfigError` where it is not there."""
    present = available()
    if choice == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if name in present))
    if choice not in present:
        raise ConfigError(
            f"runtime.device={choice!r}: this machine has {', '.join(present)}; choose one of them or auto"
        )
    return torch.device(choice)


def available() -> tuple[str, ...]:
    """The devices of this machine, the CPU first."""
    cuda = ("cuda",) if torch.cuda.is_available() else ()
    mps = ("mps",) if torch.backends.mps.is_available() else ()
    return ("cpu", *cuda, *mps)


def describe(device: torch.device) -> str:
    """A device in words, for example "CPU, 2 threads" or the GPU's name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return (
        "Apple GPU (MPS)" if device.type == "mps" else f"CPU, {torch.get_num_threads()} threads, {platform.machine()}"
    )


def peak_bytes(device: torch.device) -> int:
    """The most memory this process has held so far: of the GPU where it computes on CUDA, else of the machine."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent held before this process was born
        return next(1024 * int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(getattr(psutil.Process().memory_info(), "peak_wset", psutil.Process().memory_info().rss))


def use_exact_products(device: torch.device, deterministic: bool) -> None:
    """float32 products in float32 on `device`, and where asked for the same bits every time.

    TF32 keeps 10 bits of each factor, and with a small eps the meta-gradient then has none left. On the CPU both hold
    as it is: sums differ only between thread counts.
    """
    if device.type != "cuda":
        return
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is first used
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    # Every empty buffer here is written before it is read; filling them first would only add launches
    setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)  # noqa: B010 - mypy does not see it


def seconds(device: torch.device) -> float:
    """The clock, once the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def use_threads(threads: int) -> int:
    """Set the CPU threads of torch (0: all cores this process may use); returns the number."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(threads or cores)
    return torch.get_num_threads()
