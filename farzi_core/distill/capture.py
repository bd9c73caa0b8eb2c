"""The same derivatives as CUDA graphs: one launch instead of a thousand.

A small model's step is bound by kernel launches (about 1,400 a product), not by arithmetic. The gradient and the
product are each run on a side stream, captured with static buffers, and replayed. The function must stay the same, so
this serves a `SplitLoss` only: its core sees neither data indices nor the step. Of compiled operations (`compiled`) a
graph holds fewer and larger kernels.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from farzi_core.distill.products import Differentiator, Inputs, Second
from farzi_core.errors import ConfigError

WARM_UP = 3  # runs before a capture: libraries allocate their workspaces in the first ones


def require_graphs(device: torch.device) -> None:
    """Raises ConfigError where CUDA graphs are not there."""
    if device.type != "cuda" or not torch.cuda.is_available():
        raise ConfigError(
            f"CUDA graphs need a CUDA device and this run is on {device}; choose hvp='eager' or 'compiled'"
        )


class Captured:
    """`Differentiator` that replays another one, a graph for every set of shapes."""

    def __init__(self, inner: Differentiator) -> None:
        self._inner = inner
        self._graphs: dict[Any, _Graph] = {}

    def gradient(self, theta: Tensor, inputs: Inputs, t: int, of_inputs: bool) -> tuple[Tensor, Tensor, Inputs]:
        def run(theta: Tensor, *inputs: Tensor) -> list[Tensor]:
            return _flat(*self._inner.gradient(theta, inputs, 0, of_inputs))

        value, of_theta, *found = self._replay(("gradient", of_inputs), run, theta, *inputs)
        return value, of_theta, tuple(found)

    def product(self, theta: Tensor, inputs: Inputs, t: int, u: Tensor, along: Inputs) -> Second:
        count = len(inputs)

        def run(theta: Tensor, u: Tensor, *rest: Tensor) -> list[Tensor]:
            return _flat(*self._inner.product(theta, rest[:count], 0, u, rest[count:]))

        of_theta, *found = self._replay(("product", count), run, theta, u, *inputs, *along)
        return Second(of_theta, tuple(found[:count]), tuple(found[count:]))

    def _replay(self, what: Any, run: Callable[..., list[Tensor]], *inputs: Tensor) -> list[Tensor]:
        key = (what, *((one.shape, one.dtype, one.device) for one in inputs))
        if key not in self._graphs:
            self._graphs[key] = _Graph(run, inputs)
        return self._graphs[key](*inputs)


class _Graph:
    """A function of tensors with fixed shapes, captured with `inputs` as the example."""

    def __init__(self, function: Callable[..., list[Tensor]], inputs: tuple[Tensor, ...]) -> None:
        self._inputs = [one.detach().clone() for one in inputs]
        stream: torch.cuda.Stream = torch.cuda.Stream(inputs[0].device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                function(*self._inputs)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs = function(*self._inputs)

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        torch._foreach_copy_(self._inputs, inputs)
        self._graph.replay()
        return [output.clone() for output in self._outputs]


def _flat(*parts: Tensor | Inputs) -> list[Tensor]:
    """Tensors and tuples of tensors in one list."""
    return [one for part in parts for one in (part if isinstance(part, tuple) else (part,))]
