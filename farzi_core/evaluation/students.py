"""Fresh students: trained on synthetic rows or on real sequences, the training step chosen on validation users."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data import split
from farzi_core.data.batches import queries
from farzi_core.data.dataset import IntArray, Sequences
from farzi_core.distill.differentiate import GRAPHS, Hvp, hvp_on, optimizer_of, products_of
from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.rows import part_of
from farzi_core.distill.split import Reading
from farzi_core.distill.stretches import Stretches
from farzi_core.evaluation import metrics
from farzi_core.evaluation.measures import MEASURES, Measures
from farzi_core.evaluation.recipe import inner_optimizer, teacher_adam
from farzi_core.evaluation.report import Metric
from farzi_core.models.losses import hard_loss, soft_loss, tables_of
from farzi_core.models.model import Model, build
from farzi_core.seeds import stream, torch_stream
from farzi_core.teacher.train import State, StepLoss, descend, epochs_loss, fresh, mask, train

SCORED_AT_ONCE = 2048  # users scored in one matrix product: bounds the [U, V] score matrix


@dataclass(frozen=True)
class Point:
    """Validation metrics of one student after `step` steps and `seconds` of training."""

    step: int
    seconds: float
    metrics: dict[Metric, float]


@dataclass(frozen=True)
class Student:
    """A trained student: its best weights, where they were found, and its curve on validation users."""

    weights: Tensors
    best: Point
    curve: tuple[Point, ...]
    decay: float | None = None
    """Of a student on little data the multiple of inner.weight_decay that it was trained with."""


class Judge(ABC):
    """Looks at a model on one part of the data; what it is asked there is prepared once."""

    measures: Measures
    device: torch.device

    @abstractmethod
    def see(self, model: Model, weights: Tensors) -> Tensor:
        """What is kept of a model: a few numbers a sequence [U, ...]; `measures` makes metrics of them."""

    def metrics(self, model: Model, weights: Tensors) -> dict[Metric, float]:
        """The task's metrics over all sequences."""
        return self.measures.of(self.see(model, weights), model.items)


@dataclass(frozen=True)
class Past:
    """Every item before the last of each sequence of a part: user u owns bounds[u]..bounds[u + 1] of the events."""

    items: Tensor
    users: Tensor
    bounds: IntArray

    @classmethod
    def of(cls, part: Sequences, device: torch.device) -> "Past":
        past = split.contexts(part)
        users = np.repeat(np.arange(len(past)), past.lengths)
        return cls(torch.from_numpy(past.items).to(device), torch.from_numpy(users).to(device), past.offsets)

    def hide(self, scores: Tensor, users: slice, targets: Tensor) -> Tensor:
        """Scores [U, V] of `users` with all items of their past at -inf, their targets [U] excepted."""
        first, last, _ = users.indices(len(self.bounds) - 1)
        inside = slice(int(self.bounds[first]), int(self.bounds[last]))
        hidden = scores.clone()
        hidden[self.users[inside] - first, self.items[inside]] = -torch.inf
        return hidden.scatter(1, targets[:, None], scores.gather(1, targets[:, None]))


class Ranker(Judge):
    """Ranks the last event of each sequence of a part, on request without all earlier items of the sequence: also those
    before the context, so that models of different lengths are ranked among the same items."""

    measures = MEASURES["recommendation"]

    def __init__(self, part: Sequences, length: int, device: torch.device, mask_seen: bool = False) -> None:
        self.device = device
        asked = queries(part, length)
        self.contexts = torch.from_numpy(asked.contexts).to(device)
        self.lengths = torch.from_numpy(asked.lengths).to(device)
        self.targets = torch.from_numpy(asked.targets).to(device)
        self.past = Past.of(part, device) if mask_seen else None

    def see(self, model: Model, weights: Tensors) -> Tensor:
        """Ranks [U] of the targets."""
        with torch.no_grad():
            return torch.cat(
                [
                    self._some(model, weights, slice(first, first + SCORED_AT_ONCE))
                    for first in range(0, len(self.targets), SCORED_AT_ONCE)
                ]
            )

    def _some(self, model: Model, weights: Tensors, users: slice) -> Tensor:
        contexts, lengths = self.contexts[users], self.lengths[users]
        hidden = model.encode(weights, model.embed(weights, contexts.clamp_min(0)))
        scores = model.logits(weights, hidden[torch.arange(len(lengths), device=lengths.device), lengths - 1])
        return self.rank(scores, users)

    def rank(self, scores: Tensor, users: slice) -> Tensor:
        """Ranks [U] of the targets of `users` by scores [U, V], on request without what they had before."""
        targets = self.targets[users]
        return metrics.ranks(scores if self.past is None else self.past.hide(scores, users, targets), targets)


def follow(model: Model, states: Iterable[State], judge: Judge, between: Callable[[], None] = lambda: None) -> Student:
    """Score every state of a training run on validation users and keep the best. `between` is called before each is
    scored; what it raises ends the training."""
    curve: list[Point] = []
    best: tuple[float, Point, Tensors] | None = None
    for state in states:
        between()
        point = Point(state.step, state.seconds, judge.metrics(model, state.weights))
        curve.append(point)
        score = judge.measures.selection(point.metrics)
        if best is None or score > best[0]:
            best = (score, point, state.weights)
    assert best is not None, "a training run yields at least its last state"
    return Student(best[2], best[1], tuple(curve))


def on_synthetic(
    config: RunConfig,
    rows: Tensor,
    items: int,
    judge: Judge,
    seed: int,
    steps: int,
    every: int,
    between: Callable[[], None] = lambda: None,
) -> Student:
    """A fresh student on synthetic sequences, trained as the inner loop trains: probabilities [mu, xi, V] or tokens
    [mu, xi] of `items` = V items, with labels [mu, 2, xi, ...]."""
    model = build(config.model, items, config.student_length)
    weights = fresh(model, torch_stream(config.seed, "student weights", seed), rows.device)
    hvp = hvp_on(rows.device, config.runtime.hvp)
    if hvp in GRAPHS and rows.is_cuda and rows.is_floating_point():
        return follow(model, _by_graphs(config, hvp, model, weights, rows, seed, steps, every), judge, between)
    loss = synthetic_loss(config, model, rows, seed)
    return follow(model, train(weights, loss, inner_optimizer(config), steps, every), judge, between)


def _by_graphs(
    config: RunConfig, hvp: Hvp, model: Model, weights: Tensors, rows: Tensor, seed: int, steps: int, every: int
) -> Iterator[State]:
    """The same training by the distillation's CUDA graphs: a step of a small student is a thousand launches."""
    layout = Layout.of(weights)

    def read(t: int) -> Reading:
        return reading(config, rows, layout.shapes["item"][1], seed, t)

    loss = SyntheticLoss(StudentCore(model, tables_of(weights)), config.synthetic.tau, read)
    products = products_of(loss, layout, {"probs": rows}, rows.device, hvp)

    def gradient(theta: Tensor, t: int) -> Tensor:
        return products.gradient(theta, t)[1]

    optimizer = optimizer_of(inner_optimizer(config), hvp)
    return descend(layout, layout.flatten(weights), gradient, optimizer, steps, every)


def reading(config: RunConfig, rows: Tensor, width: int, student: int, t: int) -> Reading:
    """What step t of a student of `width` units reads of rows [mu, xi, ...]."""
    stretches, chosen = Stretches.of(config, len(rows)), None
    if not stretches.everything:
        chosen = torch.from_numpy(stretches.draw(stream(config.seed, "student rows", student, t))).to(rows.device)
    random = stream(config.seed, "student dropout", student, t)
    return Reading(chosen, mask((*stretches.inputs, width), config.inner.dropout, random, rows.device))


def synthetic_loss(config: RunConfig, model: Model, rows: Tensor, student: int) -> StepLoss:
    """Loss on what each step reads of probabilities [mu, xi, V] or tokens [mu, xi]."""
    of = soft_loss if rows.is_floating_point() else hard_loss

    def loss(weights: Tensors, t: int) -> Tensor:
        read = reading(config, rows, weights["item"].shape[1], student, t)
        return of(model, weights, part_of(rows, read.chosen), read.keep)

    return loss


def on_sequences(
    config: RunConfig,
    part: Sequences,
    items: int,
    judge: Judge,
    seed: int,
    steps: int,
    every: int,
    between: Callable[[], None] = lambda: None,
) -> Student:
    """A fresh student trained on real sequences: the full data, or (`RunConfig.on_little`) a baseline's share of it."""
    model, teacher = build(config.model, items, config.model.max_length), config.teacher
    batches = stream(config.seed, "student batches", seed)
    loss = epochs_loss(model, part, teacher.batch, batches, judge.device, teacher.dropout)
    weights = fresh(model, torch_stream(config.seed, "student weights", seed), judge.device)
    return follow(model, train(weights, loss, teacher_adam(config, steps), steps, every), judge, between)
