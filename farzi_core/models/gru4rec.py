"""GRU4Rec (Hidasi et al. 2016, arXiv 1511.06939) as a pure function of named tensors, for hard tokens or simplex rows.

One GRU layer, full softmax cross-entropy instead of sampled ranking losses (paper, appendix C.4), and a linear map from
the state back to the embedding, whose transpose is the output head: the "constrained embedding" of the authors' code.
Written with plain matrix products because cuDNN's GRU has no second derivative. The cell is torch.nn.GRU's without its
redundant half of the biases of r and z (two biases of one sum would only double the step size under Adam):

    r = sigmoid(x W_r + h U_r + b_r)    z = sigmoid(x W_z + h U_z + b_z)
    n = tanh(x W_n + b_n + r * (h U_n + c))        h <- n + z * (h - n)

No layer norm follows the embedding, so it starts at the scale of the matrices: from SASRec's small start a student on
synthetic data needs twice the steps and ends 2-5 points of HR@10 lower (python-calls, demo, H = 16 and 32).

Legend: B sequences, L positions, V items, H width of the embedding and of the state. Cost: L small products in a row,
so it is slower a step than SASRec where L is long and H small.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from farzi_core.models.parts import Tensors, TiedEmbedding, normal


@dataclass(frozen=True)
class GRU4Rec(TiedEmbedding):
    """The architecture; its weights are the dict that `init` makes."""

    items: int
    hidden: int = 16
    max_length: int = 50  # of training windows; the recurrence itself knows no limit

    def init(self, generator: torch.Generator) -> Tensors:
        """Fresh float32 weights on the CPU, drawn from `generator`."""
        width, matrix = self.hidden, 1 / math.sqrt(self.hidden)
        return {
            "item": normal((self.items, width), matrix, generator),
            "input": normal((width, 3 * width), matrix, generator),
            "state": normal((width, 3 * width), matrix, generator),
            "bias": torch.zeros(3 * width),
            "candidate_bias": torch.zeros(width),
            "out": normal((width, width), matrix, generator),
            "out_bias": torch.zeros(width),
        }

    def encode(self, weights: Mapping[str, Tensor], embedded: Tensor) -> Tensor:
        """Hidden states [B, L, H] in the space of the embedding; the one at position l sees positions 0..l."""
        return self.states(weights, embedded) @ weights["out"] + weights["out_bias"]

    def states(self, weights: Mapping[str, Tensor], embedded: Tensor) -> Tensor:
        """States [B, L, H] of the recurrence, from a state of zeros."""
        inputs = (embedded @ weights["input"] + weights["bias"]).unbind(1)
        state, states = torch.zeros_like(embedded[:, 0]), []
        for event in inputs:
            into_r, into_z, into_n = torch.chunk(event, 3, -1)
            from_r, from_z, from_n = torch.chunk(state @ weights["state"], 3, -1)
            r, z = torch.sigmoid(into_r + from_r), torch.sigmoid(into_z + from_z)
            n = torch.tanh(into_n + r * (from_n + weights["candidate_bias"]))
            state = n + z * (state - n)
            states.append(state)
        return torch.stack(states, 1)
