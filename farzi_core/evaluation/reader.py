"""Reads every sentence of a part: how well a model predicts each token from those before it (paper, appendix C.1).

Of a sentence five numbers are kept: the sum of -log p over its tokens (nats), the number of tokens, how many the model
puts first, and the last two again without targets that are `<unk>`: predicting `<unk>` is easy and says nothing.
The first token (`<eos>`) is given. Of equal scores the earlier item, which is the more frequent one, counts as first.

Legend: U sentences, W chunks, L positions, N targets, V items.
"""

import torch
from torch import Tensor
from torch.nn import functional

from farzi_core.data.batches import chunks
from farzi_core.data.dataset import Sequences
from farzi_core.distill.layout import Tensors
from farzi_core.evaluation.measures import MEASURES
from farzi_core.evaluation.students import Judge
from farzi_core.models.model import Model

LOST = 1e4  # nats of a token where the model's numbers are not finite: it must never be the best
SCORES_AT_ONCE = 1 << 24  # logits held at a time: 64 MB in float32


class Reader(Judge):
    """A language-model judge. `unknown` is the id of `<unk>`, None where every token is known."""

    measures = MEASURES["language"]

    def __init__(self, part: Sequences, length: int, device: torch.device, unknown: int | None) -> None:
        cut = chunks(part, length)
        self.device, self.sentences = device, len(part)
        self.tokens, self.scored, owner = (torch.from_numpy(array).to(device) for array in cut)
        self.previous = self.tokens[:, :-1][self.scored]  # [N]
        self.targets = self.tokens[:, 1:][self.scored]  # [N]
        self.owner = owner[:, None].expand_as(self.scored)[self.scored]  # [N]
        self.known = torch.ones_like(self.targets, dtype=torch.bool) if unknown is None else self.targets != unknown

    def see(self, model: Model, weights: Tensors) -> Tensor:
        """[U, 5] float64: sum of nll, tokens, right, right among known, known."""
        step = max(1, SCORES_AT_ONCE // (self.scored.shape[1] * model.items))
        with torch.no_grad():
            parts = [self._some(model, weights, slice(at, at + step)) for at in range(0, len(self.tokens), step)]
        return self.tally(*(torch.cat(column) for column in zip(*parts, strict=True)))

    def tally(self, nll: Tensor, first: Tensor) -> Tensor:
        """[U, 5] from the nll [N] of each target and the item [N] that was put first."""
        right = first == self.targets
        columns = torch.stack([nll.double(), torch.ones_like(nll).double(), right, right & self.known, self.known], 1)
        return columns.new_zeros(self.sentences, 5).index_add_(0, self.owner, columns)

    def _some(self, model: Model, weights: Tensors, rows: slice) -> tuple[Tensor, Tensor]:
        tokens, scored = self.tokens[rows], self.scored[rows]
        hidden = model.encode(weights, model.embed(weights, tokens[:, :-1].clamp_min(0)))[scored]
        scores = model.logits(weights, hidden)
        nll = functional.cross_entropy(scores, tokens[:, 1:][scored], reduction="none")
        return nll.nan_to_num(nan=LOST, posinf=LOST), scores.argmax(1)
