"""The same derivatives by torch.func: the whole Hessian-vector product as one function, forward over reverse.

What a compiler needs, and what `vmap` needs: K students are differentiated at once, from weights [K, n], each operation
one launch for all of them. On a CPU that is no faster than one after the other; a GPU is idle with one small student.

Rules learnt: forward over reverse only (reverse over forward is silently wrong through layer_norm, pytorch#196700); no
custom autograd.Function inside (its forward derivative is dropped, pytorch#192985); tangents contiguous.
"""

from functools import partial
from typing import Any

from torch import Tensor
from torch.func import grad, grad_and_value, jvp, vmap

from farzi_core.distill.products import At, Function, Inputs, Second

SHARED, OWN = None, 0  # where the inputs of K stacked students have their axis K


class Functional:
    """`Differentiator` of a function of plain operations.

    stacked      theta is [K, n], and everything found has a leading axis K
    inputs_axis  of a stacked one: OWN inputs [K, ...] for each student, or inputs SHARED by all
    """

    def __init__(self, function: Function, stacked: bool = False, inputs_axis: int | None = OWN) -> None:
        self._function, self._stacked, self._axis = function, stacked, inputs_axis

    def gradient(self, theta: Tensor, inputs: Inputs, at: At, of_inputs: bool) -> tuple[Tensor, Tensor, Inputs]:
        one = partial(_gradient, self._function, at, of_inputs)
        run = vmap(one, (0, self._axis)) if self._stacked else one
        found: tuple[Tensor, Tensor, Inputs] = run(theta, inputs)
        return found

    def product(self, theta: Tensor, inputs: Inputs, at: At, u: Tensor, along: Inputs) -> Second:
        one = partial(_product, self._function, at)
        run = vmap(one, (0, self._axis, 0, self._axis)) if self._stacked else one
        return Second(*run(theta, inputs, u, along))


def _gradient(function: Function, at: At, of_inputs: bool, theta: Tensor, inputs: Inputs) -> Any:
    asked = tuple(range(1 + len(inputs))) if of_inputs else (0,)
    found, value = grad_and_value(lambda a, *x: function(a, x, at), argnums=asked)(theta, *inputs)
    return value, found[0], found[1:]


def _product(function: Function, at: At, theta: Tensor, inputs: Inputs, u: Tensor, along: Inputs) -> Any:
    """(derivative of the first derivatives along (u, along): by theta, by the inputs; and the first ones by these)."""
    first = grad(lambda a, *x: function(a, x, at), argnums=tuple(range(1 + len(inputs))))
    moving, still = (inputs, ()) if along else ((), inputs)
    found: Any = jvp(lambda a, *x: first(a, *x, *still), (theta, *moving), (u, *along))
    values, derivatives = found
    return derivatives[0], derivatives[1:], values[1:] if along else ()
