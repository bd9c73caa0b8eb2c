"""The kept students of a run, asked what comes next: one trained on all the data, one on the synthetic data.

They are the first students of the Accuracy page's two rows. Legend: V items, L items that a student reads at once: one
fewer than the sequences it was trained on have.
"""

from collections.abc import Sequence

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from farzi_core.data.tokenise import END
from farzi_core.distill.layout import Tensors
from farzi_core.errors import ConfigError, RunError
from farzi_core.evaluation import kept, prompt
from farzi_core.evaluation.prompt import TOP, Answer, Guess, Question, Side
from farzi_core.evaluation.report import RowName
from farzi_core.models.model import Model, build
from farzi_core.runs.store import Store
from farzi_core.seeds import stream
from farzi_core.views.load import STUDENTS, RunView


def answer(source: str) -> Answer:
    """The answer to the question named by `prompt.Question.source`; about 1 ms an item of a small student.

    Raises `FarziError`s: for a run that is gone or changed, and for items that it does not have.
    """
    question = prompt.parse(source)
    view = RunView(Store().open(question.run).folder)
    if not view.has(STUDENTS) or view.checksum(STUDENTS)[:16] != question.digest:
        raise RunError(f"The students of run {question.run} have changed since this page was opened; reload the page")
    vocabulary = len(view.vocab)
    if max(question.items) >= vocabulary:
        raise ConfigError(f"question: item {max(question.items)}: this run has {vocabulary} items, counted from 0")
    torch.set_num_threads(1)
    ids = view.vocab["item"].tolist()
    end = ids.index(END) if view.task == "language" and END in ids else None
    full, distilled = (Speaker.of(view, row) for row in (RowName.FULL, RowName.DISTILLED))
    apart = (full.probabilities(question.items) - distilled.probabilities(question.items)).abs().sum() / 2
    return Answer(full=full.side(question, end), distilled=distilled.side(question, end), apart=float(apart))


class Speaker:
    """One student: next-item probabilities, and what it says when it goes on by itself."""

    def __init__(self, model: Model, weights: Tensors) -> None:
        self.model, self.weights, self.reads = model, weights, model.max_length - 1

    @classmethod
    def of(cls, view: RunView, row: RowName) -> "Speaker":
        """The kept student of a row, in the size in which it was trained."""
        config = view.config.for_student(view.config.students[0])
        length = config.model.max_length if row is RowName.FULL else config.student_length
        weights = kept.under(row, safetensors.torch.load(view.read(STUDENTS)))
        return cls(build(config.model, len(view.vocab), length), weights)

    def logits(self, items: Sequence[int]) -> Tensor:
        """Scores [V], float64, of the next item after the last `reads` of `items`."""
        context = torch.tensor([items[-self.reads :]])
        with torch.no_grad():
            hidden = self.model.encode(self.weights, self.model.embed(self.weights, context))
            return self.model.logits(self.weights, hidden[0, -1]).double()

    def probabilities(self, items: Sequence[int]) -> Tensor:
        """[V]: of the next item."""
        return self.logits(items).softmax(0)

    def side(self, question: Question, end: int | None) -> Side:
        """Its answer; a sentence goes on no further than to `end`."""
        best = self.probabilities(question.items).sort(descending=True, stable=True)
        pairs = zip(best.indices[:TOP].tolist(), best.values[:TOP].tolist(), strict=True)
        top = tuple(Guess(item=item, probability=probability) for item, probability in pairs)
        read = min(self.reads, len(question.items))
        return Side(read=read, top=top, continuation=tuple(self.goes_on(question, end)))

    def goes_on(self, question: Question, end: int | None) -> list[int]:
        """The items it says after the question's."""
        said = list(question.items)
        for chance in stream(question.seed, "continuation").random(question.length):
            said.append(chosen(self.logits(said), question.temperature, float(chance)))
            if said[-1] == end:
                break
        return said[len(question.items) :]


def chosen(logits: Tensor, temperature: float, chance: float) -> int:
    """The item at `chance` in [0, 1) of the cumulative distribution softmax(logits / temperature); at 0 the first of
    the most probable."""
    scores = logits.numpy()
    if temperature == 0:
        return int(scores.argmax())
    weights = np.exp((scores - scores.max()) / temperature)
    edges = weights.cumsum()
    return int(np.searchsorted(edges, chance * edges[-1], side="right").clip(max=len(edges) - 1))
