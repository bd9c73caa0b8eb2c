"""Which differentiator serves an inner loss: `hvp` of `adam_metagradient`."""

from functools import lru_cache
from typing import Any, Literal, get_args

import torch

from farzi_core.distill.capture import CapturedOptimizer, CapturedProducts, SplitGraphs, require_graphs
from farzi_core.distill.compiled import Compiled
from farzi_core.distill.functional import OWN, SHARED, Functional
from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.optimizer import Optimizer
from farzi_core.distill.products import Differentiator, Eager, InnerLoss, Products, SplitProducts, WholeLoss
from farzi_core.distill.split import Core, SplitLoss
from farzi_core.errors import ConfigError
from farzi_core.models.head import log_sum_exp, log_sum_exp_for_products, plain_log_sum_exp

Hvp = Literal["eager", "compiled", "captured", "compiled-captured"]
GRAPHS: tuple[Hvp, ...] = ("captured", "compiled-captured")  # on a GPU only
REMEMBERED = 16  # compiled or captured functions kept in one process
_Shapes = tuple[tuple[str, torch.Size], ...]
_Kinds = tuple[tuple[str, torch.Size, torch.dtype, torch.device], ...]


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
        if hvp in GRAPHS:
            return CapturedProducts(_graphs(loss, shapes, meta, hvp, stacked), loss, meta)
        return SplitProducts(_of_core(loss.core, shapes, hvp, stacked), loss, layout, meta)
    if hvp in GRAPHS:
        raise ConfigError(f"hvp={hvp!r} needs a SplitLoss: a graph would repeat its first step's data; choose 'eager'")
    names = tuple(meta)
    eager = _eager_whole(loss, layout, names, stacked)
    return WholeLoss(_compiled_whole(loss, shapes, names, stacked) if hvp == "compiled" else eager, meta)


def hvp_on(device: torch.device, choice: Literal["auto", "eager", "compiled", "captured"]) -> Hvp:
    """What `runtime.hvp` means on a device: on a GPU compiled operations are captured, too."""
    if choice == "auto":
        return "captured" if device.type == "cuda" else "eager"
    return "compiled-captured" if choice == "compiled" and device.type == "cuda" else choice


def optimizer_of(optimizer: Optimizer[Any], hvp: Hvp) -> Optimizer[Any]:
    """The optimiser the way `hvp` names: as it is, or as CUDA graphs beside those of the derivatives."""
    return _captured_optimizer(optimizer) if hvp in GRAPHS else optimizer


def _of_core(core: Core, shapes: _Shapes, hvp: Hvp, stacked: bool) -> Differentiator:
    if hvp in ("eager", "captured"):
        return _eager_core(core, Layout(dict(shapes)), stacked)
    return _compiled_core(core, shapes, stacked)


def _eager_core(core: Core, layout: Layout, stacked: bool) -> Differentiator:
    if stacked:  # vmap sees plain operations only
        return Functional(SplitProducts.function(core, layout, plain_log_sum_exp), stacked, OWN)
    first, second = (SplitProducts.function(core, layout, head) for head in (log_sum_exp, log_sum_exp_for_products))
    return Eager(first, second)


def _eager_whole(loss: InnerLoss, layout: Layout, names: tuple[str, ...], stacked: bool) -> Differentiator:
    function = WholeLoss.function(loss, layout, names)
    return Functional(function, stacked, SHARED) if stacked else Eager(function)


def _graphs(loss: SplitLoss, shapes: _Shapes, meta: Tensors, hvp: Hvp, stacked: bool) -> SplitGraphs:
    kinds = tuple((name, tensor.shape, tensor.dtype, tensor.device) for name, tensor in meta.items())
    return _remembered_graphs(loss.still(), shapes, kinds, hvp, stacked)


@lru_cache(REMEMBERED)
def _remembered_graphs(loss: SplitLoss, shapes: _Shapes, kinds: _Kinds, hvp: Hvp, stacked: bool) -> SplitGraphs:
    meta = {name: torch.zeros(shape, dtype=dtype, device=device) for name, shape, dtype, device in kinds}
    return SplitGraphs(_of_core(loss.core, shapes, hvp, stacked), loss, Layout(dict(shapes)), meta)


@lru_cache(REMEMBERED)
def _captured_optimizer(optimizer: Optimizer[Any]) -> Optimizer[Any]:
    return CapturedOptimizer(optimizer)


@lru_cache(REMEMBERED)
def _compiled_core(core: Core, shapes: _Shapes, stacked: bool) -> Differentiator:
    layout = Layout(dict(shapes))
    functional = Functional(SplitProducts.function(core, layout, plain_log_sum_exp), stacked, OWN)
    return Compiled(functional, _eager_core(core, layout, stacked), stepless=True)


@lru_cache(REMEMBERED)
def _compiled_whole(loss: InnerLoss, shapes: _Shapes, names: tuple[str, ...], stacked: bool) -> Differentiator:
    layout = Layout(dict(shapes))
    functional = Functional(WholeLoss.function(loss, layout, names), stacked, SHARED)
    return Compiled(functional, _eager_whole(loss, layout, names, stacked), stepless=False)
