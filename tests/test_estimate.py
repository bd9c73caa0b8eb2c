"""The estimate before a launch: validations are counted in measured student steps, whatever the objective."""

import pytest
from small import SETTINGS

from farzi_core import estimate
from farzi_core.config import RunConfig, with_settings


@pytest.mark.parametrize("objective", ["meta", "gradient"])
def test_a_validation_takes_its_student_steps_at_their_measured_pace(
    objective: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "_step_seconds", lambda *_: 100.0)
    more = {"objective.kind": objective, "validation.students": 3, "validation.steps": 10, "outer.steps": 7}
    config = with_settings(RunConfig(), {**SETTINGS, **more})
    found = estimate.measure(config, {"sequences": 200, "events": 1000, "items": 30})
    validations = 2  # after steps 3 and 6
    assert found.distil_seconds - 7 * found.seconds_per_step == pytest.approx(validations * 3 * 10 * 100.0)
