"""The synthetic data softmax(Z M / tau): what is learnt, and the two ways to read it (paper, section 3).

In the paper a position is read by the student and is the target of the position before. With labels of their own
(`synthetic.labels`) positions have two latents: Z[:, 0] makes what is read there, Z[:, 1] what is to be predicted from
it and those before (docs/method.md, section 7).

Legend: mu sequences, xi positions, d latent factors, V items.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Synthetic:
    """Z [mu, xi, d] or, with labels, [mu, 2, xi, d]; M [d, V] and the temperature tau."""

    latent: Tensor
    decoder: Tensor
    tau: float = 1.0

    @property
    def mu(self) -> int:
        return self.latent.shape[0]

    @property
    def xi(self) -> int:
        return self.latent.shape[-2]

    @property
    def labelled(self) -> bool:
        """Whether positions have labels of their own."""
        return self.latent.dim() == 4

    @property
    def read(self) -> "Synthetic":
        """What is read alone: Z [mu, xi, d]."""
        return replace(self, latent=self.latent[:, 0]) if self.labelled else self

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
        """Rows of the simplex [mu, xi, V] or [mu, 2, xi, V]."""
        return torch.softmax(self.latent @ self.decoder / self.tau, -1)

    def gradients(self, probs: Tensor, grad_probs: Tensor) -> tuple[Tensor, Tensor]:
        """The vector-Jacobian product of softmax(Z M / tau): d/dZ and d/dM [d, V] from d/dprobs."""
        grad_logits = probs * (grad_probs - (probs * grad_probs).sum(-1, keepdim=True)) / self.tau
        return grad_logits @ self.decoder.T, self.latent.flatten(0, -2).T @ grad_logits.flatten(0, -2)
