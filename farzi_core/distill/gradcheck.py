"""Is the meta-gradient exact on this machine? The engine against two other roads, in float64 on a small real problem.

A small model is trained on softmax(Z M / tau) for T steps of Adam; the outer loss is its loss on random tokens. The
roads: plain autograd through all T steps written out, and central differences along random directions (fourth order).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from farzi_core.distill.adam import Adam
from farzi_core.distill.layout import Tensors
from farzi_core.distill.plan import Memory
from farzi_core.distill.reverse import adam_metagradient
from farzi_core.distill.synthetic import Synthetic
from farzi_core.models.losses import hard_loss, soft_loss
from farzi_core.models.model import Model, build
from farzi_core.sections import Kind
from farzi_core.seeds import torch_stream
from farzi_core.surroundings import ModelConfig
from farzi_core.teacher.train import train

STEPS = 20
TOLERANCE = 1e-8  # relative error that is still rounding: the unroll agrees to about 1e-14, differences to 1e-10
DIRECTIONS = 4
WIDTH = 4e-5  # of the differences; Z and M are of order 1. Ten times more truncates at 1e-6, ten times less rounds
MODES: tuple[Memory, ...] = ("store", "checkpoint", "revolve")
BUDGET = 120_000  # bytes, so little that "revolve" has to evaluate gradients again


@dataclass(frozen=True)
class Check:
    """One comparison: largest difference of the two gradients relative to the largest number of the reference."""

    name: str
    error: float

    @property
    def passed(self) -> bool:
        return self.error <= TOLERANCE  # False for NaN


@dataclass(frozen=True)
class Problem:
    """The small bi-level problem; the checks use float64. `budget` is the bytes "revolve" may keep."""

    model: Model
    weights: Tensors
    meta: Tensors
    tokens: Tensor
    adam: Adam
    budget: int = BUDGET

    @classmethod
    def make(cls, device: torch.device, kind: Kind = "sasrec", seed: int = 0) -> "Problem":
        """12 items, 4 synthetic sequences of 5 events, 3 factors, 8 users with 6 events."""
        sizes = ModelConfig(kind=kind, hidden=8, gru4rec_hidden=8, fmlp_hidden=8)
        model, generator = build(sizes, items=12, length=6), torch_stream(seed, "gradcheck")

        def draw(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64).to(device)

        weights = {name: tensor.double().to(device) for name, tensor in model.init(generator).items()}
        tokens = torch.randint(12, (8, 6), generator=generator).to(device)
        return cls(model, weights, {"latent": draw(4, 5, 3), "decoder": draw(3, 12)}, tokens, Adam(lr=0.01, eps=1e-3))

    def inner(self, weights: Tensors, meta: Tensors, _step: int) -> Tensor:
        return soft_loss(self.model, weights, Synthetic(meta["latent"], meta["decoder"]).probs())

    def outer(self, weights: Tensors) -> Tensor:
        return hard_loss(self.model, weights, self.tokens)

    def engine(self, memory: Memory, steps: int = STEPS) -> Tensors:
        """The meta-gradient by `adam_metagradient`."""
        return adam_metagradient(
            self.inner, self.outer, self.weights, self.meta,
            steps=steps, optimizer=self.adam, memory=memory, budget_bytes=self.budget,
        ).grads  # fmt: skip

    def value(self, meta: Tensors) -> float:
        """The outer loss after plain training on `meta`."""
        *_, last = train(self.weights, lambda weights, t: self.inner(weights, meta, t), self.adam, STEPS, STEPS)
        return float(self.outer(last.weights))


def run(device: torch.device, kind: Kind = "sasrec") -> list[Check]:
    """All comparisons for one architecture; takes a few seconds."""
    problem = Problem.make(device, kind)
    reference = unrolled(problem)
    grads = {memory: problem.engine(memory) for memory in MODES}
    checks = [Check(f"{mode} against plain unrolling", relative_error(grads[mode], reference)) for mode in MODES]
    return [*checks, Check("store against central differences", differences_error(problem, grads["store"]))]


def unrolled(problem: Problem, steps: int = STEPS) -> Tensors:
    """The meta-gradient by plain autograd through a textbook Adam: T graphs in memory at once."""
    adam, (b1, b2) = problem.adam, problem.adam.betas
    meta = {name: tensor.clone().requires_grad_() for name, tensor in problem.meta.items()}
    theta = {name: tensor.clone().requires_grad_() for name, tensor in problem.weights.items()}
    m = {name: torch.zeros_like(tensor) for name, tensor in theta.items()}
    v = {name: torch.zeros_like(tensor) for name, tensor in theta.items()}
    for t in range(steps):
        grads = torch.autograd.grad(problem.inner(theta, meta, t), list(theta.values()), create_graph=True)
        moved = {}
        for (name, old), g in zip(theta.items(), grads, strict=True):
            m[name], v[name] = b1 * m[name] + (1 - b1) * g, b2 * v[name] + (1 - b2) * g * g
            under = v[name] / (1 - b2 ** (t + 1))
            root = torch.where(under > 0, torch.where(under > 0, under, 1.0).sqrt(), 0.0)  # sqrt'(0) is infinite
            moved[name] = old - adam.rate(t) * (m[name] / (1 - b1 ** (t + 1))) / (root + adam.eps)
        theta = moved
    found = torch.autograd.grad(problem.outer(theta), list(meta.values()))
    return dict(zip(meta, found, strict=True))


def differences_error(problem: Problem, grads: Tensors) -> float:
    """The largest relative difference between <gradient, direction> and the outer value's change along it."""
    generator = torch_stream(1, "gradcheck")
    worst = 0.0
    for _ in range(DIRECTIONS):
        direction = {
            name: torch.randn(tensor.shape, generator=generator, dtype=torch.float64).to(tensor)
            for name, tensor in grads.items()
        }
        slope = sum(float((grads[name] * one).sum()) for name, one in direction.items())
        near, far = (_central(problem, direction, width) for width in (WIDTH / 2, WIDTH))
        wanted = (4 * near - far) / 3  # the errors of order width^2 cancel
        worst = max(worst, abs(slope - wanted) / abs(wanted))
    return worst


def _central(problem: Problem, direction: Tensors, width: float) -> float:
    ahead, behind = (_value(problem, direction, sign * width) for sign in (1, -1))
    return (ahead - behind) / (2 * width)


def _value(problem: Problem, direction: Tensors, by: float) -> float:
    moved = {name: tensor + by * direction[name] for name, tensor in problem.meta.items()}
    return problem.value(moved)


def relative_error(found: Tensors, wanted: Tensors) -> float:
    """Largest absolute difference over all numbers, relative to the largest number wanted."""
    differences = torch.cat([(found[name] - one).flatten() for name, one in wanted.items()]).abs().max()
    return float(differences / torch.cat([one.flatten() for one in wanted.values()]).abs().max())
