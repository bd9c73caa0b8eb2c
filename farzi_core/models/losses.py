"""Next-event losses, in nats an event: cross-entropy to real tokens and to rows of the simplex (paper, section 3).

Legend: B sequences, L positions, V items, H width.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from farzi_core.models.head import log_sum_exp, readout
from farzi_core.models.model import Model

IGNORED = -1  # token of a padded position: never a target; the model reads item 0 there, which no later loss sees


def soft_loss(model: Model, weights: Mapping[str, Tensor], probs: Tensor) -> Tensor:
    """Mean cross-entropy of positions 1..L-1 to probs [B, L, V] given the positions before, scalar.

    With a tied head, probs serves as input and as target through one product with the embedding (`head`).
    """
    embedded = model.embed(weights, probs)
    hidden, table = readout(weights, model.encode(weights, embedded[:, :-1]))
    targets = embedded[:, 1:] if table is weights["item"] else probs[:, 1:] @ table
    fit = (hidden * targets).sum()
    events = hidden.shape[0] * hidden.shape[1]
    return (log_sum_exp(hidden.flatten(0, 1), table) - fit) / events


def hard_loss(model: Model, weights: Mapping[str, Tensor], tokens: Tensor) -> Tensor:
    """Mean cross-entropy of tokens [B, L] (int, padded on the right with IGNORED) given the ones before, scalar."""
    targets = tokens[:, 1:]
    real = targets != IGNORED
    hidden, table = readout(weights, model.encode(weights, model.embed(weights, tokens[:, :-1].clamp_min(0)))[real])
    fit = (hidden * table[targets[real]]).sum()
    return (log_sum_exp(hidden, table) - fit) / torch.clamp(real.sum(), min=1)
