"""kill -9 at any moment: nothing accepted is lost, and the resumed run ends in the same bits (reliability row 1)."""

import os
import random
import signal
import time

import pytest
from workers import TINY, Zygote, config, until

from farzi_core.runs import launcher
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import WITHOUT_A_WORD, Run
from farzi_core.runs.store import Store

KILLS = 20
STEPS = 40


@pytest.fixture(scope="module")
def unbroken(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, float]:
    """Final weights of a run that nobody disturbed, and its seconds."""
    store = Store(tmp_path_factory.mktemp("unbroken"))
    zygote.work(store.create(config(steps=1)))  # torch is imported before the clock starts
    run = store.create(config(steps=STEPS))
    start = time.monotonic()
    assert zygote.work(run) == 0
    return weights(run), time.monotonic() - start


def weights(run: Run) -> bytes:
    assert run.state() is RunState.DONE
    assert run.result is not None
    return (run.result / "weights.bin").read_bytes()


def step_of_attempt(run: Run, attempt: int) -> int:
    """The step that the attempt has reached; 0 before it began."""
    latest = run.latest()
    mine = latest.get("attempt", {}).get("attempt") == attempt and "step" in latest
    return latest["step"]["step"] if mine and latest["step"]["elapsed"] > latest["attempt"]["elapsed"] else 0


def assert_log_is_whole(run: Run) -> None:
    """Every step once, in order, however often steps were repeated; the time never runs backwards."""
    events = run.events()
    assert [one["step"] for one in events if one["event"] == "step"] == list(range(1, STEPS + 1))
    elapsed = [one["elapsed"] for one in events]
    assert elapsed == sorted(elapsed)


def test_twenty_kills_at_random_times_resume_to_the_same_bits(
    zygote: Zygote, store: Store, unbroken: tuple[bytes, float]
) -> None:
    reference, seconds = unbroken
    dice = random.Random(2310_09983)
    killed_at = []
    for trial in range(KILLS):
        run = store.create(config(steps=STEPS), f"trial {trial}")
        pid = zygote.start(run)
        time.sleep(dice.uniform(0, seconds))
        if zygote.kill(pid):
            killed_at.append(run.manifest.step)
            expected = RunState.INTERRUPTED if run.manifest.attempt else RunState.QUEUED
            assert store.list()[0].state in {expected, RunState.DONE}  # done: it died after its last word
        assert zygote.work(run) == 0
        assert weights(run) == reference, f"trial {trial}, killed after checkpoint {killed_at[-1:]}"
        assert_log_is_whole(run)
    assert len(killed_at) > KILLS / 2, "most kills must hit a living worker"
    assert len(set(killed_at)) > KILLS / 4, "and at different points"


def test_a_run_killed_again_and_again_still_ends_in_the_same_bits(
    zygote: Zygote, store: Store, unbroken: tuple[bytes, float]
) -> None:
    run = store.create(config(steps=STEPS))
    for attempt, step in enumerate((3, 12, 13, 31, 38), start=1):
        pid = zygote.start(run)
        until(lambda attempt=attempt, step=step: step_of_attempt(run, attempt) >= step)
        before = run.manifest.step
        assert zygote.kill(pid)
        assert run.manifest.step >= before
        assert run.state() is RunState.INTERRUPTED
        assert run.summary().error == WITHOUT_A_WORD
    assert zygote.work(run) == 0
    assert weights(run) == unbroken[0]
    assert_log_is_whole(run)
    assert run.manifest.attempt == 6


def test_a_launched_worker_outlives_its_server_and_resumes_after_its_own_death(
    store: Store, unbroken: tuple[bytes, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "WORKER", (TINY,))
    run = launcher.submit(config(steps=STEPS, milliseconds=20), store=store)
    until(lambda: run.latest().get("step", {}).get("step", 0) >= 11)
    assert run.state() is RunState.RUNNING
    process = run.manifest.process
    assert process is not None
    assert os.getsid(process.pid) == process.pid != os.getsid(0), "a signal to the server's group must not reach it"
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: run.state() is RunState.INTERRUPTED)
    launcher.resume(run)
    launcher.resume(run)  # a double click
    assert run.state() is RunState.QUEUED
    until(lambda: not run.state().active)
    assert weights(run) == unbroken[0]
    assert run.manifest.attempt == 2
