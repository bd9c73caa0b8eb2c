"""Lessons 3 and 6: a toy inner loop of Adam, run forwards and back by hand in numpy (docs/method.md, sections 2 and 3).

Legend: theta [n] weights, x [p] the data that are learnt, r = A theta - x [p]; inner loss sum(r^2 / 2 + r^4 / 20 +
ripple (1 - cos(4 r)) / 4), outer loss |theta_T - target|^2 / 2, g the inner gradient, m and v Adam's moments, c1 and c2
its bias corrections; d_theta, d_m, d_v the derivatives of the outer loss (adjoints), u the direction of a step's
Hessian-vector product.
Leading axes of theta and x may be a batch: every formula works row by row. One step costs O(n p).
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
QUARTIC = 0.2  # derivative of r^4 / 20 is 0.2 r^3
WAVE = 4.0  # ripples of the inner loss a unit of r, times 2 pi


@dataclass(frozen=True)
class Toy:
    """The problem of the lessons: two weights, two data values."""

    matrix: Floats  # A [p, n]
    theta: Floats  # theta_0 [n]
    data: Floats  # x [p]
    target: Floats  # [n]
    ripple: float = 0.0  # 0: one valley; above 1/4 the inner loss has hills, as those of networks have

    def residual(self, theta: Floats, data: Floats) -> Floats:
        """r = A theta - x."""
        found: Floats = theta @ self.matrix.T - data
        return found

    def gradient(self, theta: Floats, data: Floats) -> Floats:
        """g = A^T (r + 0.2 r^3 + ripple sin(4 r))."""
        r = self.residual(theta, data)
        found: Floats = (r + QUARTIC * r**3 + self.ripple * np.sin(WAVE * r)) @ self.matrix
        return found

    def products(self, theta: Floats, data: Floats, u: Floats) -> tuple[Floats, Floats]:
        """Derivatives of <g, u> with respect to theta and to x."""
        r = self.residual(theta, data)
        bend = 1 + 3 * QUARTIC * r**2 + self.ripple * WAVE * np.cos(WAVE * r)
        bent: Floats = bend * (u @ self.matrix.T)
        return bent @ self.matrix, -bent

    def outer(self, theta: Floats) -> Floats:
        """|theta - target|^2 / 2, one value a row."""
        found: Floats = 0.5 * ((theta - self.target) ** 2).sum(axis=-1)
        return found


TOY = Toy(
    matrix=np.array([[1.2, -0.4], [0.5, 0.9]]),
    theta=np.array([1.5, -1.0]),
    data=np.array([-0.6, 0.8]),
    target=np.array([0.3, 0.2]),
)


@dataclass(frozen=True)
class Settings:
    """Settings of the inner Adam, as in `farzi_core.Adam`; a column of rates [B, 1] goes with a batch of data."""

    steps: int = 20
    lr: float | Floats = 0.05
    eps: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999

    def corrections(self, t: int) -> tuple[float, float]:
        """c1 and c2 after step t, counted from 1."""
        return 1 - self.beta1**t, 1 - self.beta2**t


class Forward(NamedTuple):
    """Weights after every step [T + 1, ..., n]; gradient and moments of every step [T, ..., n]."""

    theta: Floats
    gradient: Floats
    m: Floats
    v: Floats


class Backward(NamedTuple):
    """Adjoints as step t leaves them (on its way back), and u of step t, each [T, n]; d outer / d x [p]."""

    d_theta: Floats
    d_m: Floats
    d_v: Floats
    u: Floats
    d_data: Floats


def forward(toy: Toy, settings: Settings, data: Floats | None = None) -> Forward:
    """T steps of Adam from theta_0. `data` [..., p] replaces x; a batch of data is a batch of runs."""
    data = toy.data if data is None else data
    theta = np.broadcast_to(toy.theta, (*data.shape[:-1], len(toy.theta))).copy()
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    thetas, tape = [theta], []
    for t in range(1, settings.steps + 1):
        g = toy.gradient(theta, data)
        m = settings.beta1 * m + (1 - settings.beta1) * g
        v = settings.beta2 * v + (1 - settings.beta2) * g**2
        c1, c2 = settings.corrections(t)
        theta = theta - settings.lr * (m / c1) / (np.sqrt(v / c2) + settings.eps)
        thetas.append(theta)
        tape.append((g, m, v))
    gradients, ms, vs = (np.array(column) for column in zip(*tape, strict=True))
    return Forward(np.array(thetas), gradients, ms, vs)


def exact(toy: Toy, settings: Settings, run: Forward) -> Backward:
    """Back through the run with both moment adjoints (docs/method.md, section 2)."""
    d_theta, d_m, d_v = run.theta[-1] - toy.target, np.zeros_like(toy.theta), np.zeros_like(toy.theta)
    d_data, tape = np.zeros_like(toy.data), []
    for t in range(settings.steps, 0, -1):
        g, m, v = run.gradient[t - 1], run.m[t - 1], run.v[t - 1]
        c1, c2 = settings.corrections(t)
        s = np.sqrt(v / c2)
        q = d_theta / (s + settings.eps)
        d_m = d_m - settings.lr / c1 * q
        d_v = d_v + settings.lr / (2 * c1 * c2) * _quotient(m, s) * q / (s + settings.eps)
        u = (1 - settings.beta1) * d_m + 2 * (1 - settings.beta2) * g * d_v
        of_theta, of_data = toy.products(run.theta[t - 1], toy.data, u)
        d_theta, d_data = d_theta + of_theta, d_data + of_data
        d_m, d_v = settings.beta1 * d_m, settings.beta2 * d_v
        tape.append((d_theta, d_m, d_v, u))
    d_thetas, d_ms, d_vs, us = (np.array(column[::-1]) for column in zip(*tape, strict=True))
    return Backward(d_thetas, d_ms, d_vs, us, d_data)


def line13(toy: Toy, settings: Settings, run: Forward) -> Floats:
    """d outer / d x [p] by the paper's Algorithm 1, line 13: one moment adjoint, so v's path decays by beta1."""
    d_theta, d_m, d_data = run.theta[-1] - toy.target, np.zeros_like(toy.theta), np.zeros_like(toy.data)
    beta = (1 - settings.beta2) / (1 - settings.beta1)
    for t in range(settings.steps, 0, -1):
        g, m, root = run.gradient[t - 1], run.m[t - 1], np.sqrt(run.v[t - 1])
        c1, c2 = settings.corrections(t)
        eps, alpha = settings.eps * math.sqrt(c2), settings.lr * math.sqrt(c2) / c1
        d_m = d_m + alpha * (beta * _quotient(m, root) * g / (root + eps) ** 2 - 1 / (root + eps)) * d_theta
        of_theta, of_data = toy.products(run.theta[t - 1], toy.data, (1 - settings.beta1) * d_m)
        d_theta, d_data, d_m = d_theta + of_theta, d_data + of_data, settings.beta1 * d_m
    return d_data


def differences(toy: Toy, settings: Settings, width: float = 1e-5) -> Floats:
    """d outer / d x [p] by central differences: 2 p runs forward, all in one batch."""
    units = width * np.eye(len(toy.data))
    ends = [toy.outer(forward(toy, settings, toy.data + sign * units).theta[-1]) for sign in (1, -1)]
    found: Floats = (ends[0] - ends[1]) / (2 * width)
    return found


def error(found: Floats, wanted: Floats) -> float:
    """|found - wanted| / |wanted|."""
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def growth(toy: Toy, settings: Settings, rates: Floats) -> Floats:
    """|d_theta_0| / |d_theta_T| at each of `rates` [B]: how much the adjoint grew on its way back."""
    settings = replace(settings, lr=rates[:, None])
    run = forward(toy, settings, np.repeat(toy.data[None], len(rates), axis=0))
    start = exact(toy, settings, run).d_theta[0]
    found: Floats = np.linalg.norm(start, axis=-1) / np.linalg.norm(run.theta[-1] - toy.target, axis=-1)
    return found


def landscape(toy: Toy, settings: Settings, values: Floats) -> Floats:
    """The outer loss when the first data value is each of `values`: what an outer step sees along one direction."""
    data = np.repeat(toy.data[None], len(values), axis=0)
    data[:, 0] = values
    return toy.outer(forward(toy, settings, data).theta[-1])


def _quotient(m: Floats, s: Floats) -> Floats:
    """m / s, and 0 where s = 0 (a weight that never had a gradient)."""
    return np.divide(m, s, out=np.zeros_like(m), where=s > 0)
