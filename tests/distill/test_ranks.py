"""Two processes under torchrun take one process's steps, leave out a bad gradient, and resume after a killed rank."""

import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from safetensors.numpy import load_file
from small import SETTINGS

from farzi_core.cli import main
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.distill.outer import OuterProblem
from farzi_core.distill.start import initial
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store

ROOT = Path(__file__).parents[2]
SHARED = {
    **SETTINGS, "inner.burn_in": 3, "inner.lifetime": 12, "outer.starts": 2, "runtime.checkpoint_seconds": 0,
    "evaluation.seeds": 1, "objective.teachers": 2, "inner.staggered": True, "inner.dropout": 0.3,
    "synthetic.labels": "own",
}  # fmt: skip
WORDS = [word for key, value in SHARED.items() for word in ("--set", f"{key}={value}")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranks") / "home"


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """One data home for the module: the reference run is made once."""
    monkeypatch.setenv("FARZI_HOME", str(home))
    return Store()


def torchrun(*words: str, program: tuple[str, ...] = ("-m", "farzi_core")) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *program]
    path = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, *words], cwd=ROOT, env={**os.environ, **path}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def synthetic(run: Run) -> dict[str, Any]:
    assert run.result is not None
    return load_file(run.result / "synthetic.safetensors")


def alone(store: Store, steps: int) -> Run:
    """The same settings in one process with two starts."""
    name = f"alone {steps}"
    found = [one for one in store.list() if one.name == name]
    if not found:
        assert main(["distill", "--data", "planted", *WORDS, "--set", f"outer.steps={steps}", "--name", name]) == 0
    return store.open(next(one.id for one in store.list() if one.name == name))


def test_two_processes_are_one_process_with_two_starts(store: Store) -> None:
    job = torchrun("distill", "--data", "planted", *WORDS, "--name", "two")
    said, _ = job.communicate(timeout=240)
    assert job.returncode == 0, said
    two, one = store.open(store.list()[0].id), alone(store, SHARED["outer.steps"])
    assert len([run for run in store.list() if run.name == "two"]) == 1, "rank 0 alone makes the run"
    for name, wanted in synthetic(one).items():
        np.testing.assert_allclose(synthetic(two)[name], wanted, rtol=0, atol=1e-6)
    losses = [[event["loss"] for event in run.events() if event["event"] == "step"] for run in (one, two)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-6)
    assert len(losses[0]) == SHARED["outer.steps"]


# The outer loop imports `torch.distributed.nn` by way of torch.compile; its functions' defaults keep the group there is
LEAVES = """
import psutil, torch
from farzi_core.distill.ranks import joined
before = psutil.Process().num_threads()
with joined(torch.device("cpu")) as us:
    assert us.sum(torch.ones(1)) == us.size == 2
    assert psutil.Process().num_threads() > before, "gloo's threads"
    import torch._dynamo.variables
assert psutil.Process().num_threads() == before, "a thread that outlives the group may abort the interpreter's end"
"""


def test_who_leaves_a_group_keeps_no_thread_of_it() -> None:
    job = torchrun(program=("--no-python", sys.executable, "-c", LEAVES))
    said, _ = job.communicate(timeout=120)
    assert job.returncode == 0, said


def test_after_a_killed_rank_a_resume_ends_like_an_unbroken_run(store: Store) -> None:
    steps = 40
    more = ("--set", f"outer.steps={steps}", "--name", "killed")
    job = torchrun("distill", "--data", "planted", *WORDS, *more)
    try:
        run = _with_checkpoint(store, "killed", job)
        ranks = psutil.Process(job.pid).children(recursive=True)
        next(one for one in ranks if one.environ().get("RANK") == "1").kill()
        said, _ = job.communicate(timeout=120)
    finally:
        job.kill()
    assert job.returncode != 0, said
    assert run.state() in {RunState.FAILED, RunState.INTERRUPTED, RunState.STOPPED}
    assert 0 < run.manifest.step < steps
    again = torchrun("runs", "resume", run.id)
    said, _ = again.communicate(timeout=240)
    assert again.returncode == 0, said
    for name, wanted in synthetic(alone(store, steps)).items():
        np.testing.assert_allclose(synthetic(run)[name], wanted, rtol=0, atol=1e-5)


def _with_checkpoint(store: Store, name: str, job: "subprocess.Popen[str]") -> Run:
    began = time.monotonic()
    while time.monotonic() - began < 200 and job.poll() is None:
        for one in store.list():
            if one.name == name and one.step >= 2:
                return store.open(one.id)
        time.sleep(0.02)
    raise AssertionError(job.communicate(timeout=10)[0] if job.poll() is not None else "waited in vain")


def test_a_gradient_that_is_not_finite_is_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)
    config = with_settings(
        RunConfig(),
        {**SHARED, **{"inner.students": 2, "inner.omega_share": 0, "outer.clip": 1e6, "objective.teachers": 0}},
    )
    train, items = dataset.part("train"), len(dataset.vocab)
    problem = OuterProblem(config, train, items, torch.zeros(0), torch.device("cpu"))
    state = problem.start(initial(train, items, config.synthetic, 0))
    right = OuterProblem.window

    def window(self: OuterProblem, state: Any, slot: int, meta: Any) -> Any:
        found = right(self, state, slot, meta)
        return replace(found, grads={"probs": found.grads["probs"] * math.nan}) if slot == 1 else found

    good = right(problem, state, 0, {"probs": state.synthetic.probs()})
    wanted = state.synthetic.gradients(state.synthetic.probs(), good.grads["probs"])
    monkeypatch.setattr(OuterProblem, "window", window)
    moved, report = problem.advance(state, 1.0)
    assert report.finite()
    assert (report.skipped, report.loss) == (1, pytest.approx(float(good.outer_value)))
    assert report.grad_norm == pytest.approx(float(torch.cat([one.flatten() for one in wanted]).norm()), rel=1e-5)
    assert [runner.age for runner in moved.runners] == [3 + config.inner.steps, 0], "its student is replaced"
