"""The same derivatives by torch.compile: the whole Hessian-vector product as one function, forward over reverse.

A compiled loss cannot be differentiated twice, but a product written with torch.func compiles as a whole. Compilation
takes minutes once a process and function; compiled functions are kept for as long as their function is. Where it fails
(no C++ compiler, an operation torch.func cannot see through) the eager path takes over and a warning is logged.

Rules learnt: forward over reverse only (reverse over forward is silently wrong through layer_norm, pytorch#196700); no
custom autograd.Function inside (its forward derivative is dropped, pytorch#192985); tangents contiguous.
"""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.func import grad_and_value, jvp

from farzi_core.distill.products import Differentiator, Function, Inputs, Second

_log = logging.getLogger(__name__)


class Compiled:
    """`Differentiator` of one function, written in plain operations; `fallback` serves where it does not compile."""

    def __init__(self, function: Function, fallback: Differentiator) -> None:
        self._fallback: Differentiator = fallback
        self._gradient: Callable[..., Any] | None = torch.compile(_gradient_of(function), fullgraph=True)
        self._product: Callable[..., Any] | None = torch.compile(_product_of(function), fullgraph=True)

    def gradient(self, theta: Tensor, inputs: Inputs, t: int, of_inputs: bool) -> tuple[Tensor, Tensor, Inputs]:
        if self._gradient is not None:
            try:
                found: tuple[Tensor, Tensor, Inputs] = self._gradient(theta, _fixed(inputs), t, of_inputs)
            except RuntimeError as error:  # dynamo's and inductor's errors are RuntimeErrors
                self._give_up(error)
            else:
                return found
        return self._fallback.gradient(theta, inputs, t, of_inputs)

    def product(self, theta: Tensor, inputs: Inputs, t: int, u: Tensor, along: Inputs) -> Second:
        if self._product is not None:
            try:
                found = self._product(theta, _fixed(inputs), t, u.contiguous(), _fixed(along))
            except RuntimeError as error:
                self._give_up(error)
            else:
                return Second(*found)
        return self._fallback.product(theta, inputs, t, u, along)

    def _give_up(self, error: RuntimeError) -> None:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        _log.warning("torch.compile failed (%s); derivatives are computed eagerly, which is slower", reason[:200])
        self._gradient = self._product = None


def _fixed(inputs: Inputs) -> Inputs:
    return tuple(one.detach().contiguous() for one in inputs)


def _gradient_of(function: Function) -> Callable[..., Any]:
    def run(theta: Tensor, inputs: Inputs, t: int, of_inputs: bool) -> tuple[Tensor, Tensor, Inputs]:
        asked = tuple(range(1 + len(inputs))) if of_inputs else (0,)
        found, value = grad_and_value(lambda a, *x: function(a, x, t), argnums=asked)(theta, *inputs)
        return value, found[0], found[1:]

    return run


def _product_of(function: Function) -> Callable[..., Any]:
    """(derivative of the first derivatives along (u, along), and the first ones by the inputs)."""

    def run(theta: Tensor, inputs: Inputs, t: int, u: Tensor, along: Inputs) -> tuple[Tensor, Inputs, Inputs]:
        asked = tuple(range(1 + len(inputs)))
        first = torch.func.grad(lambda a, *x: function(a, x, t), argnums=asked)
        moving, still = (inputs, ()) if along else ((), inputs)
        found: Any = jvp(lambda a, *x: first(a, *x, *still), (theta, *moving), (u, *along))
        values, derivatives = found
        return derivatives[0], derivatives[1:], values[1:] if along else ()

    return run
