"""What every architecture is: pure functions of named tensors, the same for hard tokens and rows of the simplex.

`build` is the one place that knows their names; losses, teacher, students and the outer loop only know `Model`.

Legend: B sequences, L positions, V items, H width.
"""

from collections.abc import Mapping
from typing import Protocol, assert_never

import torch
from torch import Tensor

from farzi_core.models.fmlp import FMLP
from farzi_core.models.gru4rec import GRU4Rec
from farzi_core.models.parts import Tensors
from farzi_core.models.sasrec import SASRec
from farzi_core.models.untied import Untied
from farzi_core.surroundings import ModelConfig


class Model(Protocol):
    """An architecture without weights. Twice differentiable in weights and in embedded rows, on CPU and GPU."""

    @property
    def items(self) -> int:
        """V."""

    @property
    def max_length(self) -> int:
        """The longest L it reads or is trained on."""

    def init(self, generator: torch.Generator) -> Tensors:
        """Fresh float32 weights on the CPU; "item" [V, H] is the embedding (and, without a "head", the output)."""

    def embed(self, weights: Mapping[str, Tensor], sequences: Tensor) -> Tensor:
        """Item embeddings [B, L, H] of tokens [B, L] (int) or of rows of the simplex [B, L, V] (float)."""

    def encode(self, weights: Mapping[str, Tensor], embedded: Tensor) -> Tensor:
        """Hidden states [B, L, H]; the one at position l depends on positions 0..l only."""

    def logits(self, weights: Mapping[str, Tensor], hidden: Tensor) -> Tensor:
        """Scores [..., V] of the next item for hidden states [..., H]."""


def build(config: ModelConfig, items: int, length: int) -> Model:
    """The configured architecture for a catalogue of `items` and sequences of at most `length` events."""
    body = _body(config, items, length)
    return body if config.head == "tied" else Untied(body)


def _body(config: ModelConfig, items: int, length: int) -> Model:
    match config.kind:
        case "sasrec":
            return SASRec(items, config.hidden, config.layers, config.heads, length, config.activation)
        case "gru4rec":
            return GRU4Rec(items, config.gru4rec_hidden, length)
        case "fmlp":
            return FMLP(items, config.fmlp_hidden, config.layers, length, config.activation)
    assert_never(config.kind)
