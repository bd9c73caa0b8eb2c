"""Trajectory matching: what a student is held against, what Omega keeps for it, and settings that leave nothing."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from exactly import CPU, TINY, data, exact, gradients

from farzi_core.config import RunConfig, with_settings
from farzi_core.distill.layout import Tensors
from farzi_core.distill.outer import OuterProblem
from farzi_core.errors import ConfigError
from farzi_core.models.losses import soft_loss
from farzi_core.models.model import build
from farzi_core.teacher.omega import Omega, trajectories
from farzi_core.teacher.train import State, train


def test_a_student_that_reaches_the_expert_s_next_state_is_at_distance_0_and_one_that_stands_still_at_1() -> None:
    problem, state = exact(objective__kind="trajectory", objective__ahead=1)
    flight, probs = problem.flight, state.synthetic.probs()
    begin = flight.layout.views(state.runners[0].theta)
    *_, end = train(begin, lambda weights, _t: soft_loss(flight.model, weights, probs), flight.optimizer, 3, 3)
    states = torch.stack([state.runners[0].theta, flight.layout.flatten(end.weights)])[None]

    def value(lr: float) -> float:
        config = with_settings(problem.config, {"inner.lr": lr})
        there = OuterProblem(config, flight.train, flight.model.items, states, CPU)
        return gradients(there, state)[0]

    assert value(problem.config.inner.lr) < 1e-20
    assert value(1e-12) == pytest.approx(1)


def test_a_window_of_trajectory_matching_is_its_student_s_whole_life() -> None:
    problem, state = exact(objective__kind="trajectory")
    after, report = problem.advance(state, 1.0)
    assert [window.age for window in report.windows] == [3]
    assert [runner.age for runner in after.runners] == [0, 0]
    lives_on, _ = exact()
    assert [runner.age for runner in lives_on.advance(state, 1.0)[0].runners] == [3, 0]


def test_omega_counts_trained_states_and_pairs_stay_on_one_trajectory() -> None:
    omega = Omega(torch.tensor([[0.0, 1, 2, 3], [10, 11, 12, 13]])[..., None])
    assert [float(omega.trained(index)) for index in range(len(omega))] == [1, 2, 3, 11, 12, 13]
    generator = np.random.default_rng(0)
    pairs = {tuple(float(one) for one in omega.stretch(2, generator)) for _ in range(100)}
    assert pairs == {(0, 2), (1, 3), (10, 12), (11, 13)}
    assert len(Omega(torch.zeros(0, 1, 5))) == len(Omega(torch.zeros(0))) == 0


@pytest.mark.parametrize(("steps", "states"), [(12, 3), (12, 5), (12, 9), (4, 6)])
def test_a_trajectory_keeps_as_many_states_as_asked_evenly_spaced(
    steps: int, states: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its last one. A counter stands in for training: its weight is the number of steps."""

    def counted(weights: Tensors, _loss: Any, _adam: Any, steps: int, every: int) -> Iterator[State]:
        for t in range(1, steps + 1):
            if t % every == 0 or t == steps:
                yield State(t, 0.0, {name: torch.full_like(weight, t) for name, weight in weights.items()})

    monkeypatch.setattr("farzi_core.teacher.omega.train", counted)
    settings = {**TINY, "teacher.trajectories": 1, "teacher.trajectory_steps": steps, "teacher.states": states}
    config = with_settings(RunConfig(), {**settings, "objective.ahead": 1})
    model = build(config.model, len(data().vocab), 4)
    found = trajectories(model, data().part("train"), config, CPU)[0, 1:, 0].tolist()
    assert len(found) == min(steps, states)
    assert found[-1] == steps
    gaps = {after - before for before, after in pairwise([0, *found])}
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"teacher.trajectories": 0},
            "objective.kind = 'trajectory': teacher.trajectories = 0 leaves nothing to match",
        ),
        ({"objective.ahead": 7}, "objective.ahead = 7: a trajectory keeps 6 states; choose fewer, or raise teacher"),
        ({"teacher.trajectory_steps": 2}, "objective.ahead = 3: a trajectory keeps 2 states"),
        ({"objective.kind": "mtt"}, "objective.kind = 'mtt': Input should be 'meta', 'gradient' or 'trajectory'"),
    ],
)
def test_settings_that_leave_nothing_to_match_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        with_settings(RunConfig(), {"objective.kind": "trajectory", **settings})
    assert str(refused.value).startswith(message)
