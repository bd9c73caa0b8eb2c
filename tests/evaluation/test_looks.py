"""When students are looked at on validation users: evenly, and densely in the first steps."""

import pytest
import torch

from farzi_core.distill.adam import Adam
from farzi_core.teacher.train import train


@pytest.mark.parametrize(
    ("steps", "every", "looks"),
    [
        (12, 5, [1, 2, 4, 5, 10, 12]),
        (9, 4, [1, 2, 4, 8, 9]),  # 4 is looked at once
        (4, 1, [1, 2, 3, 4]),
        (3, 60, [1, 2, 3]),
    ],
)
def test_the_first_steps_are_looked_at_too(steps: int, every: int, looks: list[int]) -> None:
    weights = {"item": torch.ones(2, 2)}
    states = [*train(weights, lambda found, _: found["item"].square().sum(), Adam(0.1), steps, every)]
    assert [state.step for state in states] == looks
    every_step = {state.step: state for state in train(weights, lambda w, _: w["item"].square().sum(), Adam(0.1), 12, 1)}
    for state in states:
        assert torch.equal(state.weights["item"], every_step[state.step].weights["item"]), "looking changes nothing"
