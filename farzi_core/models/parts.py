"""What the architectures share: the tied embedding, the pre-LN feed-forward half of a block, and how weights are drawn.

Legend: B sequences, L positions, V items, H width.
"""

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Tensors = dict[str, Tensor]
Activation = Literal["gelu", "relu"]

# Small on purpose: rows that few synthetic events reach then stay near zero instead of being noise of the size of the
# signal. Students on 1,000 synthetic events gain 6 points of HR@10 (e-shop) over a standard deviation of 1 / sqrt(H).
EMBEDDING_STD = 0.02


class TiedEmbedding:
    """Weight "item" [V, H] is read at the input and, transposed, at the output: the losses rely on it (`head`)."""

    def embed(self, weights: Mapping[str, Tensor], sequences: Tensor) -> Tensor:
        """Item embeddings [B, L, H] of tokens [B, L] (int) or of rows of the simplex [B, L, V] (float)."""
        return sequences @ weights["item"] if sequences.is_floating_point() else weights["item"][sequences]

    def logits(self, weights: Mapping[str, Tensor], hidden: Tensor) -> Tensor:
        """Scores [..., V] of the next item for hidden states [..., H]."""
        return hidden @ weights["item"].T


def normal(shape: tuple[int, int], std: float, generator: torch.Generator) -> Tensor:
    """Normal numbers with mean 0, float32 on the CPU."""
    return torch.randn(shape, generator=generator) * std


def norm(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Layer norm over the last axis of x [..., H], with a gain and no bias."""
    return functional.layer_norm(x, x.shape[-1:], weights[name])


def feed_forward_weights(layer: int, width: int, generator: torch.Generator) -> Tensors:
    """Weights of `feed_forward`; 2 H units inside."""
    std = 1 / math.sqrt(width)
    return {
        f"{layer}.norm2": torch.ones(width),
        f"{layer}.up": normal((width, 2 * width), std, generator),
        f"{layer}.up_bias": torch.zeros(2 * width),
        f"{layer}.down": normal((2 * width, width), std / math.sqrt(2), generator),
        f"{layer}.down_bias": torch.zeros(width),
    }


def feed_forward(weights: Mapping[str, Tensor], layer: int, x: Tensor, activation: Activation) -> Tensor:
    """The second half of a block, x + MLP(norm(x)), for x [B, L, H]."""
    inside = norm(weights, f"{layer}.norm2", x) @ weights[f"{layer}.up"] + weights[f"{layer}.up_bias"]
    active = functional.gelu(inside) if activation == "gelu" else functional.relu(inside)
    return x + active @ weights[f"{layer}.down"] + weights[f"{layer}.down_bias"]


def final_norm(weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The layer norm behind the last block, with gain and bias."""
    return functional.layer_norm(x, x.shape[-1:], weights["norm"], weights["norm_bias"])


def final_norm_weights(width: int) -> Tensors:
    """Weights of `final_norm`."""
    return {"norm": torch.ones(width), "norm_bias": torch.zeros(width)}
