"""The estimate before a launch: validations are counted in measured student steps, whatever the objective."""

import json
import subprocess
import time
from itertools import count
from types import SimpleNamespace

import pytest
import torch
from small import SETTINGS

from farzi_core import calibrate, estimate
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Sequences
from farzi_core.device import CPU
from farzi_core.distill import matching, taught
from farzi_core.distill.stretches import Stretches
from farzi_core.distill.synthetic import Synthetic
from farzi_core.presets import PRESETS
from farzi_core.teacher.ensemble import Ensemble


@pytest.mark.parametrize("objective", ["meta", "gradient"])
def test_a_validation_takes_its_student_steps_at_their_measured_pace(
    objective: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrate, "_step_seconds", lambda *_: 100.0)
    monkeypatch.setattr(calibrate, "_fit_seconds", lambda *_: 0.0)
    monkeypatch.setattr(calibrate, "_omega_steps", lambda *_: 0)
    more = {"objective.kind": objective, "validation.students": 3, "validation.steps": 10, "outer.steps": 7}
    config = with_settings(RunConfig(), {**SETTINGS, **more})
    found = calibrate.measure(config, {"sequences": 200, "events": 1000, "items": 30})
    validations = 2  # after steps 3 and 6
    assert found.distil_seconds - 7 * found.seconds_per_step == pytest.approx(validations * 3 * 10 * 100.0)


def test_omega_and_the_fit_of_the_start_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "_step_seconds", lambda *_: 100.0)
    monkeypatch.setattr(calibrate, "_fit_seconds", lambda *_: 50_000.0)
    more = {"teacher.trajectories": 3, "teacher.trajectory_steps": 6, "validation.every": 1000}
    config = with_settings(RunConfig(), {**SETTINGS, **more})
    found = calibrate.measure(config, {"sequences": 200, "events": 1000, "items": 30})
    assert found.distil_seconds - 6 * found.seconds_per_step == pytest.approx(3 * 6 * 100 + 50_000)


def test_teachers_are_counted_where_the_objective_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "_step_seconds", lambda *_: 100.0)
    monkeypatch.setattr(calibrate, "_fit_seconds", lambda *_: 0.0)
    monkeypatch.setattr(calibrate, "_omega_steps", lambda *_: 0)
    more = {"teacher.epochs": 5, "teacher.batch": 20, "objective.teachers": 3, "validation.every": 1000}
    for objective, teachers in (("meta", 3), ("gradient", 0)):
        config = with_settings(RunConfig(), {**SETTINGS, **more, "objective.kind": objective})
        found = calibrate.measure(config, {"sequences": 200, "events": 1000, "items": 30})
        trained = teachers * 5 * (160 // 20) * 100
        assert found.distil_seconds - 6 * found.seconds_per_step == pytest.approx(trained)


def test_the_fit_is_priced_by_its_positions_and_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit that takes 7 s, 100 s the first time, and 1 ms a step and position, on a clock that only it moves."""
    clock, calls = [0.0], count()

    def matched(start: Synthetic, train: Sequences, items: int, steps: int) -> Synthetic:
        assert (len(train), len(train.items), items) == (200, 1000, 30), "as many events as there are"
        clock[0] += 7 + 100 * (next(calls) % 3 == 0) + 0.001 * steps * start.mu * start.xi
        return start

    monkeypatch.setattr(calibrate, "matched", matched)
    monkeypatch.setattr(matching, "MAX_DENSE_NUMBERS", 10_000 * 30)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    for mu, xi in ((3, 5), (300, 10), (2, 5000)):
        synthetic = Synthetic(torch.zeros(mu, xi, 4), torch.zeros(4, 30))
        for start, steps in (("matched", 5), ("data", 0)):
            config = with_settings(RunConfig(), {"synthetic.start_steps": 5, "synthetic.start": start})
            found = calibrate._fit_seconds(config, synthetic, {"sequences": 200, "events": 1000}, CPU)
            assert found == pytest.approx(steps * 0.001 * mu * xi)
    labelled = Synthetic(torch.zeros(3, 2, 5, 4), torch.zeros(4, 30))
    asked = with_settings(RunConfig(), {"synthetic.start_steps": 5})
    found = calibrate._fit_seconds(asked, labelled, {"sequences": 200, "events": 1000}, CPU)
    assert found == pytest.approx(5 * 0.001 * 3 * 6), "labels start as next positions of rows one longer"
    large = Synthetic(torch.zeros(2, 5001, 4), torch.zeros(4, 30))
    assert calibrate._fit_seconds(asked, large, {"sequences": 200, "events": 1000}, CPU) == 0, "too large to be fitted"


@pytest.mark.parametrize("sizes", [None, {"items": 7_000}])
def test_a_larger_vocabulary_than_the_default_is_measured_as_large(
    sizes: dict[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profile of a data set has the default cut of 500 items behind it: it must not decide what 1,000 cost."""
    asked = []

    def child(*_: object, **how: str) -> SimpleNamespace:
        asked.append(json.loads(how["input"])["sizes"]["items"])
        figures = {"seconds_per_step": 1, "distil_seconds": 1, "evaluate_seconds": 1, "peak_bytes": 1, "device": "CPU"}
        return SimpleNamespace(stdout=json.dumps(figures))

    monkeypatch.setattr(subprocess, "run", child)
    config = PRESETS["demo-text"].config
    estimate.estimate(config, sizes)
    assert min(asked[0], config.data.max_items) == 1000


@pytest.mark.parametrize("more", [{}, {"inner.crop": 4}, {"objective.teachers": 1, "inner.dropout": 0.2},
                                  {"objective.teachers": 2, "synthetic.start_labels": "taught"}])  # fmt: skip
def test_runs_with_labels_can_be_estimated(more: dict[str, object]) -> None:
    config = with_settings(RunConfig(), {**SETTINGS, **more, "synthetic.labels": "own"})
    found = calibrate.measure(config, {"sequences": 200, "events": 2000, "items": 30})
    assert min(found.seconds_per_step, found.distil_seconds, found.evaluate_seconds) > 0
    assert calibrate._random_data(config, {"sequences": 9, "events": 90}, 30)[1].latent.shape == (20, 2, 6, 4)


def test_a_taught_start_is_priced_by_its_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that only it moves: 1 ms to predict for a sequence, 10 ms a step of the fit to it."""
    clock = [0.0]

    def predictions(_: Ensemble, tokens: torch.Tensor, stretches: Stretches) -> torch.Tensor:
        assert tokens.shape == (stretches.mu, stretches.xi)
        clock[0] += 0.001 * stretches.mu
        return tokens

    def slopes(synthetic: Synthetic, *_: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        clock[0] += 0.01 * synthetic.mu
        return synthetic.latent, synthetic.decoder

    monkeypatch.setattr(taught, "predictions", predictions)
    monkeypatch.setattr(taught, "slopes", slopes)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    plain = with_settings(RunConfig(), {"synthetic.labels": "own", "objective.teachers": 1})
    config = with_settings(plain, {"synthetic.start_labels": "taught"})
    beside = with_settings(plain, {"evaluation.baselines": "taught_windows"})
    weights = calibrate._random_teachers(config, 30, CPU)
    for mu in (3, 2000):
        synthetic = Synthetic(torch.zeros(mu, 2, config.synthetic.xi, 4), torch.zeros(4, 30))
        wanted = pytest.approx((mu * 0.001, mu * 0.01 * taught.FIT_STEPS))
        assert calibrate._teaching_seconds(config, synthetic, weights) == wanted
        assert calibrate._teaching_seconds(beside, synthetic, weights) == wanted
        assert calibrate._teaching_seconds(plain, synthetic, weights) == (0, 0)


def test_what_teachers_say_of_windows_is_in_the_table_and_of_the_start_in_the_distillation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calibrate, "_teaching_seconds", lambda *_: (1e6, 1e9))
    monkeypatch.setattr(calibrate, "_step_seconds", lambda *_: 0.001)
    plain = with_settings(RunConfig(), {**SETTINGS, "synthetic.labels": "own", "objective.teachers": 1})

    def found(**more: str) -> tuple[float, float]:
        settings = {key.replace("__", "."): value for key, value in more.items()}
        one = calibrate.measure(with_settings(plain, settings), {"sequences": 200, "events": 1000, "items": 30})
        return one.distil_seconds, one.evaluate_seconds

    assert max(found()) < 1e5
    assert found(synthetic__start_labels="taught")[0] == pytest.approx(1.001e9, rel=1e-3)
    assert found(synthetic__start_labels="taught")[1] < 1e5
    assert found(evaluation__baselines="taught_windows")[0] < 1e5
    assert found(evaluation__baselines="taught_windows")[1] == pytest.approx(2e6, rel=1e-3), "for each of two students"


@pytest.mark.parametrize("preset", ["demo-text", "standard-text"])
def test_the_text_presets_can_be_estimated(preset: str) -> None:
    """A GRU, and no trajectories to start from."""
    small = {"synthetic.mu": 4, "inner.steps": 2, "inner.batch": 4, "inner.students": 1, "runtime.threads": 1}
    config = with_settings(PRESETS[preset].config, small)
    found = calibrate.measure(config, {"sequences": 200, "events": 2000, "items": 30})
    assert found.seconds_per_step > 0


def test_ages_of_the_first_students_are_counted_once_a_run() -> None:
    """Four students at ages 0, 0, 4 and 8: 12 plain steps, where each of 2 windows of 4 steps costs 16."""
    inner = {"inner.steps": 4, "inner.lifetime": 12, "inner.students": 4, "outer.starts": 2}
    config = with_settings(RunConfig(), {**SETTINGS, **inner, "inner.staggered": True})
    ages = {(0, 0): 0, (0, 1): 0, (1, 2): 4, (1, 3): 8}
    assert calibrate._staggering(config, lambda step, slot: ages[step, slot], 4.0) == pytest.approx(12 / 32)


def test_an_estimate_contains_the_ages_of_the_first_students(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_fit_seconds", "_omega_steps", "_validation_steps"):
        monkeypatch.setattr(calibrate, name, lambda *_: 0)
    monkeypatch.setattr(calibrate, "_staggering", lambda _, first_age, ratio: 1e6 * first_age(1, 1) * (ratio > 0))
    inner = {"inner.steps": 4, "inner.lifetime": 12, "inner.students": 2, "inner.burn_in": 0, "outer.starts": 1}
    for staggered in (True, False):
        config = with_settings(RunConfig(), {**SETTINGS, **inner, "inner.staggered": staggered})
        found = calibrate.measure(config, {"sequences": 200, "events": 1000, "items": 30})
        once = found.distil_seconds / found.seconds_per_step - config.outer.steps
        assert once == pytest.approx(1e6 * 4 * staggered, abs=1e-6)


def test_steps_before_the_first_window_are_counted_once_a_life() -> None:
    """A life of 12 with 4 of burn-in has two windows of 4; where those cost four plain steps each, 4 of 2 x 16 more."""
    inner = {"inner.burn_in": 4, "inner.steps": 4, "inner.lifetime": 12}
    config = with_settings(RunConfig(), {**SETTINGS, **inner})
    assert calibrate._burning(config, 4.0) == pytest.approx(4 / 32)
    assert calibrate._burning(with_settings(config, {"objective.kind": "trajectory", "objective.ahead": 1}), 4.0) == 0
    assert calibrate._burning(with_settings(config, {"inner.burn_in": 0}), 4.0) == 0
