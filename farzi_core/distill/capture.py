"""A step of the engine as CUDA graphs: a handful of launches instead of a thousand.

A small model's step is bound by launches (about 1,400 a Hessian-vector product), not by arithmetic. So whole pieces are
captured once, with static buffers, and replayed: the gradient and the product of a `SplitLoss` with everything around
them (`CapturedProducts`), the optimiser's update and its adjoint (`CapturedOptimizer`). A graph is the same at every
step: which data a step uses, its mask and its step size are inputs. Of compiled operations (`compiled`) a graph holds
fewer and larger kernels.

What a graph returns is copied out of its static buffers, so it may be kept; gradients of the meta-parameters add up in
static buffers, which the next window starts from zero.
"""

import logging
from collections.abc import Callable
from typing import Any, Generic

import torch
from torch import Tensor

from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.optimizer import Adjoint, Back, Optimizer, State, Time
from farzi_core.distill.products import Differentiator, SplitProducts
from farzi_core.distill.split import SplitLoss
from farzi_core.errors import ConfigError, in_short

_log = logging.getLogger(__name__)
WARM_UP = 3  # runs before a capture: libraries allocate their workspaces in the first ones
Function = Callable[..., list[Tensor]]


def require_graphs(device: torch.device) -> None:
    """Raises ConfigError where CUDA graphs are not there."""
    if device.type != "cuda" or not torch.cuda.is_available():
        raise ConfigError(
            f"CUDA graphs need a CUDA device and this run is on {device}; choose hvp='auto', 'eager' or 'compiled'"
        )


class Graph:
    """A function of tensors with fixed shapes, captured with `inputs` as the example; its outputs share one dtype."""

    def __init__(self, function: Function, inputs: tuple[Tensor, ...]) -> None:
        self._inputs = [one.detach().clone() for one in inputs]
        self._numbers = [i for i, one in enumerate(inputs) if one.is_floating_point()]
        self._others = [i for i, one in enumerate(inputs) if not one.is_floating_point()]
        self._shapes = [one.shape for one in self._warm_up(function)]
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._output = _side_by_side(function(*self._inputs))

    def _warm_up(self, function: Function) -> list[Tensor]:
        device = self._inputs[0].device
        stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                found = function(*self._inputs)
        torch.cuda.current_stream(device).wait_stream(stream)
        return found

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        torch._foreach_copy_([self._inputs[i] for i in self._numbers], [inputs[i] for i in self._numbers])
        for i in self._others:
            self._inputs[i].copy_(inputs[i])
        self._graph.replay()
        parts = torch.split(self._output.clone(), [shape.numel() for shape in self._shapes])
        return [part.view(shape) for part, shape in zip(parts, self._shapes, strict=True)]


class Graphs:
    """Graphs of functions by name and by the shapes of their inputs."""

    def __init__(self) -> None:
        self._graphs: dict[Any, Graph | None] = {}

    def __call__(self, name: str, function: Function, *inputs: Tensor) -> list[Tensor]:
        key = (name, *((one.shape, one.dtype, one.device) for one in inputs))
        if key not in self._graphs:
            self._graphs[key] = self._captured(name, function, inputs)
        graph = self._graphs[key]
        return function(*inputs) if graph is None else graph(*inputs)

    def capture(self, function: Function, inputs: tuple[Tensor, ...]) -> Graph:
        return Graph(function, inputs)

    def _captured(self, name: str, function: Function, inputs: tuple[Tensor, ...]) -> Graph | None:
        """The graph, or None where an operation cannot be captured: then its function is called each time."""
        try:
            return self.capture(function, inputs)
        except RuntimeError as error:
            _log.warning("CUDA graph of %s failed (%s); it is computed eagerly, which is slower", name, in_short(error))
            return None


class SplitGraphs(Graphs):
    """What windows of one loss share: the graphs, and static meta-parameters with the gradients that add up."""

    def __init__(self, how: Differentiator, loss: SplitLoss, layout: Layout, meta: Tensors) -> None:
        super().__init__()
        self.meta = {name: tensor.detach().clone() for name, tensor in meta.items()}
        self.products = SplitProducts(how, loss, layout, self.meta)

    def capture(self, function: Function, inputs: tuple[Tensor, ...]) -> Graph:
        before = {name: grad.clone() for name, grad in self.products.grads.items()}
        try:
            return super().capture(function, inputs)
        finally:
            for name, grad in self.products.grads.items():  # the runs before a capture have added to them
                grad.copy_(before[name])


class CapturedProducts:
    """`Products` of one window. One is alive at a time: the next one takes the static buffers over."""

    def __init__(self, graphs: SplitGraphs, loss: SplitLoss, meta: Tensors) -> None:
        self._graphs, self._loss = graphs, loss
        for name, tensor in meta.items():
            graphs.meta[name].copy_(tensor)
            graphs.products.grads[name].zero_()

    @property
    def grads(self) -> Tensors:
        return {name: grad.clone() for name, grad in self._graphs.products.grads.items()}

    def gradient(self, theta: Tensor, t: int) -> tuple[Tensor, Tensor]:
        read = self._loss.reading(t)

        def run(theta: Tensor, *parts: Tensor) -> list[Tensor]:
            return list(self._graphs.products.gradient_on(theta, read.like(parts)))

        value, gradient = self._graphs("gradient", run, theta, *read.parts)
        return value, gradient

    def product(self, theta: Tensor, u: Tensor, t: int) -> Tensor:
        read = self._loss.reading(t)

        def run(theta: Tensor, u: Tensor, *parts: Tensor) -> list[Tensor]:
            return [self._graphs.products.product_on(theta, u, read.like(parts))]

        return self._graphs("product", run, theta, u, *read.parts)[0]


class CapturedOptimizer(Generic[State]):
    """`Optimizer` whose update and adjoint are graphs; steps are told to them by their numbers."""

    def __init__(self, inner: Optimizer[State]) -> None:
        self._inner, self._graphs = inner, Graphs()
        self._numbers: dict[tuple[int, torch.dtype, torch.device], Tensor] = {}

    def numbers(self, t: int) -> tuple[float, ...]:
        return self._inner.numbers(t)

    def init(self, theta: Tensor) -> State:
        return self._inner.init(theta)

    def step(self, theta: Tensor, gradient: Tensor, state: State, t: Time) -> tuple[Tensor, State]:
        def run(numbers: Tensor, theta: Tensor, gradient: Tensor, *parts: Tensor) -> list[Tensor]:
            new, after = self._inner.step(theta, gradient, _like(state, parts), numbers)
            return [new, *after]

        new, *after = self._graphs("step", run, self._at(t, theta), theta, gradient, *state)
        return new, _like(state, after)

    def adjoint(self, adjoint: Adjoint[State], before: Tensor, after: State, gradient: Tensor, t: Time) -> Back[State]:
        count = len(after)

        def run(numbers: Tensor, theta: Tensor, before: Tensor, gradient: Tensor, *parts: Tensor) -> list[Tensor]:
            begun = Adjoint(theta, _like(after, parts[:count]))
            found, u, share = self._inner.adjoint(begun, before, _like(after, parts[count:]), gradient, numbers)
            return [share, u, found.theta, *found.state]

        inputs = (adjoint.theta, before, gradient, *adjoint.state, *after)
        share, u, theta, *parts = self._graphs("adjoint", run, self._at(t, before), *inputs)
        return Back(Adjoint(theta, _like(after, parts)), u, share)

    def _at(self, t: Time, like: Tensor) -> Tensor:
        """The numbers of step t beside `like`, copied to its device once."""
        if isinstance(t, Tensor):
            return t
        key = (t, like.dtype, like.device)
        if key not in self._numbers:
            self._numbers[key] = like.new_tensor(self._inner.numbers(t))
        return self._numbers[key]


def _like(state: State, parts: Any) -> State:
    """A state of the same kind made of other tensors."""
    made: State = type(state)(*parts)
    return made


def _side_by_side(parts: list[Tensor]) -> Tensor:
    """All numbers in one vector: one copy takes them out of the graph's buffers."""
    return torch.cat([part.flatten() for part in parts])
