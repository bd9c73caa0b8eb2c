"""Double clicks, queues, dying servers and crash loops, with real worker processes (reliability rows 7, 15, 17-19)."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from workers import LIGHT, PROJECT, config, until

from farzi_core.errors import RunError
from farzi_core.limits import MAX_AUTOMATIC_RESUMES
from farzi_core.runs import launcher, locks
from farzi_core.runs.manifest import Process, RunState
from farzi_core.runs.run import WITHOUT_A_WORD, Run
from farzi_core.runs.store import Store

K = 20


@pytest.fixture(autouse=True)
def light_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "WORKER", (LIGHT,))


def order(store: Store) -> list[tuple[str, str]]:
    path = store.root / "order"
    return [tuple(line.split()) for line in path.read_text().splitlines()] if path.exists() else []


def all_done(store: Store) -> bool:
    return all(one.state is RunState.DONE for one in store.list())


def test_twenty_simultaneous_submits_of_one_form_make_one_run_and_one_worker(store: Store) -> None:
    with ThreadPoolExecutor(K) as people:
        runs = list(people.map(lambda _: launcher.submit(config(), "one form", Store()), range(K)))
    assert len({run.id for run in runs}) == len(store.list()) == 1
    until(lambda: all_done(store))
    assert order(store) == [("start", runs[0].id), ("end", runs[0].id)]
    assert runs[0].manifest.attempt == 1
    launcher.submit(config(), "one form")  # a reload of the page after the end
    assert runs[0].state() is RunState.DONE


def test_six_processes_submitting_the_same_form_make_one_run(store: Store) -> None:
    script = (
        f"from farzi_core.runs import launcher; launcher.WORKER = ({LIGHT!r},);"
        "from farzi_core.config import RunConfig; print(launcher.submit(RunConfig(), 'one form').id)"
    )
    servers = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=PROJECT)
        for _ in range(6)  # each needs its own interpreter
    ]
    ids = {server.communicate()[0] for server in servers}
    assert len(ids) == len(store.list()) == 1
    until(lambda: all_done(store))
    assert len(order(store)) == 2


def test_twenty_different_runs_start_in_order_and_one_at_a_time(store: Store) -> None:
    runs = [launcher.submit(config(), f"form {number}") for number in range(K)]
    until(lambda: all_done(store), seconds=60)
    assert order(store) == [(what, run.id) for run in runs for what in ("start", "end")]
    assert launcher.queue() == []


def test_a_dead_run_in_the_queue_does_not_hold_up_the_others(store: Store) -> None:
    active = launcher.submit(config(name="sleep"))
    until(lambda: active.state() is RunState.RUNNING)
    dead, last = launcher.submit(config()), launcher.submit(config())
    until(lambda: dead.manifest.process is not None)
    assert launcher.queue() == [dead.id, last.id]
    assert launcher.queue_position(active) is None
    assert (launcher.queue_position(dead), launcher.queue_position(last)) == (1, 2)
    os.kill(dead.manifest.process.pid, signal.SIGKILL)
    until(lambda: launcher.queue() == [last.id])
    assert dead.state() is RunState.INTERRUPTED
    launcher.stop(active)
    until(lambda: last.state() is RunState.DONE)
    assert launcher.reconcile().resumed == [dead.id]
    until(lambda: dead.state() is RunState.DONE)


def test_a_waiting_run_can_be_stopped_and_resumed(store: Store) -> None:
    active = launcher.submit(config(name="sleep"))
    until(lambda: active.state() is RunState.RUNNING)
    run = launcher.submit(config())
    until(lambda: run.manifest.attempt == 1)
    launcher.stop(run)
    until(lambda: run.state() is RunState.STOPPED)
    with pytest.raises(RunError, match="stop it first"):
        store.delete(active.id)
    launcher.stop(active)
    launcher.resume(run)
    until(lambda: run.state() is RunState.DONE)
    until(lambda: active.state() is RunState.STOPPED)
    with pytest.raises(RunError, match="only a run that ended early"):
        launcher.resume(run)


def test_a_killed_server_leaves_its_worker_at_work(store: Store) -> None:
    script = (
        f"from farzi_core.runs import launcher; launcher.WORKER = ({LIGHT!r},);"
        "from farzi_core.config import RunConfig; print(launcher.submit(RunConfig(name='sleep')).id, flush=True);"
        "import time; time.sleep(60)"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=PROJECT, start_new_session=True
    )
    assert server.stdout is not None
    run = store.open(server.stdout.readline().strip())
    until(lambda: run.state() is RunState.RUNNING)
    worker = run.manifest.process
    os.killpg(server.pid, signal.SIGKILL)
    server.communicate()
    began = time.monotonic()
    assert launcher.reconcile() == ([], []), "a living run is left alone"
    assert store.list()[0].state is RunState.RUNNING
    assert time.monotonic() - began < 3
    assert run.manifest.process == worker
    assert locks.alive(worker)
    launcher.stop(run)
    until(lambda: run.state() is RunState.STOPPED)


def test_a_crash_loop_ends_after_three_restarts_with_a_sentence(store: Store) -> None:
    run = launcher.submit(config(name="crash"))
    restarts = 0
    until(lambda: run.state() is RunState.INTERRUPTED)
    while launcher.reconcile().resumed:
        restarts += 1
        until(lambda: run.state() is RunState.INTERRUPTED)
    assert restarts == MAX_AUTOMATIC_RESUMES == 3
    assert run.manifest.attempt == 1 + restarts
    assert run.state() is RunState.FAILED
    assert run.summary().error == f"Gave up after 3 restarts without progress. {WITHOUT_A_WORD}"


def test_a_worker_that_cannot_even_start_is_given_up_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "WORKER", ("-c", "raise RuntimeError('no such library')"))
    run = launcher.submit(config())
    for _ in range(MAX_AUTOMATIC_RESUMES):
        until(lambda: run.state() is RunState.INTERRUPTED)
        assert launcher.reconcile().resumed == [run.id]
    until(lambda: run.state() is RunState.INTERRUPTED)
    assert launcher.reconcile().failed == [run.id]
    assert "RuntimeError: no such library" in run.summary().error


def test_a_worker_that_is_gone_before_anyone_looks_is_interrupted_not_queued(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "WORKER", ("-c", ""))
    monkeypatch.setattr(launcher, "identity", lambda _: None)
    run = launcher.submit(config())
    until(lambda: run.state() is RunState.INTERRUPTED)
    assert run.summary().error == WITHOUT_A_WORD


def test_a_run_accepted_by_a_server_that_died_before_starting_it_is_started_later(store: Store) -> None:
    run = store.create(config())
    assert run.state() is RunState.QUEUED
    assert launcher.reconcile().resumed == [run.id]
    until(lambda: run.state() is RunState.DONE)
    assert run.manifest.automatic_resumes == 0


def test_forced_stop_kills_a_worker_that_does_not_listen(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "STOP_GRACE_SECONDS", 0.3)
    run = launcher.submit(config(name="deaf"))
    until(lambda: run.state() is RunState.RUNNING)
    launcher.stop(run)
    assert run.state() is RunState.STOPPING
    launcher.stop(run, force=True)
    assert run.state() is RunState.STOPPED
    assert launcher.reconcile() == ([], []), "a run that a person stopped is not restarted"
    launcher.duplicate(run)
    store.delete(run.id)
    assert store.list() == []


def test_no_foreign_process_is_signalled(store: Store) -> None:
    """The pid of a dead worker may belong to another program by now."""
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    identity = locks.identity(bystander.pid)
    assert identity is not None
    reused = Process(pid=identity.pid, started=identity.started - 100)
    run = store.create(config())
    for process in (reused, identity):  # another start time; the same start time, but not our command line
        assert not locks.signal_worker(process, run.id, signal.SIGKILL)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert not locks.alive(identity)


def test_liveness_does_not_depend_on_the_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = launcher.submit(config(name="sleep"))
    until(lambda: run.state() is RunState.RUNNING)
    worker, boot, created = run.manifest.process, psutil.boot_time, psutil.Process.create_time
    for jump in (-86_400.0, 86_400.0):  # setting the clock moves the reported boot time and every start time with it
        monkeypatch.setattr(psutil, "boot_time", lambda jump=jump: boot() + jump)
        monkeypatch.setattr(psutil.Process, "create_time", lambda self, jump=jump: created(self) + jump)
        assert locks.alive(worker)
        assert Run(run.folder).state() is RunState.RUNNING
    monkeypatch.setattr(psutil, "boot_time", boot)
    monkeypatch.setattr(psutil.Process, "create_time", created)
    launcher.stop(run)
    until(lambda: run.state() is RunState.STOPPED)
