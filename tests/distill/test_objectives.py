"""Each objective's gradient by other roads, what each holds a student against, and that the old one did not move."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from exactly import CPU, data, doubled, exact, gradients, moved
from torch import Tensor

from farzi_core.config import RunConfig, with_settings
from farzi_core.distill.gradient_matching import distance
from farzi_core.distill.layout import Tensors
from farzi_core.distill.objective import Meta
from farzi_core.distill.outer import OuterProblem, OuterState
from farzi_core.distill.ranks import Alone
from farzi_core.distill.sgd import SGD
from farzi_core.distill.synthetic import Synthetic
from farzi_core.evaluation.recipe import inner_optimizer
from farzi_core.models.losses import IGNORED, hard_loss, soft_loss
from farzi_core.models.model import Model
from farzi_core.seeds import stream

KINDS: dict[str, dict[str, Any]] = {
    "meta": {},
    "gradient": {"objective__kind": "gradient"},
    "trajectory": {"objective__kind": "trajectory"},
    "taught": {"objective__teachers": 2},
}
"""What a student is held against: real events, gradients, a trajectory, and what two teachers expect."""
LABELS = pytest.mark.parametrize("labels", ["next", "own"])


@pytest.mark.parametrize("dropout", [0, 0.4])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("kind", KINDS)
@LABELS
@pytest.mark.parametrize("largest", [10**9, 0], ids=["dense", "latent"])
def test_z_and_m_get_the_slope_of_central_differences(
    kind: str, optimizer: str, dropout: float, labels: str, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gradient matching takes its states as constants; at the first one, which no data reached, that is no choice."""
    monkeypatch.setattr("farzi_core.distill.outer.MAX_DENSE_NUMBERS", largest)
    inner = {"inner__optimizer": optimizer, "inner__batch": 3, "inner__dropout": dropout}
    problem, state = exact(**KINDS[kind], **inner, objective__matches=1, synthetic__labels=labels)
    _, gradient = gradients(problem, state)
    direction = torch.randn(gradient.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def central(width: float) -> float:
        ahead, behind = (gradients(problem, moved(state, sign * width * direction))[0] for sign in (1, -1))
        return (ahead - behind) / (2 * width)

    slope = (4 * central(1e-5) - central(2e-5)) / 3  # under dropout five times wider truncates at 3e-6, less rounds
    assert float(gradient @ direction) == pytest.approx(slope, rel=1e-6)


def written_out(problem: OuterProblem, state: OuterState, kind: str) -> tuple[float, Tensor]:
    """The same by plain autograd, each optimiser and each objective as its paper has it; all rows at every step."""
    flight, config = problem.flight, problem.config
    latent, decoder = (one.clone().requires_grad_() for one in (state.synthetic.latent, state.synthetic.decoder))
    probs = torch.softmax(latent @ decoder / state.synthetic.tau, -1)
    generator = stream(config.seed, "outer step", 0, 0)
    start, goal, tokens = state.runners[0].theta, torch.zeros(0), torch.zeros(0)
    if kind == "trajectory":
        start, goal = flight.omega.stretch(config.objective.ahead, generator)
    else:
        tokens = flight.tokens(generator)
    theta, m, v, apart = start.clone().requires_grad_(), torch.zeros_like(start), torch.zeros_like(start), []
    for t in range(config.inner.steps):
        at = theta.detach().requires_grad_() if kind == "gradient" else theta
        (g,) = torch.autograd.grad(soft_loss(flight.model, flight.layout.views(at), probs), at, create_graph=True)
        if kind == "gradient":
            (h,) = torch.autograd.grad(hard_loss(flight.model, flight.layout.views(at), tokens), at)
            apart.append(apart_by_loops(flight.layout.views(g), flight.layout.views(h)))
        theta, m, v = by_hand(config, at, g, m, v, t)
    if kind == "meta":
        value = hard_loss(flight.model, flight.layout.views(theta), tokens)
    elif kind == "taught":
        value = taught_by_loops(problem, flight.layout.views(theta), tokens)
    elif kind == "trajectory":
        value = (theta - goal).pow(2).sum() / (start - goal).pow(2).sum()
    else:
        value = torch.stack(apart).mean()
    found = torch.autograd.grad(value, (latent, decoder))
    return float(value.detach()), torch.cat([one.flatten() for one in found])


def by_hand(config: RunConfig, theta: Tensor, g: Tensor, m: Tensor, v: Tensor, t: int) -> tuple[Tensor, Tensor, Tensor]:
    inner = config.inner
    g = g + inner.weight_decay * theta
    if inner.optimizer == "sgd":
        m = inner.momentum * m + g
        return theta - inner.lr * m, m, v
    m, v = inner.beta1 * m + (1 - inner.beta1) * g, inner.beta2 * v + (1 - inner.beta2) * g * g
    root = torch.where(v > 0, torch.where(v > 0, v, 1.0).sqrt(), 0.0) / (1 - inner.beta2 ** (t + 1)) ** 0.5
    return theta - inner.lr * m / (1 - inner.beta1 ** (t + 1)) / (root + inner.eps), m, v


def apart_by_loops(made: Tensors, real: Tensors) -> Tensor:
    """1 - cosine of every output's weights, one output after the other."""
    found = []
    for name, g in made.items():
        if g.ndim == 2:
            of_rows = name in {"item", "position"}
            pairs = zip(g if of_rows else g.T, real[name] if of_rows else real[name].T, strict=True)
            for one, other in pairs:
                norms = one.norm() * other.norm()
                found.append(1 - one @ other / norms if norms > 0 else norms.new_ones(()))
    return torch.stack(found).mean()


def taught_by_loops(problem: OuterProblem, weights: Tensors, tokens: Tensor) -> Tensor:
    """Cross-entropy to the softmax of the teachers' mean scores, one sequence and one position after the other."""
    assert isinstance(problem.objective, Meta)
    ensemble = problem.objective.teachers
    assert ensemble is not None
    found = []
    for row in tokens:
        length = int((row != IGNORED).sum())
        seen = row[None, : length - 1]
        scores = [_scores(ensemble.model, one, seen) for one in ensemble.weights]
        wanted = torch.softmax((scores[0] + scores[1]) / 2, -1)
        found.extend(-(wanted * torch.log_softmax(_scores(problem.flight.model, weights, seen), -1)).sum(-1))
    return torch.stack(found).mean()


def _scores(model: Model, weights: Tensors, tokens: Tensor) -> Tensor:
    """[L, V] of one sequence [1, L]."""
    return model.logits(weights, model.encode(weights, model.embed(weights, tokens)))[0]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("kind", KINDS)
@LABELS
def test_the_gradient_is_that_of_plain_autograd_through_the_formula_written_out(
    labels: str, kind: str, optimizer: str
) -> None:
    problem, state = exact(**KINDS[kind], inner__optimizer=optimizer, synthetic__labels=labels)
    value, gradient = gradients(problem, state)
    wanted_value, wanted = written_out(problem, state, kind)
    assert value == pytest.approx(wanted_value, rel=1e-9)
    assert float((gradient - wanted).norm()) <= 1e-9 * float(wanted.norm())


def test_the_distance_of_gradients_by_hand() -> None:
    """Outputs of a matrix are its columns, of a table its rows; a bias counts nothing; no gradient at all counts 1."""
    made = {
        "out": torch.tensor([[3.0, 1.0], [4.0, 0.0]]),
        "item": torch.tensor([[2.0, 0.0], [0.0, 0.0]]),
        "bias": torch.ones(2),
    }
    real = {
        "out": torch.tensor([[4.0, -1.0], [3.0, 0.0]]),
        "item": torch.tensor([[5.0, 0.0], [1.0, 1.0]]),
        "bias": -torch.ones(2),
    }
    assert float(distance(made, real)) == pytest.approx(((1 - 24 / 25) + 2 + 0 + 1) / 4)


def test_six_outer_steps_of_meta_matching_are_those_before_there_were_other_objectives() -> None:
    """Loss and norm of each step as the code had them, in float64; the students begin at random and in Omega."""
    config = with_settings(
        RunConfig(),
        {
            "model.hidden": 16, "synthetic.mu": 12, "synthetic.xi": 5, "synthetic.d": 6, "inner.steps": 4,
            "inner.batch": 8, "inner.lifetime": 8, "inner.students": 3, "inner.omega_share": 0.5,
            "outer.steps": 8, "outer.batch": 32, "outer.lr": 0.01, "outer.starts": 2,
        },
    )  # fmt: skip
    generator, items = torch.Generator().manual_seed(0), len(data().vocab)
    shapes = ((12, 5, 6), (6, items), (4, 2880))
    latent, decoder, pool = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    omega = torch.cat([torch.zeros(2, 1, 2880, dtype=torch.float64), 0.3 * pool.view(2, 2, 2880)], 1)
    problem = OuterProblem(config, data().part("train"), items, omega, CPU)
    state, found = problem.start(Synthetic(latent, decoder)), []
    for _ in range(6):
        state = replace(state, runners=tuple(map(doubled, state.runners)))
        state, report = problem.advance(state, 1.0)
        found.append((report.loss, report.grad_norm))
    wanted = [
        (3.6713790438421903, 0.058796768346739386), (3.719311576944808, 0.05718773545630345),
        (3.8235321497641404, 0.054208920357877034), (3.7678266824946602, 0.058936139476940604),
        (3.760943844442573, 0.04907537363928939), (3.812594056808574, 0.05311406307292926),
    ]  # fmt: skip
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    sums = [float(one.square().sum()) for one in (state.synthetic.latent, state.synthetic.decoder)]
    assert sums == pytest.approx([337.2466086286147, 237.96936180254264], rel=1e-9)


class Two(Alone):
    """Two ranks of which this one owns everything."""

    size = 2


def test_students_under_sgd_are_gathered_whole() -> None:
    problem, state = exact(inner__optimizer="sgd")
    state, _ = problem.advance(state, 1.0)
    problem.ranks = Two()
    for found, wanted in zip(problem.gathered(state).runners, state.runners, strict=True):
        assert found.age == wanted.age
        assert type(found.moments) is type(wanted.moments)
        torch.testing.assert_close([found.theta, *found.moments], [wanted.theta, *wanted.moments], rtol=0, atol=0)


def test_students_train_with_the_configured_optimiser_and_its_own_rate() -> None:
    config = with_settings(RunConfig(), {"inner.optimizer": "sgd", "inner.momentum": 0.8, "inner.lr": 0.5})
    assert inner_optimizer(config) == SGD(0.5, 0.8, weight_decay=config.inner.weight_decay)
    assert config.for_student("gru4rec").inner.lr == 0.5
    assert with_settings(config, {"inner.eps": 1e-8}).warnings == ()
