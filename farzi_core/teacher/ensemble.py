"""An ensemble of full-data models, whose prediction the outer loss may be held against in place of the next events.

What few users did next says noisily what comes next; models of all of them, each stopped in time, have averaged it
already (distillation of an ensemble: Hinton et al. 2015, arXiv 1503.02531; docs/method.md, section 6).

Legend: E models, n weights of one, B sequences, L positions, N positions with a next event, V items.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset
from farzi_core.distill.layout import Layout, Tensors
from farzi_core.evaluation.students import on_sequences
from farzi_core.evaluation.tasks import validation_judge
from farzi_core.models.losses import targets_of
from farzi_core.models.model import Model, build
from farzi_core.parallel import map_threads
from farzi_core.recorder import Recorder, kept_or_made, stop_where_asked
from farzi_core.seeds import torch_stream

SEEDS_FROM = 100_000  # above those of students and of the table's full-data models: none of them is a teacher, too

NO_TEACHERS = torch.zeros(0, 0)


@dataclass(frozen=True)
class Ensemble:
    """E models of one architecture."""

    model: Model
    weights: tuple[Tensors, ...]

    @property
    def device(self) -> torch.device:
        return self.weights[0]["item"].device

    @classmethod
    def of(cls, config: RunConfig, items: int, weights: Tensor) -> "Ensemble":
        """The configured models of weights [E, n], which read as many events as full-data models do."""
        model = build(config.model, items, config.model.max_length)
        layout = Layout.of(model.init(torch_stream(0, "layout")))
        return cls(model, tuple(map(layout.views, weights)))

    def targets(self, tokens: Tensor) -> Tensor:
        """Softmax of the models' mean scores [N, V] for the next events of tokens [B, L], in the order of
        `losses.targets_of`."""
        real, _ = targets_of(tokens)
        return self._at(tokens[:, :-1].clamp_min(0), real)

    def behind(self, tokens: Tensor) -> Tensor:
        """The same [B, L, V] behind each of tokens [B, L] without gaps."""
        return self._at(tokens, torch.ones_like(tokens, dtype=torch.bool)).reshape(*tokens.shape, self.model.items)

    @torch.no_grad()
    def _at(self, tokens: Tensor, places: Tensor) -> Tensor:
        """What is predicted at `places`, a mask [B, L] of N places: [N, V]."""
        total = torch.zeros((), device=tokens.device)
        for weights in self.weights:
            hidden = self.model.encode(weights, self.model.embed(weights, tokens))
            total = total + self.model.logits(weights, hidden[places])
        return torch.softmax(total / len(self.weights), -1)


def ensemble(
    config: RunConfig, dataset: Dataset, device: torch.device, between: Callable[[], None] = lambda: None
) -> Tensor:
    """As many models as configured, trained like the full-data reference, each at its best epoch on validation users:
    weights [E, n]; E may be 0.

    `between` is called after each epoch of each of them; what it raises ends them all.
    """
    train, items = dataset.part("train"), len(dataset.vocab)
    judge = validation_judge(config, dataset, config.model.max_length - 1, device)
    steps, epoch = config.teacher.full_steps(len(train))

    def one(index: int) -> Tensor:
        weights = on_sequences(config, train, items, judge, SEEDS_FROM + index, steps, epoch, between).weights
        return Layout.of(weights).flatten(weights)

    found = map_threads(one, range(config.objective.ensemble), device)
    return torch.stack(found) if found else NO_TEACHERS.to(device)


def teachers_of(config: RunConfig, dataset: Dataset, device: torch.device, recorder: Recorder) -> Tensor:
    """The ensemble of a run, [E, n]: read where it is there, else trained and kept."""
    if not config.objective.ensemble:
        return NO_TEACHERS.to(device)
    stop = partial(stop_where_asked, recorder)
    return kept_or_made(recorder, "teachers", lambda: {"teachers": ensemble(config, dataset, device, stop)})["teachers"]
