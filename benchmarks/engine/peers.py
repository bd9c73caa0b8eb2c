"""The same meta-gradient by TorchOpt and by higher, the way their documentation shows."""

from collections.abc import Callable

import torch
from case import Case, Pair
from torch import Tensor, nn


def _start(case: Case) -> tuple[Tensor, Tensor, Tensor]:
    latent, decoder = (one.clone().requires_grad_() for one in (case.synthetic.latent, case.synthetic.decoder))
    return latent, decoder, torch.softmax(latent @ decoder, -1)


def torchopt(accelerated: bool) -> Callable[[Case, int], Pair]:
    """Functional Adam of TorchOpt, unrolled by autograd; `accelerated` uses its fused operation."""

    def run(case: Case, steps: int) -> Pair:
        import torchopt

        latent, decoder, probs = _start(case)
        names = list(case.weights)
        theta = tuple(tensor.clone().requires_grad_() for tensor in case.weights.values())
        adam = torchopt.adam(1e-3, eps=1e-8, use_accelerated_op=accelerated)
        state = adam.init(theta)
        for _ in range(steps):
            loss = case.dense(dict(zip(names, theta, strict=True)), probs)
            grads = torch.autograd.grad(loss, theta, create_graph=True)
            updates, state = adam.update(grads, state, params=theta, inplace=False)
            theta = torchopt.apply_updates(theta, updates, inplace=False)
        of_latent, of_decoder = torch.autograd.grad(case.outer(dict(zip(names, theta, strict=True))), (latent, decoder))
        return of_latent, of_decoder

    return run


class _Student(nn.Module):
    """The weights as a module, because higher patches modules; the forward pass is the loss."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case, self.names = case, list(case.weights)
        for name, tensor in case.weights.items():
            self.register_parameter(name.replace(".", "_"), nn.Parameter(tensor.clone()))

    def weights(self) -> dict[str, Tensor]:
        return {name: getattr(self, name.replace(".", "_")) for name in self.names}

    def forward(self, probs: Tensor | None) -> Tensor:
        return self.case.outer(self.weights()) if probs is None else self.case.dense(self.weights(), probs)


def higher(case: Case, steps: int) -> Pair:
    """innerloop_ctx of higher 0.2.1."""
    import higher

    latent, decoder, probs = _start(case)
    student = _Student(case)
    optimiser = torch.optim.Adam(student.parameters(), lr=1e-3, eps=1e-8)
    with higher.innerloop_ctx(student, optimiser) as (functional, differentiable):
        for _ in range(steps):
            differentiable.step(functional(probs))
        of_latent, of_decoder = torch.autograd.grad(functional(None), (latent, decoder))
    return of_latent, of_decoder


PEERS: dict[str, Callable[[Case, int], Pair]] = {
    "TorchOpt": torchopt(accelerated=False),
    "TorchOpt, accelerated": torchopt(accelerated=True),
    "higher": higher,
}
