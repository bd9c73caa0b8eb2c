"""The loss of a student on synthetic data, split for the engine: everything it reads of X is X E.

Legend: mu sequences, xi positions, V items, H width.
"""

from dataclasses import dataclass, replace

from torch import Tensor

from farzi_core.distill.layout import Tensors
from farzi_core.distill.rows import Chosen, DenseRows, LatentRows, everything, part_of
from farzi_core.distill.split import Rows
from farzi_core.distill.synthetic import Synthetic
from farzi_core.models.head import LogSumExp
from farzi_core.models.losses import products_loss, soft_loss
from farzi_core.models.model import Model


@dataclass(frozen=True)
class StudentCore:
    """Next-event loss of a student, from the products of X with its `tables` (`losses.tables_of`)."""

    model: Model
    tables: tuple[str, ...] = ("item",)

    def __call__(self, params: Tensors, products: Tensor, head: LogSumExp) -> Tensor:
        return products_loss(self.model, params, products, head)


@dataclass(frozen=True)
class SyntheticLoss:
    """Soft loss on synthetic sequences; meta-parameters are "probs" [mu, xi, V], or "latent" and "decoder" (Z, M).

    With Z and M nothing of size mu xi V is stored by the engine; probs are faster where they fit.
    chosen  indices of the sequences of a step (a mini-batch), or None for all of them
    """

    core: StudentCore
    tau: float = 1.0
    chosen: Chosen = everything

    def choice(self, step: int) -> Tensor | None:
        return self.chosen(step)

    def rows(self, meta: Tensors, choice: Tensor | None) -> Rows:
        if "probs" in meta:
            return DenseRows(meta["probs"], choice)
        return LatentRows(meta["latent"], meta["decoder"], self.tau, choice)

    def still(self) -> "SyntheticLoss":
        return replace(self, chosen=everything)

    def __call__(self, params: Tensors, meta: Tensors, step: int) -> Tensor:
        probs = meta["probs"] if "probs" in meta else Synthetic(meta["latent"], meta["decoder"], self.tau).probs()
        return soft_loss(self.core.model, params, part_of(probs, self.chosen(step)))
