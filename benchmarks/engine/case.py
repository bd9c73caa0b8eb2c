"""The case all methods of compare.py are measured on: a SASRec trained on softmax(Z M) by T steps of Adam.

2 pre-LN blocks, 2 heads, width 64, 1,500 items, 50 x 50 synthetic events with 32 factors, gelu, tied embedding, full
batch, lr 1e-3, eps 1e-8; the outer loss is next-event loss on 64 sequences of 50 random tokens. float32, one thread.
Each method gives (d outer / d Z, d outer / d M); theirs and ours start from the same numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from farzi_core.distill.adam import Adam
from farzi_core.distill.differentiate import Hvp
from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.layout import Tensors
from farzi_core.distill.plan import Memory
from farzi_core.distill.reverse import adam_metagradient
from farzi_core.distill.synthetic import Synthetic
from farzi_core.models.losses import hard_loss, soft_loss
from farzi_core.models.sasrec import SASRec

ADAM = Adam(lr=1e-3, eps=1e-8)
BUDGET = 20_000_000  # bytes, for the binomial schedule
Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Case:
    """The numbers every method starts from."""

    model: SASRec
    weights: Tensors
    synthetic: Synthetic
    tokens: Tensor
    adam: Adam = ADAM

    @classmethod
    def make(cls, dtype: torch.dtype = torch.float32, items: int = 1500, mu: int = 50) -> "Case":
        model = SASRec(items, hidden=64, layers=2, heads=2, max_length=50)
        generator = torch.Generator().manual_seed(0)
        weights = {name: tensor.to(dtype) for name, tensor in model.init(generator).items()}
        latent, decoder = (torch.randn(shape, generator=generator) for shape in ((mu, 50, 32), (32, items)))
        tokens = torch.randint(items, (64, 50), generator=generator)
        return cls(model, weights, Synthetic(latent.to(dtype), decoder.to(dtype) / 32**0.5), tokens)

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "Case":
        """The same numbers elsewhere, or in another precision."""
        weights = {name: tensor.to(device, dtype) for name, tensor in self.weights.items()}
        factors = {name: tensor.to(device, dtype) for name, tensor in self.synthetic.tensors().items()}
        synthetic = replace(self.synthetic, **factors)
        return replace(self, weights=weights, synthetic=synthetic, tokens=self.tokens.to(device))

    def stacked(self, students: int) -> Tensors:
        """First weights of so many students, each with its own, along a first axis."""
        drawn = [self.model.init(torch.Generator().manual_seed(seed)) for seed in range(students)]
        return {name: torch.stack([one[name] for one in drawn]).to(self.tokens.device) for name in drawn[0]}

    def dense(self, weights: Tensors, probs: Tensor) -> Tensor:
        """The soft loss as anyone would write it."""
        hidden = self.model.encode(weights, (probs @ weights["item"])[:, :-1])
        return -((hidden @ weights["item"].T).log_softmax(-1) * probs[:, 1:]).sum(-1).mean()

    def outer(self, weights: Tensors) -> Tensor:
        return hard_loss(self.model, weights, self.tokens)


def train(case: Case, steps: int, factored: bool) -> Tensors:
    """Plain training with torch's Adam on the dense or the factored loss: the currency of the time ratios."""
    probs = case.synthetic.probs()
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in case.weights.items()}
    optimiser = torch.optim.Adam(list(leaves.values()), lr=case.adam.rate(0), eps=case.adam.eps)
    for _ in range(steps):
        optimiser.zero_grad()
        (soft_loss(case.model, leaves, probs) if factored else case.dense(leaves, probs)).backward()
        optimiser.step()
    return {name: leaf.detach() for name, leaf in leaves.items()}


def engine(memory: Memory, split: bool = True, hvp: Hvp = "eager") -> Callable[[Case, int], Pair]:
    """Our engine in one of its modes; `split=False` gives it the dense loss as any other function."""

    def run(case: Case, steps: int) -> Pair:
        probs = case.synthetic.probs()
        loss = SyntheticLoss(StudentCore(case.model)) if split else lambda p, m, t: case.dense(p, m["probs"])
        found = adam_metagradient(
            loss, case.outer, case.weights, {"probs": probs}, steps=steps, optimizer=case.adam,
            memory=memory, budget_bytes=BUDGET, hvp=hvp,
        )  # fmt: skip
        return case.synthetic.gradients(probs, found.grads["probs"])

    return run


def naive(case: Case, steps: int) -> Pair:
    """Autograd through a functional Adam with a guarded root: all T graphs at once."""
    (b1, b2), lr, eps, synthetic = case.adam.betas, case.adam.rate(0), case.adam.eps, case.synthetic
    latent, decoder = (one.clone().requires_grad_() for one in (synthetic.latent, synthetic.decoder))
    probs = torch.softmax(latent @ decoder, -1)
    theta = {name: tensor.clone().requires_grad_() for name, tensor in case.weights.items()}
    m = {name: torch.zeros_like(tensor) for name, tensor in theta.items()}
    v = {name: torch.zeros_like(tensor) for name, tensor in theta.items()}
    for t in range(steps):
        grads = torch.autograd.grad(case.dense(theta, probs), list(theta.values()), create_graph=True)
        moved = {}
        for (name, old), g in zip(theta.items(), grads, strict=True):
            m[name], v[name] = b1 * m[name] + (1 - b1) * g, b2 * v[name] + (1 - b2) * g * g
            under = v[name] / (1 - b2 ** (t + 1))
            root = torch.where(under > 0, torch.where(under > 0, under, 1.0).sqrt(), 0.0)
            moved[name] = old - lr * (m[name] / (1 - b1 ** (t + 1))) / (root + eps)
        theta = moved
    of_latent, of_decoder = torch.autograd.grad(case.outer(theta), (latent, decoder))
    return of_latent, of_decoder


OURS: dict[str, Callable[[Case, int], Pair]] = {
    "naive unroll": naive,
    "ours, any loss": engine("store", split=False),
    "ours": engine("store"),
    "ours, checkpoint": engine("checkpoint"),
    "ours, revolve 20 MB": engine("revolve"),
    "ours, compiled": engine("store", hvp="compiled"),
}
