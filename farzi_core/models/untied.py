"""An output head of its own: any architecture whose scores come from a matrix and a bias instead of the embedding.

Language models with few units profit from it: the bias learns how frequent each word is, and the embedding is free to
say what a word means for the next one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from farzi_core.models.head import readout
from farzi_core.models.parts import EMBEDDING_STD, Tensors, normal

if TYPE_CHECKING:
    from farzi_core.models.model import Model


@dataclass(frozen=True)
class Untied:
    """`body` with the weights "head" [V, H] and "head_bias" [V]."""

    body: "Model"

    @property
    def items(self) -> int:
        return self.body.items

    @property
    def max_length(self) -> int:
        return self.body.max_length

    def init(self, generator: torch.Generator) -> Tensors:
        """The body's weights, a head drawn like an embedding, a bias of zeros."""
        weights = self.body.init(generator)
        head = normal((self.items, weights["item"].shape[1]), EMBEDDING_STD, generator)
        return weights | {"head": head, "head_bias": torch.zeros(self.items)}

    def embed(self, weights: Mapping[str, Tensor], sequences: Tensor) -> Tensor:
        return self.body.embed(weights, sequences)

    def encode(self, weights: Mapping[str, Tensor], embedded: Tensor) -> Tensor:
        return self.body.encode(weights, embedded)

    def logits(self, weights: Mapping[str, Tensor], hidden: Tensor) -> Tensor:
        """Scores [..., V] of the next item for hidden states [..., H]."""
        rows, table = readout(weights, hidden)
        return rows @ table.T
