"""How far the paper's single-adjoint recursion (arXiv 2310.09983, Algorithm 1, line 13) is from the exact gradient.

    python benchmarks/engine/line13.py

Toy problem, float64: 6 parameters theta, 8 meta-parameters x, inner loss quadratic plus quartic in A theta - x, outer
loss |theta - target|^2 / 2, Adam with lr 0.02, betas 0.9 and 0.999, eps 1e-8. The exact gradient is that of
`adam_metagradient`, which is itself compared with central differences. Takes seconds; docs/method.md has this output.
"""

import math
import sys
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from farzi_core.distill.adam import Adam
from farzi_core.distill.reverse import adam_metagradient

ADAM = Adam(lr=0.02, eps=1e-8)
WINDOWS = (2, 5, 20, 100)
WIDTH = 1e-5  # of the central differences
_draw = torch.Generator().manual_seed(0)
MATRIX, THETA, DATA, TARGET = (
    torch.randn(*shape, generator=_draw, dtype=torch.float64) for shape in ((8, 6), (6,), (8,), (6,))
)


def inner(theta: Tensor, data: Tensor) -> Tensor:
    rest = MATRIX @ theta - data
    return 0.5 * rest.square().sum() + 0.05 * rest.pow(4).sum()


def outer(theta: Tensor) -> Tensor:
    return 0.5 * (theta - TARGET).square().sum()


def gradient(theta: Tensor, data: Tensor) -> Tensor:
    leaf = theta.detach().requires_grad_()
    return torch.autograd.grad(inner(leaf, data), leaf)[0]


def exact(steps: int) -> Tensor:
    """d outer / d x by the two-adjoint engine."""
    found = adam_metagradient(
        lambda weights, meta, _: inner(weights["theta"], meta["x"]),
        lambda weights: outer(weights["theta"]),
        {"theta": THETA},
        {"x": DATA},
        steps=steps,
        optimizer=ADAM,
    )
    return found.grads["x"]


def line13(steps: int) -> Tensor:
    """The same by the recursion as printed: the second moment's path is folded into dm, which decays by beta1."""
    (b1, b2), tape, theta, moments = ADAM.betas, [], THETA, ADAM.init(THETA)
    for t in range(steps):
        g = gradient(theta, DATA)
        new, moments = ADAM.step(theta, g, moments, t)
        tape.append((theta, g, *moments))
        theta = new
    dw, dm, dx = theta - TARGET, torch.zeros_like(theta), torch.zeros_like(DATA)
    for t in reversed(range(steps)):
        before, g, m, v = tape[t]
        c1, c2 = ADAM.corrections(t)
        eps, alpha, beta = ADAM.eps * math.sqrt(c2), ADAM.rate(t) * math.sqrt(c2) / c1, (1 - b2) / (1 - b1)
        root = v.sqrt()
        dm = dm + alpha * (beta * m * g / (root * (root + eps) ** 2) - 1 / (root + eps)) * dw
        leaf, data = before.detach().requires_grad_(), DATA.detach().requires_grad_()
        (slope,) = torch.autograd.grad(inner(leaf, data), leaf, create_graph=True)
        of_theta, of_data = torch.autograd.grad(slope, (leaf, data), (1 - b1) * dm)
        dw, dx, dm = dw + of_theta, dx + of_data, b1 * dm
    return dx


def differences(steps: int) -> Tensor:
    """The same by central differences."""

    def value(data: Tensor) -> Tensor:
        theta, moments = THETA, ADAM.init(THETA)
        for t in range(steps):
            theta, moments = ADAM.step(theta, gradient(theta, data), moments, t)
        return outer(theta)

    units = WIDTH * torch.eye(len(DATA), dtype=torch.float64)
    return torch.stack([(value(DATA + unit) - value(DATA - unit)) / (2 * WIDTH) for unit in units])


def error(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).norm() / wanted.norm())


def rows() -> list[tuple[int, float, float, float]]:
    """T, error of the engine, error of line 13, cosine of line 13 with the exact gradient."""
    found = []
    for steps in WINDOWS:
        truth, printed = exact(steps), line13(steps)
        cosine = float(torch.dot(printed, truth) / (printed.norm() * truth.norm()))
        found.append((steps, error(truth, differences(steps)), error(printed, truth), cosine))
    return found


def table() -> str:
    """The rows as a Markdown table."""
    lines = [
        "| T | two adjoints against differences | line 13: relative error | line 13: cosine |",
        "|---:|---:|---:|---:|",
    ]
    lines += [f"| {steps} | {engine:.0e} | {printed:.2g} | {cosine:.2f} |" for steps, engine, printed, cosine in rows()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
