"""Which differentiator serves an inner loss: `hvp` of `adam_metagradient`."""

from typing import Literal, get_args

from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.products import Eager, InnerLoss, Products, SplitProducts, WholeLoss
from farzi_core.distill.split import SplitLoss
from farzi_core.errors import ConfigError

Hvp = Literal["eager", "compiled", "captured"]


def products_of(loss: InnerLoss | SplitLoss, layout: Layout, meta: Tensors, hvp: Hvp) -> Products:
    """First and second derivatives of `loss` the way `hvp` names. Raises ConfigError for an unknown way."""
    if hvp not in get_args(Hvp):
        raise ConfigError(f"hvp={hvp!r}: choose one of {', '.join(get_args(Hvp))}")
    if isinstance(loss, SplitLoss):
        return SplitProducts(SplitProducts.eager(loss, layout), loss, layout, meta)
    return WholeLoss(Eager(WholeLoss.function(loss, layout, tuple(meta))), meta)
