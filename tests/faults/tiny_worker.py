"""A real worker with a tiny pipeline: the same process, locks, files and signals, seconds instead of minutes.

The pipeline trains a vector with Adam on random batches, so its final bits depend on parameters, both moments, the
random state and the number of steps: a resume that loses or repeats anything ends elsewhere. Knobs come from the
settings, so that a test needs no other channel:
`outer.steps` steps, `inner.steps` milliseconds a step, and the run's name says what goes wrong at step 12 (`_mishap`).

`--zygote`: torch is imported once; every line "tiny folder" on stdin forks a worker for it (its pid, then its exit
code, on stdout), so that twenty kills cost seconds. Each worker is a process of its own with its own locks that really
dies. A line "real folder" takes the product's pipeline instead.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.errors import ConfigError, DivergedError
from farzi_core.recorder import Recorder, Stopped
from farzi_core.runs import worker

SIZE = 64


class TinyOutcome:
    diverged = False

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights

    def write(self, folder: Path) -> None:
        (folder / "weights.bin").write_bytes(self.weights.numpy().tobytes())
        (folder / "evaluation.json").write_text(json.dumps({"sum": float(self.weights.sum())}))


def pipeline(config: RunConfig, recorder: Recorder) -> TinyOutcome:
    weights = torch.zeros(SIZE, requires_grad=True)
    moments = {"first": torch.zeros(SIZE), "second": torch.zeros(SIZE)}
    generator = torch.Generator().manual_seed(config.seed)
    target = _stage(recorder, generator)
    first = _restore(recorder, weights, moments, generator)
    for step in range(first + 1, config.outer.steps + 1):
        loss = ((weights - target + torch.randn(SIZE, generator=generator)) ** 2).mean()
        (gradient,) = torch.autograd.grad(loss, weights)
        _adam(weights, gradient, moments, step)
        recorder.log("step", step=step, steps=config.outer.steps, loss=float(loss.detach()))
        if step == 12:
            _mishap(config.name, recorder)
        stopping = recorder.should_stop()
        if step % 5 == 0 or step == config.outer.steps or stopping:
            state = {"weights": weights, "rng": generator.get_state(), **moments}
            recorder.checkpoint(state, {"step": step})
        if step % 20 == 0:
            recorder.snapshot(step, {"weights": weights}, {"loss": float(loss.detach())})
        if stopping:
            raise Stopped
        time.sleep(config.inner.steps / 1000)
    return TinyOutcome(weights.detach())


def _stage(recorder: Recorder, generator: torch.Generator) -> Tensor:
    recorder.log("stage", stage="teacher", message="")
    if (kept := recorder.kept("target")) is None:
        recorder.keep("target", {"target": torch.randn(SIZE, generator=generator), "rng": generator.get_state()}, {})
        kept = recorder.kept("target")
    assert kept is not None
    generator.set_state(kept.tensors["rng"])
    return kept.tensors["target"]


def _mishap(name: str, recorder: Recorder) -> None:
    if name == "refused":
        raise ConfigError("inner.lr = 7: that is too much; choose less")
    if name == "diverged":
        raise DivergedError("left the smooth region at step 12")
    if name == "bug":
        raise KeyError("/secret/path")
    if name == "memory":
        raise MemoryError
    if name == "allocator":
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    if name == "nan":
        recorder.checkpoint({"latent": torch.tensor([1.0, float("nan")])}, {"step": 12})
    if name == "full":  # like a full disk: no file may grow beyond 32 KiB
        resource.setrlimit(resource.RLIMIT_FSIZE, (32 * 1024, resource.RLIM_INFINITY))
        recorder.checkpoint({"ballast": torch.zeros(16 * 1024)}, {"step": 12})


@torch.no_grad()
def _adam(weights: Tensor, gradient: Tensor, moments: dict[str, Tensor], step: int) -> None:
    moments["first"].lerp_(gradient, 0.1)
    moments["second"].lerp_(gradient**2, 0.001)
    root = (moments["second"] / (1 - 0.999**step)).sqrt() + 1e-8
    weights -= 0.1 * moments["first"] / (1 - 0.9**step) / root


@torch.no_grad()
def _restore(recorder: Recorder, weights: Tensor, moments: dict[str, Tensor], generator: torch.Generator) -> int:
    saved = recorder.last_checkpoint()
    if saved is None:
        return 0
    weights.copy_(saved.tensors["weights"])
    generator.set_state(saved.tensors["rng"])
    for name, moment in moments.items():
        moment.copy_(saved.tensors[name])
    return int(saved.meta["step"])


def zygote() -> None:
    for line in sys.stdin:
        kind, folder = line.rstrip("\n").split(" ", 1)
        chosen = pipeline
        if kind == "real":
            from farzi_core.pipeline import run as chosen  # imported here, once, and not in every child
        pid = os.fork()
        if pid == 0:
            os.environ["FARZI_HOME"] = str(Path(folder).parents[1])  # imported data lie beside the store
            os._exit(worker.main([folder], pipeline=chosen))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(zygote() if sys.argv[1:] == ["--zygote"] else worker.main(sys.argv[1:], pipeline=pipeline))
