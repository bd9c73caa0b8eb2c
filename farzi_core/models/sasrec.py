"""SASRec (Kang & McAuley 2018, arXiv 1808.09781) as a pure function of named tensors, for hard tokens or simplex rows.

Pre-LN blocks, causal attention written with plain matrix products (torch's fused attention has no second derivative),
no biases on query, key and value (a key bias has zero gradient and is pure noise under Adam), tied output head. On text
it is the paper's causal Transformer language model.

Legend: B sequences, L positions, V items, H width.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from farzi_core.models import parts
from farzi_core.models.parts import EMBEDDING_STD, Activation, Tensors, TiedEmbedding, normal


@dataclass(frozen=True)
class SASRec(TiedEmbedding):
    """The architecture; its weights are the dict that `init` makes."""

    items: int
    hidden: int = 32
    layers: int = 1
    heads: int = 1
    max_length: int = 50
    activation: Activation = "gelu"

    def init(self, generator: torch.Generator) -> Tensors:
        """Fresh float32 weights on the CPU, drawn from `generator`."""
        width, matrix = self.hidden, 1 / math.sqrt(self.hidden)
        weights = {
            "item": normal((self.items, width), EMBEDDING_STD, generator),
            "position": normal((self.max_length, width), EMBEDDING_STD, generator),
        }
        for layer in range(self.layers):
            weights |= {
                f"{layer}.norm1": torch.ones(width),
                f"{layer}.qkv": normal((width, 3 * width), matrix, generator),
                f"{layer}.out": normal((width, width), matrix, generator),
                **parts.feed_forward_weights(layer, width, generator),
            }
        return weights | parts.final_norm_weights(width)

    def encode(self, weights: Mapping[str, Tensor], embedded: Tensor) -> Tensor:
        """Hidden states [B, L, H]; the one at position l sees positions 0..l."""
        length = embedded.shape[1]
        x = embedded + weights["position"][:length]
        mask = torch.full((length, length), -torch.inf, dtype=x.dtype, device=x.device).triu(1)
        for layer in range(self.layers):
            x = x + self._attention(weights, layer, parts.norm(weights, f"{layer}.norm1", x), mask)
            x = parts.feed_forward(weights, layer, x, self.activation)
        return parts.final_norm(weights, x)

    def _attention(self, weights: Mapping[str, Tensor], layer: int, x: Tensor, mask: Tensor) -> Tensor:
        batch, length, _ = x.shape
        q, k, v = (x @ weights[f"{layer}.qkv"]).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) / math.sqrt(self.hidden // self.heads) + mask
        mixed: Tensor = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, self.hidden)
        return mixed @ weights[f"{layer}.out"]
