"""The synthetic data softmax(Z M / tau): what is learnt, and the two ways to read it (paper, section 3).

Legend: mu sequences, xi positions, d latent factors, V items.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Synthetic:
    """Z [mu, xi, d], M [d, V] and the temperature tau."""

    latent: Tensor
    decoder: Tensor
    tau: float = 1.0

    @property
    def mu(self) -> int:
        return self.latent.shape[0]

    @property
    def xi(self) -> int:
        return self.latent.shape[1]

    @property
    def stored_numbers(self) -> int:
        """Floats in Z and M together: the honest size."""
        return self.latent.numel() + self.decoder.numel()

    def tensors(self) -> dict[str, Tensor]:
        """Z and M by name, as they are kept."""
        return {"latent": self.latent, "decoder": self.decoder}

    def to(self, device: torch.device) -> "Synthetic":
        """The same on `device`."""
        return Synthetic(self.latent.to(device), self.decoder.to(device), self.tau)

    def probs(self) -> Tensor:
        """Rows of the simplex [mu, xi, V]."""
        return torch.softmax(self.latent @ self.decoder / self.tau, -1)

    def gradients(self, probs: Tensor, grad_probs: Tensor) -> tuple[Tensor, Tensor]:
        """The vector-Jacobian product of softmax(Z M / tau): d/dZ [mu, xi, d] and d/dM [d, V] from d/dprobs."""
        grad_logits = probs * (grad_probs - (probs * grad_probs).sum(-1, keepdim=True)) / self.tau
        return grad_logits @ self.decoder.T, self.latent.flatten(0, 1).T @ grad_logits.flatten(0, 1)
