"""Next-event losses, in nats an event: cross-entropy to real tokens and to rows of the simplex (paper, section 3).

Legend: B sequences, L positions, N positions with a next event, V items, H width. Where positions have labels of their
own, sequences have an axis of length 2 before that of positions: what is read, and what is to be predicted there.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from farzi_core.models.head import LogSumExp, log_sum_exp, readout
from farzi_core.models.model import Model

IGNORED = -1  # token of a padded position: never a target; the model reads item 0 there, which no later loss sees


def soft_loss(model: Model, weights: Mapping[str, Tensor], probs: Tensor, keep: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of positions 1..L-1 to probs [B, L, V] given the positions before, scalar; of all positions to
    their labels probs[:, 1] where it is [B, 2, L, V].

    With a tied head, probs serves as input and as target through one product with the embedding (`head`).
    `keep` [B, L - 1, H] (L with labels) is multiplied into the embedded positions: a mask of dropout.
    """
    columns = [weights[name].view(len(weights[name]), -1) for name in tables_of(weights)]
    table = columns[0] if len(columns) == 1 else torch.cat(columns, 1)
    return products_loss(model, weights, probs @ table, log_sum_exp, keep)


def tables_of(weights: Mapping[str, object]) -> tuple[str, ...]:
    """The weights that `soft_loss` multiplies by probs: the embedding, and an untied head with its bias."""
    return ("item", "head", "head_bias") if "head" in weights else ("item",)


def products_loss(
    model: Model, weights: Mapping[str, Tensor], products: Tensor, head: LogSumExp, keep: Tensor | None = None
) -> Tensor:
    """The same from products = probs [tables] [..., L, k]; `head` is the log-sum-exp to use."""
    width = weights["item"].shape[1]
    embedded, targets = products[..., :width], products[..., width:] if "head" in weights else products
    read, _ = pairs(embedded, behind=1)
    _, aims = pairs(targets, behind=1)
    hidden, table = readout(weights, model.encode(weights, read if keep is None else read * keep))
    fit = (hidden * aims).sum()
    events = hidden.shape[0] * hidden.shape[1]
    return (head(hidden.flatten(0, 1), table) - fit) / events


def hard_loss(model: Model, weights: Mapping[str, Tensor], tokens: Tensor, keep: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of tokens [B, L] (int, padded on the right with IGNORED) given the ones before, scalar; of all
    labels tokens[:, 1] where it is [B, 2, L].

    `keep` [B, L - 1, H] (L with labels) is multiplied into the embedded tokens: a mask of dropout.
    """
    read, _ = pairs(tokens, behind=0)
    real, targets = targets_of(tokens)
    embedded = model.embed(weights, read.clamp_min(0))
    hidden, table = readout(weights, model.encode(weights, embedded if keep is None else embedded * keep)[real])
    return _mean_loss(hidden, table, (hidden * table[targets]).sum())


def taught_loss(model: Model, weights: Mapping[str, Tensor], tokens: Tensor, wanted: Tensor) -> Tensor:
    """The same against distributions wanted [N, V] of the next events in place of the events, in the order of
    `targets_of`; least where the model predicts them, and then their mean entropy."""
    real, _ = targets_of(tokens)
    embedded = model.embed(weights, tokens[:, :-1].clamp_min(0))
    hidden, table = readout(weights, model.encode(weights, embedded)[real])
    return _mean_loss(hidden, table, (hidden * (wanted @ table)).sum())


def pairs(sequences: Tensor, behind: int) -> tuple[Tensor, Tensor]:
    """What is read at each position, and what is to be predicted there, of sequences [B, L, ...] or, with labels,
    [B, 2, L, ...]; `behind` axes stand behind L."""
    if sequences.dim() == 2 + behind:
        return sequences[:, :-1], sequences[:, 1:]
    return sequences[:, 0], sequences[:, 1]


def targets_of(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Which positions of tokens [B, L] have a next event, as a mask [B, L - 1], and these events [N]; of tokens
    [B, 2, L] which have a label."""
    _, targets = pairs(tokens, behind=0)
    real = targets != IGNORED
    return real, targets[real]


def _mean_loss(hidden: Tensor, table: Tensor, fit: Tensor) -> Tensor:
    """Mean cross-entropy of N answers, of which `fit` is the sum of the targets' scores."""
    return (log_sum_exp(hidden, table) - fit) / max(len(hidden), 1)
