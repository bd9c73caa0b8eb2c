"""Lessons 1, 2, 4 and 5 in numbers: small problems that numpy solves while a slider moves.

Legend: P [w, w] chance of the next word after each; A [k, 2] and b [k] inputs and labels of k synthetic points, w [2]
the weights of a linear model, T inner steps; X = softmax(Z M / tau) [xi, V] with d factors; n weights of a student.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from farzi_core.distill.plan import memory_plan

Floats = npt.NDArray[np.float64]
FLOAT32 = 4  # bytes

WORDS = ("rain", "sun", "wind", "snow")
CHAIN = np.array([[0.5, 0.1, 0.3, 0.1], [0.1, 0.7, 0.2, 0.0], [0.4, 0.2, 0.2, 0.2], [0.2, 0.1, 0.1, 0.6]])
DAYS = 10  # words a sentence
PRIOR = 0.5  # added to every count: no next word is thought impossible


def sentences(count: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """[count, DAYS] words drawn from CHAIN, the first one evenly; more sentences begin with the same ones."""
    found = np.zeros((count, DAYS), dtype=np.int64)
    draws = np.random.default_rng(seed).random((count, DAYS))
    found[:, 0] = (draws[:, 0] * len(WORDS)).astype(np.int64)
    steps = CHAIN.cumsum(axis=1)
    for day in range(1, DAYS):
        found[:, day] = (draws[:, day, None] >= steps[found[:, day - 1]]).sum(axis=1).clip(max=len(WORDS) - 1)
    return found


def next_word(words: npt.NDArray[np.int64], history: int) -> Floats:
    """P by counting: rows depend on the last word (history 1), or are all the same, the words' shares (history 0)."""
    counts = np.zeros_like(CHAIN)
    np.add.at(counts, (words[:, :-1].ravel(), words[:, 1:].ravel()), 1)
    if not history:
        counts = np.repeat(counts.sum(axis=0, keepdims=True), len(WORDS), axis=0)
    counts += PRIOR
    found: Floats = counts / counts.sum(axis=1, keepdims=True)
    return found


def stationary() -> Floats:
    """Shares of the words in an endless sentence: the left eigenvector of CHAIN."""
    values, vectors = np.linalg.eig(CHAIN.T)
    shares = np.real(vectors[:, np.argmax(np.real(values))])
    found: Floats = shares / shares.sum()
    return found


def perplexity(model: Floats) -> float:
    """exp of the expected -log P(next word) of `model` on endless new text; equal to CHAIN's own for the best model."""
    return float(np.exp(-(stationary()[:, None] * CHAIN * np.log(np.maximum(model, 1e-300))).sum()))


class Game(NamedTuple):
    """Every outer step s = 0..S of the bi-level game: paths [S + 1, T + 1, 2], losses [S + 1], b [S + 1, k]."""

    paths: Floats
    losses: Floats
    labels: Floats


INPUTS = np.array([[1.0, 0.3], [-0.4, 0.9]])  # A: where the two synthetic points stand; only their labels are learnt
START = np.array([-0.9, 0.2])  # w_0
OUTER_STEPS, OUTER_LR = 60, 2.0


def real_points(count: int = 40) -> tuple[Floats, Floats]:
    """Inputs [count, 2] and noisy labels [count] of the line everybody should learn."""
    draw = np.random.default_rng(1)
    inputs = draw.normal(size=(count, 2))
    return inputs, inputs @ np.array([1.0, -0.6]) + 0.3 * draw.normal(size=count)


def real_loss(weights: Floats) -> Floats:
    """Outer loss: half the mean squared error on the real points, for weights [..., 2]."""
    inputs, labels = real_points()
    found: Floats = 0.5 * ((weights @ inputs.T - labels) ** 2).mean(axis=-1)
    return found


def best_weights() -> Floats:
    """Least squares on the real points: what no training on the synthetic ones can beat."""
    inputs, labels = real_points()
    return np.linalg.lstsq(inputs, labels, rcond=None)[0].astype(np.float64)


def descend(labels: Floats, steps: int, lr: float) -> Floats:
    """Inner loop: [T + 1, 2] weights of gradient descent on the synthetic points from w_0."""
    path = [START]
    for _ in range(steps):
        path.append(path[-1] - lr * INPUTS.T @ (INPUTS @ path[-1] - labels) / len(labels))
    return np.array(path)


def label_gradient(path: Floats, lr: float) -> Floats:
    """d outer / d b [k] through the whole inner loop: the adjoint of w is walked back step by step."""
    inputs, labels = real_points()
    adjoint = inputs.T @ (inputs @ path[-1] - labels) / len(labels)
    found = np.zeros(len(INPUTS))
    for _ in path[1:]:
        found += lr * INPUTS @ adjoint / len(INPUTS)
        adjoint = adjoint - lr * INPUTS.T @ (INPUTS @ adjoint) / len(INPUTS)
    return found


def game(steps: int, lr: float) -> Game:
    """OUTER_STEPS corrections of the labels, each by the gradient through `steps` inner steps. O(S T k)."""
    labels, found = np.zeros(len(INPUTS)), []
    for _ in range(OUTER_STEPS + 1):
        path = descend(labels, steps, lr)
        found.append((path, real_loss(path[-1]), labels))
        labels = labels - OUTER_LR * label_gradient(path, lr)
    return Game(*(np.array(column) for column in zip(*found, strict=True)))


def kept_bytes(weights: int, steps: int, graph: float) -> dict[str, float]:
    """Bytes that each way keeps for T steps, one step's graph (`graph` numbers a weight) included.

    `unroll` keeps T graphs; `store` and `checkpoint` are the engine's own plan (`farzi_core.memory_plan`).
    """
    one = graph * weights * FLOAT32
    plan = memory_plan(weights, steps)
    modes = {mode: one + plan.row(mode).bytes for mode in ("store", "checkpoint")}
    return {"unroll": steps * one, **modes}


def gradients_needed(weights: int, steps: int) -> dict[str, float]:
    """Time of each way in gradients of the inner loss; unrolling counted as the same products inside its backward."""
    plan = memory_plan(weights, steps)
    return {"unroll": 4.0 * steps, **{mode: plan.row(mode).cost * steps for mode in ("store", "checkpoint")}}


GROUPS, PER_GROUP, POSITIONS = 4, 3, 8
SHARE = 0.85  # of a position's probability that lies in one group


def wanted() -> Floats:
    """[POSITIONS, V] distributions to be stored: each position prefers one group, and inside it one item."""
    items = np.arange(GROUPS * PER_GROUP)
    rows = []
    for position in range(POSITIONS):
        inside = np.where(items // PER_GROUP == position % GROUPS, SHARE, (1 - SHARE) / (GROUPS - 1)) / PER_GROUP
        rows.append(inside * np.where(items % PER_GROUP == (position // GROUPS), 2.0, 0.5))
    table = np.array(rows)
    found: Floats = table / table.sum(axis=1, keepdims=True)
    return found


def factorise(d: int) -> tuple[Floats, Floats]:
    """Z [xi, d] and M [d, V]: the best logits of rank d for `wanted()` in least squares (truncated SVD)."""
    logits = np.log(wanted())
    left, sizes, right = np.linalg.svd(logits - logits.mean(axis=1, keepdims=True), full_matrices=False)
    return left[:, :d] * sizes[:d], right[:d]


def decoded(latent: Floats, decoder: Floats, tau: float) -> Floats:
    """X = softmax(Z M / tau)."""
    logits = latent @ decoder / tau
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: Floats = powers / powers.sum(axis=1, keepdims=True)
    return found


def divergence(found: Floats) -> float:
    """Mean KL(wanted, found) of a position in bits: what a reader of `found` pays too much. 0 is perfect."""
    target = wanted()
    return float((target * np.log2(target / found)).sum(axis=1).mean())


def entropy(table: Floats) -> float:
    """Mean entropy of a position in bits."""
    return float(-(table * np.log2(np.maximum(table, 1e-300))).sum(axis=1).mean())
