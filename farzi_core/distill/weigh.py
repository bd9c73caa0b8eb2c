"""What one meta-gradient holds at its peak, counted: unrolling against two modes of the engine, on a small student.

    python -m farzi_core.distill.weigh      a few seconds; one JSON document (`Weighing`)

Counted are the bytes of all tensors that live at once beside those there before: exact, and the same on every machine.
Memory inside one operation is not seen; the peak of the whole process sees everything, and is never twice the same.
"""

import sys
import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from farzi_core.device import CPU, peak_bytes, use_threads
from farzi_core.distill.adam import Adam
from farzi_core.distill.gradcheck import Problem, unrolled
from farzi_core.distill.weighing import Way, Weighed, Weighing
from farzi_core.models.sasrec import SASRec
from farzi_core.seeds import torch_stream

WAYS: tuple[Way, ...] = ("checkpoint", "store", "unroll")  # lightest first: the peak of the process only ever rises
STEPS = (2, 5, 10, 20)
ITEMS, MU, XI, FACTORS = 200, 20, 10, 8
ENOUGH = 100_000_000  # bytes; "revolve" is planned too, though it is not measured


class Scales(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch leaves its class without types
    """Counts the bytes of storages that operations make while it is entered, until each is freed.

    `there`: tensors that exist before; a view of one of them makes nothing.
    """

    def __init__(self, there: Iterable[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known = {tensor.untyped_storage()._cdata for tensor in there}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._put(leaf.untyped_storage())
        return result

    def _put(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._take, key, size)

    def _take(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def student() -> Problem:
    """A SASRec of 200 items and 20 synthetic sequences of 10 events, float32."""
    model, generator = SASRec(ITEMS, max_length=XI), torch_stream(0, "weigh")
    latent, decoder = (torch.randn(shape, generator=generator) for shape in ((MU, XI, FACTORS), (FACTORS, ITEMS)))
    tokens = torch.randint(ITEMS, (64, XI), generator=generator)
    meta = {"latent": latent, "decoder": decoder}
    return Problem(model, model.init(generator), meta, tokens, Adam(lr=0.01, eps=1e-3), ENOUGH)


def weigh(problem: Problem, way: Way, steps: int) -> int:
    """Bytes at the peak of one meta-gradient through `steps` steps."""
    scales = Scales([*problem.weights.values(), *problem.meta.values(), problem.tokens])
    with scales:
        if way == "unroll":
            unrolled(problem, steps)
        else:
            problem.engine(way, steps)
    return scales.peak


def main() -> None:
    use_threads(1)
    problem = student()
    weigh(problem, WAYS[0], STEPS[0])  # what libraries load and set aside at their first use belongs to no way
    before = peak_bytes(CPU)
    rows = [
        Weighed(way=way, steps=steps, tensors=weigh(problem, way, steps), process=peak_bytes(CPU))
        for way in WAYS
        for steps in STEPS
    ]
    weights = sum(tensor.numel() for tensor in problem.weights.values())
    sys.stdout.write(Weighing(weights=weights, before=before, rows=tuple(rows)).model_dump_json() + "\n")


if __name__ == "__main__":
    main()
