"""The calibration behind an estimate, which runs in a child process: a few steps of the configured sizes.

It runs the configured window on random tokens, so it needs no data. Training and evaluation are counted in the same
currency: gradients of a student step, measured in the same child. Steps are timed uncompiled (on a GPU as CUDA graphs):
compiling would take longer than people wait for an estimate, which is then an upper bound.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import psutil
import torch
from torch import Tensor

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Sequences
from farzi_core.device import CPU, describe, pick, seconds, use_threads
from farzi_core.distill import taught
from farzi_core.distill.adam import Adam
from farzi_core.distill.layout import Layout
from farzi_core.distill.matching import fits, matched
from farzi_core.distill.outer import OuterProblem
from farzi_core.distill.stretches import Stretches
from farzi_core.distill.synthetic import Synthetic
from farzi_core.estimate import Estimate
from farzi_core.models.model import build
from farzi_core.seeds import stream, torch_stream
from farzi_core.teacher.ensemble import NO_TEACHERS, Ensemble
from farzi_core.teacher.omega import trajectories
from farzi_core.teacher.train import epochs_loss, fresh
from farzi_core.teacher.train import train as train_steps

FIT_POSITIONS = 512  # most positions of the start that a trial fit has
FIT_EVENTS = 2_000_000  # most events whose pairs it counts; so many random ones make more pairs than real ones do


def measure(config: RunConfig, sizes: dict[str, int]) -> Estimate:
    """The calibration itself: three outer steps and a few student steps on random tokens."""
    config = with_settings(config, {"runtime.hvp": "auto"})
    use_threads(config.runtime.threads)
    device = pick(config.runtime.device)
    items = min(sizes["items"], config.data.max_items)
    train, synthetic = _random_data(config, sizes, items)
    differentiated = with_settings(config, {"inner.burn_in": 0, "inner.staggered": False})
    omega, teachers = _short_omega(config, train, items, device), _random_teachers(config, items, device)
    problem, whole = (
        OuterProblem(one, train, items, omega, device, teachers=teachers) for one in (differentiated, config)
    )
    state = problem.start(synthetic)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        state, report = problem.advance(state, 1.0)
        assert report.lr >= 0
        times.append(time.perf_counter() - started)
    windows = min(times[1:])
    step = windows * (1 + _burning(config, report.cost_ratio))
    pace = _step_seconds(config, train, items, device)
    heard, fitted = _teaching_seconds(config, synthetic, teachers)
    windows_heard = heard * config.evaluation.seeds if "taught_windows" in config.evaluation.baselines else 0.0
    return Estimate(
        seconds_per_step=step,
        distil_seconds=pace * (_omega_steps(config, device) + _teacher_steps(config, sizes, device))
        + _fit_seconds(config, synthetic, sizes, device)
        + (heard + fitted if config.synthetic.start_labels == "taught" else 0.0)
        + windows * _staggering(config, whole.first_age, report.cost_ratio)
        + step * config.outer.steps
        + pace * _validation_steps(config, device),
        evaluate_seconds=_table_seconds(config, sizes, train, items, device) + windows_heard,
        peak_bytes=psutil.Process().memory_info().rss + 4 * sizes["events"] * 8,
        device=describe(device),
    )


def _burning(config: RunConfig, cost_ratio: float) -> float:
    """What students' steps before their first window add to an outer step, as a share of it: a plain step costs the
    window's cost / (cost_ratio T), and a life has one burn-in and several windows."""
    if not config.burn_in:
        return 0.0
    windows = (config.inner.lifetime - config.burn_in) // config.inner.steps
    return config.burn_in / (windows * config.inner.steps * cost_ratio)


def _staggering(config: RunConfig, first_age: Callable[[int, int], int], cost_ratio: float) -> float:
    """What the steps of a run's first students up to their ages cost beyond the burn-in, as a multiple of an
    outer step's windows."""
    starts, students = config.outer.starts, config.inner.students
    reached = min(students, starts * config.outer.steps)
    ages = [first_age(slot // starts, slot) - config.burn_in for slot in range(reached)]
    return sum(ages) / (min(starts, students) * config.inner.steps * cost_ratio)


def _omega_steps(config: RunConfig, device: torch.device) -> int:
    """Training steps of Omega one after another: its trajectories run side by side."""
    return -(-config.teacher.trajectories // _at_once(device)) * config.teacher.trajectory_steps


def _teacher_steps(config: RunConfig, sizes: dict[str, int], device: torch.device) -> int:
    """Training steps of the teachers one after another."""
    steps, _ = config.teacher.full_steps(round(0.8 * sizes["sequences"]))
    return -(-config.objective.ensemble // _at_once(device)) * steps


def _fit_seconds(config: RunConfig, synthetic: Synthetic, sizes: dict[str, int], device: torch.device) -> float:
    """The fit of the start, by the difference of two short ones, on as many random events as there are. The cost of a
    step is proportional to the positions where they are many, so that of FIT_POSITIONS is scaled."""
    items = synthetic.decoder.shape[1]
    if config.synthetic.start != "matched" or not fits(synthetic, items):
        return 0.0
    rows = max(1, min(synthetic.mu, FIT_POSITIONS // synthetic.xi))
    some = synthetic.read.latent[:rows]
    fitted = torch.cat([some, some[:, :1]], 1) if synthetic.labelled else some  # labels start as next positions
    few = Synthetic(fitted, synthetic.decoder, synthetic.tau).to(device)
    users = max(1, min(sizes["sequences"], FIT_EVENTS // _length(sizes)))
    train = _random_sequences(users, _length(sizes), items)
    clock = []
    for steps in (1, 1, 3):  # the first one is slow: torch and its memory wake up
        begun = time.perf_counter()
        matched(few, train, items, steps).to(CPU)  # which waits for a GPU to be done
        clock.append(time.perf_counter() - begun)
    return max(0.0, clock[2] - clock[1]) / 2 * float(synthetic.mu / rows) * config.synthetic.start_steps


def _teaching_seconds(config: RunConfig, synthetic: Synthetic, teachers: Tensor) -> tuple[float, float]:
    """What labels cost that teachers predict: seconds to hear them, and to fit Z and M to them; by those of a few
    sequences."""
    if not config.teaches:
        return 0.0, 0.0
    device, some = teachers.device, min(synthetic.mu, max(1, FIT_POSITIONS // synthetic.xi))
    few = replace(synthetic, latent=synthetic.latent[:some]).to(device)
    models, tokens = Ensemble.of(config, synthetic.decoder.shape[1], teachers), few.read.probs().argmax(-1)
    clock = []
    for _ in range(2):  # the first one is slow: torch and its memory wake up
        clock = [seconds(device)]
        wanted = taught.predictions(models, tokens, Stretches.of(config, some))
        clock.append(seconds(device))
        taught.slopes(few, tokens, wanted)
        clock.append(seconds(device))
    share = synthetic.mu / some
    return share * (clock[1] - clock[0]), share * taught.FIT_STEPS * (clock[2] - clock[1])


def _validation_steps(config: RunConfig, device: torch.device) -> int:
    """Training steps of all validations one after another: each trains its students for all steps they may take, as
    many at once as threads."""
    one, at_once = config.validation, _at_once(device)
    return -(-one.students // at_once) * (config.outer.steps // one.every) * one.steps


def _at_once(device: torch.device) -> int:
    """Students that train side by side."""
    return torch.get_num_threads() if device.type == "cpu" else 1


def _short_omega(config: RunConfig, train: Sequences, items: int, device: torch.device) -> Tensor:
    """One trajectory with as many states as configured and one step between them: a window may start there."""
    settings = {
        "teacher.trajectories": min(1, config.teacher.trajectories),
        "teacher.trajectory_steps": config.teacher.states,
    }
    return trajectories(
        build(config.model, items, config.student_length), train, with_settings(config, settings), device
    )


def _random_teachers(config: RunConfig, items: int, device: torch.device) -> Tensor:
    """As many untrained models as the outer loss asks."""
    model = build(config.model, items, config.model.max_length)
    made = [fresh(model, torch_stream(0, "calibration", index), device) for index in range(config.objective.ensemble)]
    return torch.stack([Layout.of(one).flatten(one) for one in made]) if made else NO_TEACHERS


def _random_data(config: RunConfig, sizes: dict[str, int], items: int) -> tuple[Sequences, Synthetic]:
    """Random real sequences of typical length, and random Z and M of the configured sizes."""
    generator = np.random.default_rng(0)
    shape = (config.synthetic.mu, config.synthetic.faces, config.synthetic.xi, config.synthetic.d)
    faces = torch.from_numpy(generator.standard_normal(shape)).float()
    latent = faces if config.synthetic.labelled else faces[:, 0]
    decoder = torch.from_numpy(generator.standard_normal((config.synthetic.d, items))).float()
    train = _random_sequences(max(config.outer.batch, 1000), _length(sizes), items)
    return train, Synthetic(latent, decoder, config.synthetic.tau)


def _length(sizes: dict[str, int]) -> int:
    """Events of a sequence of typical length."""
    return max(3, round(sizes["events"] / max(sizes["sequences"], 1)))


def _random_sequences(users: int, length: int, items: int) -> Sequences:
    """So many sequences of `length` random items each."""
    tokens = np.random.default_rng(1).integers(0, items, users * length)
    return Sequences(tokens, np.arange(users + 1, dtype=np.int64) * length, ("",) * users)


def _table_seconds(
    config: RunConfig, sizes: dict[str, int], train: Sequences, items: int, device: torch.device
) -> float:
    """Full-data training and the students of the final table, shared by the threads: the first student has a row for
    each form of the distilled data and each baseline, the others for distilled data only; each weight decay anew."""
    full = config.teacher.full_steps(round(0.8 * sizes["sequences"]))[0] * config.evaluation.full_seeds
    row = config.evaluation.seeds * config.evaluation.steps
    rows = [len(config.evaluation.forms) + len(config.evaluation.baselines), *[1] * (len(config.students) - 1)]
    pairs = zip(map(config.for_student, config.students), rows, strict=True)
    total = sum(
        _step_seconds(one, train, items, device) * (full + count * row * len(one.decayed)) for one, count in pairs
    )
    return total / _at_once(device)


def _step_seconds(config: RunConfig, train: Sequences, items: int, device: torch.device) -> float:
    """One training step of the configured architecture on real sequences."""
    model, teacher = build(config.model, items, config.model.max_length), config.teacher
    loss = epochs_loss(model, train, teacher.batch, stream(0, "calibration"), device, teacher.dropout)
    states = list(train_steps(fresh(model, torch_stream(0, "calibration"), device), loss, Adam(0.001), 6, 3))
    return (states[1].seconds - states[0].seconds) / 3


if __name__ == "__main__":
    asked = json.loads(sys.stdin.read())
    sys.stdout.write(measure(RunConfig.model_validate(asked["config"]), asked["sizes"]).model_dump_json())
