"""When students are looked at on validation users: evenly, and densely in the first steps."""

import pytest
import torch

from farzi_core.distill.adam import Adam
from farzi_core.teacher.train import State, train


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
    states = trained(steps, every)
    assert [state.step for state in states] == looks
    each = trained(steps, 1)
    for state in states:
        assert torch.equal(state.weights["item"], each[state.step - 1].weights["item"]), "looking changes nothing"


def trained(steps: int, every: int) -> list[State]:
    weights = {"item": torch.ones(2, 2)}
    return [*train(weights, lambda found, _: found["item"].square().sum(), Adam(0.1), steps, every)]
