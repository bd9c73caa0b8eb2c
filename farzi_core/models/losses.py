"""Next-event losses, in nats an event: cross-entropy to real tokens and to rows of the simplex (paper, section 3).

Legend: B sequences, L positions, V items, H width.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from farzi_core.models.head import LogSumExp, log_sum_exp
from farzi_core.models.model import Model

IGNORED = -1  # token of a padded position: never a target; the model reads item 0 there, which no later loss sees


def soft_loss(model: Model, weights: Mapping[str, Tensor], probs: Tensor) -> Tensor:
    """Mean cross-entropy of positions 1..L-1 to probs [B, L, V] given the positions before, scalar.

    probs serves as input and as target through one product with the embedding (`head`).
    """
    return embedded_loss(model, weights, model.embed(weights, probs), log_sum_exp)


def embedded_loss(model: Model, weights: Mapping[str, Tensor], embedded: Tensor, head: LogSumExp) -> Tensor:
    """The same from embedded = probs E [B, L, H]; `head` is the log-sum-exp to use."""
    hidden = model.encode(weights, embedded[:, :-1])
    fit = (hidden * embedded[:, 1:]).sum()
    events = hidden.shape[0] * hidden.shape[1]
    return (head(hidden.flatten(0, 1), weights["item"]) - fit) / events


def hard_loss(model: Model, weights: Mapping[str, Tensor], tokens: Tensor) -> Tensor:
    """Mean cross-entropy of tokens [B, L] (int, padded on the right with IGNORED) given the ones before, scalar."""
    targets = tokens[:, 1:]
    real = targets != IGNORED
    hidden = model.encode(weights, model.embed(weights, tokens[:, :-1].clamp_min(0)))[real]
    fit = (hidden * model.embed(weights, targets[real])).sum()
    return (log_sum_exp(hidden, weights["item"]) - fit) / torch.clamp(real.sum(), min=1)
