"""The loss of a student on synthetic data, split for the engine: everything it reads of X is X E.

Legend: mu sequences, xi positions, V items, H width.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from farzi_core.distill.layout import Tensors
from farzi_core.distill.rows import DenseRows, LatentRows, part_of
from farzi_core.distill.split import Reading, Rows
from farzi_core.distill.synthetic import Synthetic
from farzi_core.models.head import LogSumExp
from farzi_core.models.losses import products_loss, soft_loss
from farzi_core.models.model import Model


@dataclass(frozen=True)
class StudentCore:
    """Next-event loss of a student, from the products of X with its `tables` (`losses.tables_of`)."""

    model: Model
    tables: tuple[str, ...] = ("item",)

    def __call__(self, params: Tensors, products: Tensor, head: LogSumExp, keep: Tensor | None = None) -> Tensor:
        return products_loss(self.model, params, products, head, keep)


def everything(_step: int) -> Reading:
    """All sequences whole, at every step."""
    return Reading()


@dataclass(frozen=True)
class SyntheticLoss:
    """Soft loss on synthetic sequences; meta-parameters are "probs" [mu, xi, V], or "latent" and "decoder" (Z, M);
    with labels of their own probs are [mu, 2, xi, V].

    With Z and M nothing of size mu xi V is stored by the engine; probs are faster where they fit.
    reading  what each step reads (a mini-batch, a mask of dropout)
    """

    core: StudentCore
    tau: float = 1.0
    reading: Callable[[int], Reading] = everything

    def rows(self, meta: Tensors, chosen: Tensor | None) -> Rows:
        if "probs" in meta:
            return DenseRows(meta["probs"], chosen)
        return LatentRows(meta["latent"], meta["decoder"], self.tau, chosen)

    def still(self) -> "SyntheticLoss":
        return replace(self, reading=everything)

    def __call__(self, params: Tensors, meta: Tensors, step: int) -> Tensor:
        probs = meta["probs"] if "probs" in meta else Synthetic(meta["latent"], meta["decoder"], self.tau).probs()
        read = self.reading(step)
        return soft_loss(self.core.model, params, part_of(probs, read.chosen), read.keep)
