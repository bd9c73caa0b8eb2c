"""Which differentiator serves an inner loss: `hvp` of `adam_metagradient`."""

from functools import lru_cache
from typing import Literal, get_args

import torch

from farzi_core.distill.capture import Captured, require_graphs
from farzi_core.distill.compiled import Compiled
from farzi_core.distill.functional import OWN, SHARED, Functional
from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.products import Differentiator, Eager, InnerLoss, Products, SplitProducts, WholeLoss
from farzi_core.distill.split import Core, SplitLoss
from farzi_core.errors import ConfigError
from farzi_core.models.head import log_sum_exp, log_sum_exp_for_products, plain_log_sum_exp

Hvp = Literal["eager", "compiled", "captured", "compiled-captured"]
GRAPHS: tuple[Hvp, ...] = ("captured", "compiled-captured")  # on a GPU only
REMEMBERED = 16  # compiled or captured functions kept in one process
_Shapes = tuple[tuple[str, torch.Size], ...]


def products_of(
    loss: InnerLoss | SplitLoss, layout: Layout, meta: Tensors, device: torch.device, hvp: Hvp, stacked: bool = False
) -> Products:
    """First and second derivatives of `loss` the way `hvp` names, of one student or of K stacked ones [K, n].

    Raises ConfigError where that way cannot be gone.
    """
    if hvp not in get_args(Hvp):
        raise ConfigError(f"hvp={hvp!r}: choose one of {', '.join(get_args(Hvp))}")
    if hvp in GRAPHS:
        require_graphs(device)
    shapes = tuple(layout.shapes.items())
    if isinstance(loss, SplitLoss):
        return SplitProducts(_of_core(loss.core, shapes, hvp, stacked), loss, layout, meta)
    if hvp in GRAPHS:
        raise ConfigError(f"hvp={hvp!r} needs a SplitLoss: a graph would repeat its first step's data; choose 'eager'")
    names = tuple(meta)
    eager = _eager_whole(loss, layout, names, stacked)
    return WholeLoss(_compiled_whole(loss, shapes, names, stacked) if hvp == "compiled" else eager, meta)


def _of_core(core: Core, shapes: _Shapes, hvp: Hvp, stacked: bool) -> Differentiator:
    if hvp == "eager":
        return _eager_core(core, Layout(dict(shapes)), stacked)
    return _remembered_core(core, shapes, hvp, stacked)


def _eager_core(core: Core, layout: Layout, stacked: bool) -> Differentiator:
    if stacked:  # vmap sees plain operations only
        return Functional(SplitProducts.function(core, layout, plain_log_sum_exp), stacked, OWN)
    first, second = (SplitProducts.function(core, layout, head) for head in (log_sum_exp, log_sum_exp_for_products))
    return Eager(first, second)


def _eager_whole(loss: InnerLoss, layout: Layout, names: tuple[str, ...], stacked: bool) -> Differentiator:
    function = WholeLoss.function(loss, layout, names)
    return Functional(function, stacked, SHARED) if stacked else Eager(function)


@lru_cache(REMEMBERED)
def _remembered_core(core: Core, shapes: _Shapes, hvp: Hvp, stacked: bool) -> Differentiator:
    layout = Layout(dict(shapes))
    eager = _eager_core(core, layout, stacked)
    if hvp == "captured":
        return Captured(eager)
    compiled = Compiled(Functional(SplitProducts.function(core, layout, plain_log_sum_exp), stacked, OWN), eager)
    return compiled if hvp == "compiled" else Captured(compiled)


@lru_cache(REMEMBERED)
def _compiled_whole(loss: InnerLoss, shapes: _Shapes, names: tuple[str, ...], stacked: bool) -> Differentiator:
    layout = Layout(dict(shapes))
    functional = Functional(WholeLoss.function(loss, layout, names), stacked, SHARED)
    return Compiled(functional, _eager_whole(loss, layout, names, stacked))
