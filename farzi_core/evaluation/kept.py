"""The students that a run keeps: of its first architecture the first student of two rows, to be asked later (`answer`).

Both have the same seed and the weights of their best validation step. One file holds them, tensors named "row.weight".
"""

import logging
from collections.abc import Mapping

import torch
from torch import Tensor

from farzi_core.distill.layout import Tensors
from farzi_core.evaluation.report import RowName
from farzi_core.limits import MAX_KEPT_STUDENT_BYTES, MIB

ROWS = (RowName.FULL, RowName.DISTILLED)
logger = logging.getLogger(__name__)


def portable(weights: Mapping[str, Tensor]) -> Tensors:
    """The weights as float32 on the CPU; none, and a line in the log, where they are too large or not finite."""
    plain = {name: one.detach().to("cpu", torch.float32, copy=True).contiguous() for name, one in weights.items()}
    size = sum(one.nbytes for one in plain.values())
    if size > MAX_KEPT_STUDENT_BYTES:
        logger.warning(
            "A student has %.0f MB of weights, more than the %.0f MB that a run keeps: it cannot be asked later",
            size / MIB,
            MAX_KEPT_STUDENT_BYTES / MIB,
        )
        return {}
    if not all(bool(torch.isfinite(one).all()) for one in plain.values()):
        logger.warning("A student has weights that are not finite: it is not kept and cannot be asked later")
        return {}
    return plain


def named(prefix: str, weights: Mapping[str, Tensor]) -> Tensors:
    """The weights under the names that `under` finds again."""
    return {f"{prefix}.{name}": one for name, one in weights.items()}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """The weights that `named` put under this prefix."""
    start = f"{prefix}."
    return {name.removeprefix(start): one for name, one in tensors.items() if name.startswith(start)}
