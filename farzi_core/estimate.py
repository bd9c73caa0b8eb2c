"""What a run will cost on this machine, from a few real outer steps in a child process (torch stays out of the app).

The calibration runs the configured window on random tokens of the configured sizes, so it needs no data. Training and
evaluation are counted in the same currency: gradients of a student step, measured in the same child. Steps are timed
uncompiled (on a GPU as CUDA graphs): compiling would take longer than people wait for an estimate, which is then an
upper bound.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from farzi_core.config import RunConfig, with_settings
from farzi_core.errors import RunError
from farzi_core.limits import CALIBRATION_SECONDS

_ROOT = Path(__file__).resolve().parents[1]  # where `farzi_core` is importable from, installed or not
FIT_POSITIONS = 512  # most positions of the start that a trial fit has
FIT_EVENTS = 2_000_000  # most events whose pairs it counts; so many random ones make more pairs than real ones do
TYPICAL = {"sequences": 10_000, "events": 100_000}


class Estimate(BaseModel):
    """Seconds and bytes; the distillation is what the settings decide, the rest is the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds_per_step: float
    distil_seconds: float
    evaluate_seconds: float
    peak_bytes: int
    device: str

    @property
    def sentence(self) -> str:
        """For people, rounded like an estimate should be."""
        distil, table = _duration(self.distil_seconds), _duration(self.evaluate_seconds)
        step = f"{1000 * self.seconds_per_step:.0f} ms an outer step"
        memory = f"{self.peak_bytes / 2**30:.1f} GiB of memory"
        tables = f"{table} for the full-data line and the final table"
        return f"About {distil} of distillation ({step}) and {tables}, {memory}, on {self.device}."


def estimate(config: RunConfig, sizes: dict[str, int] | None = None) -> Estimate:
    """Measure in a child process. `sizes`: sequences, events, items of the data before rare items are cut; typical
    ones where unknown, and as many items as are kept.

    Raises `RunError` if the child fails or takes longer than CALIBRATION_SECONDS.
    """
    known = {**TYPICAL, "items": config.data.max_items, **(sizes or {})}
    request = json.dumps({"config": config.model_dump(mode="json"), "sizes": known})
    command = [sys.executable, "-m", "farzi_core.estimate"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            command, input=request, capture_output=True, text=True, timeout=CALIBRATION_SECONDS, check=True, cwd=_ROOT
        )
    except subprocess.TimeoutExpired:
        raise RunError(
            f"A few steps took more than {CALIBRATION_SECONDS} s on this machine; choose smaller settings"
        ) from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"The trial steps failed ({last[:200]}); choose smaller settings") from None
    return Estimate.model_validate_json(done.stdout)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def measure(config: RunConfig, sizes: dict[str, int]) -> Estimate:
    """The calibration itself: three outer steps and a few student steps on random tokens."""
    import psutil

    from farzi_core.device import describe, pick, use_threads
    from farzi_core.distill.outer import OuterProblem

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
    return Estimate(
        seconds_per_step=step,
        distil_seconds=pace * (_omega_steps(config, device) + _teacher_steps(config, sizes, device))
        + _fit_seconds(config, synthetic, sizes, device)
        + _teaching_seconds(config, synthetic, teachers)
        + windows * _staggering(config, whole.first_age, report.cost_ratio)
        + step * config.outer.steps
        + pace * _validation_steps(config, device),
        evaluate_seconds=_table_seconds(config, sizes, train, items, device),
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


def _omega_steps(config: RunConfig, device: Any) -> int:
    """Training steps of Omega one after another: its trajectories run side by side."""
    return -(-config.teacher.trajectories // _at_once(device)) * config.teacher.trajectory_steps


def _teacher_steps(config: RunConfig, sizes: dict[str, int], device: Any) -> int:
    """Training steps of the teachers one after another."""
    steps, _ = config.teacher.full_steps(round(0.8 * sizes["sequences"]))
    return -(-config.objective.ensemble // _at_once(device)) * steps


def _fit_seconds(config: RunConfig, synthetic: Any, sizes: dict[str, int], device: Any) -> float:
    """The fit of the start, by the difference of two short ones, on as many random events as there are. The cost of a
    step is proportional to the positions where they are many, so that of FIT_POSITIONS is scaled."""
    import torch

    from farzi_core.device import CPU
    from farzi_core.distill.matching import fits, matched
    from farzi_core.distill.synthetic import Synthetic

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


def _teaching_seconds(config: RunConfig, synthetic: Any, teachers: Any) -> float:
    """What teachers say of a few sequences, and a step of the fit to it, for as many as there are."""
    from farzi_core.distill import taught
    from farzi_core.distill.stretches import Stretches
    from farzi_core.teacher.ensemble import Ensemble

    if config.synthetic.start_labels == "next":
        return 0.0
    some = min(synthetic.mu, max(1, FIT_POSITIONS // synthetic.xi))
    few = replace(synthetic, latent=synthetic.latent[:some]).to(teachers.device)
    models = Ensemble.of(config, synthetic.decoder.shape[1], teachers)
    clock = []
    for _ in range(2):  # the first one is slow: torch and its memory wake up
        begun = time.perf_counter()
        tokens = few.read.probs().argmax(-1)
        wanted = taught.predictions(models, tokens, Stretches.of(config, some))
        told = time.perf_counter()
        taught.slopes(few, tokens, wanted)[1].cpu()  # which waits for a GPU to be done
        clock.append(told - begun + taught.FIT_STEPS * (time.perf_counter() - told))
    return clock[1] * float(synthetic.mu / some)


def _validation_steps(config: RunConfig, device: Any) -> int:
    """Training steps of all validations one after another: each trains its students for all steps they may take, as
    many at once as threads."""
    one, at_once = config.validation, _at_once(device)
    return -(-one.students // at_once) * (config.outer.steps // one.every) * one.steps


def _at_once(device: Any) -> int:
    """Students that train side by side."""
    import torch

    return torch.get_num_threads() if device.type == "cpu" else 1


def _short_omega(config: RunConfig, train: Any, items: int, device: Any) -> Any:
    """One trajectory with as many states as configured and one step between them: a window may start there."""
    from farzi_core.models.model import build
    from farzi_core.teacher.omega import trajectories

    settings = {
        "teacher.trajectories": min(1, config.teacher.trajectories),
        "teacher.trajectory_steps": config.teacher.states,
    }
    return trajectories(
        build(config.model, items, config.student_length), train, with_settings(config, settings), device
    )


def _random_teachers(config: RunConfig, items: int, device: Any) -> Any:
    """As many untrained models as the outer loss asks."""
    import torch

    from farzi_core.distill.layout import Layout
    from farzi_core.models.model import build
    from farzi_core.seeds import torch_stream
    from farzi_core.teacher.ensemble import NO_TEACHERS
    from farzi_core.teacher.train import fresh

    model = build(config.model, items, config.model.max_length)
    made = [fresh(model, torch_stream(0, "calibration", index), device) for index in range(config.objective.ensemble)]
    return torch.stack([Layout.of(one).flatten(one) for one in made]) if made else NO_TEACHERS


def _random_data(config: RunConfig, sizes: dict[str, int], items: int) -> Any:
    import numpy as np
    import torch

    from farzi_core.distill.synthetic import Synthetic

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


def _random_sequences(users: int, length: int, items: int) -> Any:
    import numpy as np

    from farzi_core.data.dataset import Sequences

    tokens = np.random.default_rng(1).integers(0, items, users * length)
    return Sequences(tokens, np.arange(users + 1, dtype=np.int64) * length, ("",) * users)


def _table_seconds(config: RunConfig, sizes: dict[str, int], train: Any, items: int, device: Any) -> float:
    """Full-data training and the students of the final table, shared by the threads: the first student has a row for
    each form of the distilled data and each baseline, the others for distilled data only; each weight decay anew."""
    full = config.teacher.full_steps(round(0.8 * sizes["sequences"]))[0] * config.evaluation.full_seeds
    row = config.evaluation.seeds * config.evaluation.steps
    rows = [len(config.evaluation.forms) + len(config.evaluation.baselines), *[1] * (len(config.students) - 1)]
    pairs = zip(map(config.for_student, config.students), rows, strict=True)
    seconds = sum(
        _step_seconds(one, train, items, device) * (full + count * row * len(one.decayed)) for one, count in pairs
    )
    return seconds / _at_once(device)


def _step_seconds(config: RunConfig, train: Any, items: int, device: Any) -> float:
    """One training step of the configured architecture on real sequences."""
    from farzi_core.distill.adam import Adam
    from farzi_core.models.model import build
    from farzi_core.seeds import stream, torch_stream
    from farzi_core.teacher.train import epochs_loss, fresh
    from farzi_core.teacher.train import train as train_steps

    model, teacher = build(config.model, items, config.model.max_length), config.teacher
    loss = epochs_loss(model, train, teacher.batch, stream(0, "calibration"), device, teacher.dropout)
    states = list(train_steps(fresh(model, torch_stream(0, "calibration"), device), loss, Adam(0.001), 6, 3))
    return (states[1].seconds - states[0].seconds) / 3


if __name__ == "__main__":
    asked = json.loads(sys.stdin.read())
    sys.stdout.write(measure(RunConfig.model_validate(asked["config"]), asked["sizes"]).model_dump_json())
