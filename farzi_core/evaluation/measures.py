"""From what a judge saw of a model on each sequence to the task's metrics, for means and for bootstrap draws alike.

A judge keeps a few numbers a sequence (`students.Judge`). `statistics` turns them into columns whose weighted means
over sequences are enough for every metric; `combine` makes the metrics of those means. Ranking metrics are means
themselves; accuracy and the token perplexity are ratios of means.

A perplexity stops at exp(MOST_NATS): every number stays finite, and so do the files.

Legend: U sequences, S statistics, M metrics; n_u tokens of sentence u, of which k_u are not `<unk>`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from farzi_core.data.dataset import Task
from farzi_core.evaluation import metrics
from farzi_core.evaluation.report import METRICS, Metric

Floats = npt.NDArray[np.float64]
MOST_NATS = 50.0  # nats a token: a perplexity of 5e21, far beyond guessing among all items


@dataclass(frozen=True)
class Measures:
    """How one task measures."""

    metrics: tuple[Metric, ...]
    statistics: Callable[[Tensor, int], Floats]
    """What a judge saw [U, ...], number of items -> [U, S]."""
    combine: Callable[[Floats], Floats]
    """Means of statistics [..., S] -> metrics [..., M], in the order of `metrics`."""
    selection: Callable[[dict[Metric, float]], float]
    """What validation maximises."""

    def of(self, seen: Tensor, items: int) -> dict[Metric, float]:
        """The metrics of one model over all sequences."""
        return self.named(self.combine(self.statistics(seen, items).mean(0)))

    def named(self, values: Floats) -> dict[Metric, float]:
        return {metric: float(value) for metric, value in zip(self.metrics, values, strict=True)}


def _ranking(ranks: Tensor, items: int) -> Floats:
    per_user = metrics.per_user(ranks.double().cpu(), items)
    columns: Floats = torch.stack([per_user[metric] for metric in METRICS["recommendation"]], 1).numpy()
    return columns


def _mean(values: dict[Metric, float]) -> float:
    """The mean of the five ranking metrics."""
    return sum(values.values()) / len(values)


def _sentences(seen: Tensor, items: int) -> Floats:
    """[U, 6]: perplexity of the sentence exp(nll / n), nll, n, right, right among known, k. `items` is not needed."""
    nll, tokens, right, right_known, known = seen.double().cpu().unbind(1)
    columns: Floats = torch.stack(
        [torch.exp((nll / tokens).clamp_max(MOST_NATS)), nll, tokens, right, right_known, known], 1
    ).numpy()
    return columns


def _language(means: Floats) -> Floats:
    """Accuracy, accuracy without `<unk>`, PPL (mean of the sentences' PPLs, as in the paper), exp of the mean nll, nll.

    Where no target is a known word, the accuracy without `<unk>` is 0.
    """
    ppl, nll, tokens, right, right_known, known = np.moveaxis(means, -1, 0)
    loss = nll / tokens
    return np.stack(
        [right / tokens, right_known / np.maximum(known, 1e-12), ppl, np.exp(np.minimum(loss, MOST_NATS)), loss], -1
    )


def _less_loss(values: dict[Metric, float]) -> float:
    return -values[Metric.LOSS]


MEASURES: dict[Task, Measures] = {
    "recommendation": Measures(METRICS["recommendation"], _ranking, lambda means: means, _mean),
    "language": Measures(METRICS["language"], _sentences, _language, _less_loss),
}
