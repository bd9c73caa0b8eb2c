"""However a worker ends, the run says so in a sentence, keeps its last checkpoint and can go on (rows 3, 4, 6, 19)."""

import os
import random
import signal
import time

import pytest
from workers import Zygote, config, until

from farzi_core.runs import environment, launcher, manifest
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import STOP, Run
from farzi_core.runs.store import Store

STOPS = 20
STEPS = 40


@pytest.fixture
def reference(zygote: Zygote, store: Store) -> bytes:
    return finish(zygote, store.create(config(steps=STEPS, milliseconds=1)))


def finish(zygote: Zygote, run: Run) -> bytes:
    assert zygote.work(run) == 0
    assert run.state() is RunState.DONE
    return (run.folder / "result" / "weights.bin").read_bytes()


def requeue(store: Store, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `launcher.resume` does, but the zygote starts the worker; without its name the run has no mishap."""
    monkeypatch.setattr(launcher, "_launch", lambda _: None)
    store.rename(run.id, "")
    launcher.resume(store.open(run.id))


def test_twenty_stops_at_random_steps_are_clean_and_resume_to_the_same_bits(
    zygote: Zygote, store: Store, reference: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice, slowest = random.Random(7), 0.0
    for trial in range(STOPS):
        run = store.create(config(steps=STEPS, milliseconds=8))
        pid = zygote.start(run)
        until(lambda run=run: run.manifest.attempt == 1)  # before that, SIGTERM ends a process that did nothing yet
        step = dice.randint(0, STEPS - 10)
        until(lambda run=run, step=step: run.latest().get("step", {}).get("step", 0) >= step)
        asked = time.monotonic()
        run.request_stop() if trial % 2 else os.kill(pid, signal.SIGTERM)
        assert zygote.ended() == 0
        slowest = max(slowest, time.monotonic() - asked)
        assert run.state() is RunState.STOPPED
        assert run.manifest.step >= step, "a stop writes a checkpoint first"
        requeue(store, run, monkeypatch)
        assert not (run.folder / STOP).exists()
        assert finish(zygote, run) == reference
    assert slowest < 10


@pytest.mark.parametrize(
    ("mishap", "state", "sentence"),
    [
        ("refused", RunState.FAILED, "inner.lr = 7: that is too much; choose less"),
        ("diverged", RunState.DIVERGED, "left the smooth region at step 12"),
        ("bug", RunState.FAILED, "Internal error (KeyError): the run's log has the details; resume tries once more"),
        ("memory", RunState.FAILED, "Out of memory (no memory left). The last checkpoint is kept"),
        ("allocator", RunState.FAILED, "Out of memory ([enforce fail] DefaultCPUAllocator"),
        ("nan", RunState.FAILED, "1 of 2 values of 'latent' are not finite; the one before is kept"),
        ("full", RunState.FAILED, "(File too large). What was saved before is kept: free some space"),
    ],
)
def test_a_mishap_becomes_a_sentence_and_resume_ends_in_the_same_bits(
    mishap: str,
    state: RunState,
    sentence: str,
    zygote: Zygote,
    store: Store,
    reference: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = store.create(config(steps=STEPS, milliseconds=1, name=mishap))
    zygote.work(run)
    assert run.state() is state
    assert sentence in run.summary().error
    assert "Traceback" not in run.summary().error
    assert "/secret/path" not in run.summary().error
    assert run.manifest.step == 10
    assert run.latest()["end"]["message"] == run.manifest.error
    requeue(store, run, monkeypatch)
    assert finish(zygote, run) == reference


def test_a_finished_run_is_left_alone_by_a_late_worker(zygote: Zygote, store: Store, reference: bytes) -> None:
    run = store.open(store.list()[0].id)
    before = manifest.seal(run.manifest)
    assert zygote.work(run) == 0
    assert manifest.seal(run.manifest) == before


def test_a_device_that_is_not_there_fails_with_the_next_step(zygote: Zygote, store: Store) -> None:
    if environment.slot_for("auto") == "cuda-0":
        pytest.skip("this machine has a CUDA device")
    run = store.create(config(**{"runtime.device": "cuda"}))
    assert zygote.work(run) == 1
    assert run.state() is RunState.FAILED
    assert "choose one of them or auto" in run.summary().error


def test_the_environment_is_recorded_and_kept_for_the_next_attempt(zygote: Zygote, store: Store) -> None:
    run = store.create(config(steps=5, **{"runtime.threads": 1}))
    finish(zygote, run)
    found = run.manifest.environment
    assert found is not None
    assert (found.device, found.threads) == ("cpu", 1)
    assert set(found.versions) >= {"torch", "numpy", "safetensors"}
    assert len(found.code) == 16
    assert run.events()[0] == {**run.events()[0], "event": "attempt", "attempt": 1, "device": "cpu", "threads": 1}
