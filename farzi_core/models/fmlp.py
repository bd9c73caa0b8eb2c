"""FMLP-Rec (Zhou et al. 2022, arXiv 2202.13556) as a pure function of named tensors, for hard tokens or simplex rows.

SASRec with learnable frequency filters in place of attention (paper, appendix C.4). The original multiplies the Fourier
transform of the whole window by a filter: a circular convolution, y_l = sum_k w_k x_{(l - k) mod L}, which at every
position but the last wraps around into later events. FMLP-Rec trains at the last position only, where no index wraps.
Training at every position, as here, needs the filter to be causal everywhere:

    y_l = sum_{k=0..l} w_k x_{l-k}        w [L, H]: one kernel a channel, its frequency response is rfft(w)

Window and kernel are padded with zeros to twice the length, so the circular convolution has nothing to wrap around. At
the last position of a full window y is the original's, number for number. The kernel is kept in time, not as complex
numbers a frequency: only kernels of at most L taps are causal under this padding.

Legend: B sequences, L positions, V items, H width.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, fft

from farzi_core.models import parts
from farzi_core.models.parts import EMBEDDING_STD, Activation, Tensors, TiedEmbedding, normal


@dataclass(frozen=True)
class FMLP(TiedEmbedding):
    """The architecture; its weights are the dict that `init` makes."""

    items: int
    hidden: int = 64
    layers: int = 1
    max_length: int = 50
    activation: Activation = "gelu"

    def init(self, generator: torch.Generator) -> Tensors:
        """Fresh float32 weights on the CPU, drawn from `generator`."""
        width = self.hidden
        weights = {
            "item": normal((self.items, width), EMBEDDING_STD, generator),
            "position": normal((self.max_length, width), EMBEDDING_STD, generator),
        }
        for layer in range(self.layers):
            weights |= {
                f"{layer}.norm1": torch.ones(width),
                f"{layer}.filter": normal((self.max_length, width), EMBEDDING_STD, generator),
                **parts.feed_forward_weights(layer, width, generator),
            }
        return weights | parts.final_norm_weights(width)

    def encode(self, weights: Mapping[str, Tensor], embedded: Tensor) -> Tensor:
        """Hidden states [B, L, H]; the one at position l sees positions 0..l."""
        x = embedded + weights["position"][: embedded.shape[1]]
        for layer in range(self.layers):
            x = x + causal_filter(parts.norm(weights, f"{layer}.norm1", x), weights[f"{layer}.filter"])
            x = parts.feed_forward(weights, layer, x, self.activation)
        return parts.final_norm(weights, x)


def causal_filter(x: Tensor, kernel: Tensor) -> Tensor:
    """y [B, L, H] with y_l = sum_{k <= l} kernel_k x_{l-k} for x [B, L, H] and kernel [K, H], K >= L.

    Cost: three real transforms of length 2 L a channel.
    """
    length = x.shape[1]
    response = fft.rfft(kernel[:length], n=2 * length, dim=0)
    filtered: Tensor = fft.irfft(fft.rfft(x, n=2 * length, dim=1) * response, n=2 * length, dim=1)
    return filtered[:, :length]
