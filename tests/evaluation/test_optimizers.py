"""What trains which student: step sizes over a student's life, by hand, and decays."""

import pytest

from farzi_core.config import RunConfig, with_settings
from farzi_core.evaluation.recipe import inner_optimizer, teacher_adam

CONFIG = with_settings(
    RunConfig(),
    {
        "model.kind": "gru4rec", "teacher.gru4rec_lr": 0.09, "teacher.weight_decay": 3e-5, "teacher.schedule": "linear",
        "inner.lr": 0.04, "inner.schedule": "linear", "inner.lifetime": 20, "inner.weight_decay": 0.007,
        "inner.dropout": 0.3,
    },
)  # fmt: skip


def test_a_linear_schedule_goes_up_over_a_tenth_and_down_to_zero() -> None:
    teacher, inner = teacher_adam(CONFIG, 100), inner_optimizer(CONFIG)
    by_hand = {0: 0.009, 4: 0.045, 9: 0.09, 10: 0.09, 55: 0.045, 99: 0.001, 100: 0.0, 120: 0.0}
    assert {step: teacher.rate(step) for step in by_hand} == pytest.approx(by_hand)
    assert [inner.rate(step) for step in (0, 1, 2, 11, 19)] == pytest.approx([0.02, 0.04, 0.04, 0.02, 0.04 / 18])


def test_the_shortest_trainings_have_a_schedule_too() -> None:
    assert [teacher_adam(CONFIG, 1).rate(step) for step in (0, 1)] == pytest.approx([0.09, 0])
    assert [teacher_adam(CONFIG, 2).rate(step) for step in (0, 1)] == pytest.approx([0.09, 0.09])


def test_students_on_few_real_sequences_differ_from_teachers_in_decay_and_dropout_alone() -> None:
    teacher, baseline = teacher_adam(CONFIG, 40), teacher_adam(CONFIG.on_little, 40)
    assert [baseline.rate(step) for step in range(40)] == [teacher.rate(step) for step in range(40)]
    assert (teacher.weight_decay, baseline.weight_decay) == (3e-5, 0.007)
    assert (CONFIG.teacher.dropout, CONFIG.on_little.teacher.dropout) == (0, 0.3)
    assert with_settings(CONFIG, {"teacher.dropout": 0.6}).on_little.teacher.dropout == 0.6
    assert CONFIG.on_little.model_copy(update={"teacher": CONFIG.teacher}) == CONFIG


def test_a_constant_step_size_is_the_default() -> None:
    plain = with_settings(CONFIG, {"teacher.schedule": "constant"})
    assert {teacher_adam(plain, 100).rate(step) for step in range(100)} == {0.09}
    assert RunConfig().teacher.schedule == "constant"
