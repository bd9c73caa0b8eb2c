"""`Functional` derivatives through torch.compile: a compiled loss cannot be differentiated twice, but a product can be
compiled as a whole.

Compilation takes minutes once a process and function; compiled functions are kept for as long as their function is.
Where it fails (no C++ compiler, an operation torch.func cannot see through) the fallback takes over and a warning is
logged.
"""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from farzi_core.distill.functional import Functional
from farzi_core.distill.products import At, Differentiator, Inputs, Second
from farzi_core.errors import in_short

_log = logging.getLogger(__name__)


class Compiled:
    """`Differentiator` that is `functional`, compiled; `fallback` serves where it does not compile.

    stepless  the function does not know its step: each set of shapes is compiled for itself. Otherwise the compiler may
              keep numbers open that it has seen change, as the step does; open shapes it cannot always carry.
    """

    def __init__(self, functional: Functional, fallback: Differentiator, stepless: bool) -> None:
        self._fallback, dynamic = fallback, False if stepless else None
        self._gradient: Callable[..., Any] | None
        self._product: Callable[..., Any] | None
        self._gradient, self._product = (
            torch.compile(one, fullgraph=True, dynamic=dynamic) for one in (functional.gradient, functional.product)
        )

    def gradient(self, theta: Tensor, inputs: Inputs, at: At, of_inputs: bool) -> tuple[Tensor, Tensor, Inputs]:
        if self._gradient is not None:
            try:
                found: tuple[Tensor, Tensor, Inputs] = self._gradient(theta, _fixed(inputs), at, of_inputs)
            except RuntimeError as error:  # dynamo's and inductor's errors are RuntimeErrors
                self._give_up(error)
            else:
                return found
        return self._fallback.gradient(theta, inputs, at, of_inputs)

    def product(self, theta: Tensor, inputs: Inputs, at: At, u: Tensor, along: Inputs) -> Second:
        if self._product is not None:
            try:
                found = self._product(theta, _fixed(inputs), at, u.contiguous(), _fixed(along))
            except RuntimeError as error:
                self._give_up(error)
            else:
                return Second(*found)
        return self._fallback.product(theta, inputs, at, u, along)

    def _give_up(self, error: RuntimeError) -> None:
        _log.warning("torch.compile failed (%s); derivatives are computed eagerly, which is slower", in_short(error))
        self._gradient = self._product = None


def _fixed(inputs: Inputs) -> Inputs:
    return tuple(one.detach().contiguous() for one in inputs)
