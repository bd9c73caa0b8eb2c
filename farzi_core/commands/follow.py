"""Watch a run from the terminal until it ends. The run is a process of its own: it does not need to be watched."""

import sys
import time

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from farzi_core.commands.show import console, say
from farzi_core.evaluation.report import METRIC_LABELS, metrics_in, shown
from farzi_core.runs import launcher
from farzi_core.runs.manifest import RunState
from farzi_core.runs.metrics_log import Event
from farzi_core.runs.run import Run
from farzi_core.views import text
from farzi_core.views.runs import STAGES

LOOK_SECONDS = 0.25  # between two looks at the end of metrics.jsonl


def follow(run: Run, *, quiet: bool = False) -> RunState:
    """The state in which the run ended. Ctrl-C asks whether to stop it; else it goes on in the background.

    A progress bar on a terminal, one line a stage elsewhere, nothing when `quiet`.
    """
    try:
        if quiet:
            return _wait(run)
        return _bar(run) if sys.stderr.isatty() else _lines(run)
    except KeyboardInterrupt:
        return _interrupted(run)


def wait_or_explain(run: Run, *, quiet: bool = False) -> RunState:
    """`follow`, then one line for every end without a result, with the next step."""
    state = follow(run, quiet=quiet)
    again = f"`python -m farzi_core runs resume {run.id}` goes on from the last checkpoint"
    if state.active:
        say(f"Run {run.id} goes on in the background; `python -m farzi_core runs show {run.id}` says how far it is")
    elif state is RunState.STOPPED:
        say(f"Run {run.id} was stopped; {again}")
    elif state is not RunState.DONE:
        say(f"Run {run.id}: {state.value}. {run.summary().error}")
    return state


def _wait(run: Run) -> RunState:
    while (state := run.state()).active:
        time.sleep(LOOK_SECONDS)
    return state


def _lines(run: Run) -> RunState:
    said = ""
    while True:
        state = run.state()  # before the log, so that the last stage is not missed
        stage = run.latest().get("stage", {})
        if stage and stage["stage"] != said:
            said = str(stage["stage"])
            say(f"{stage['elapsed']:7.1f} s  {stage.get('message') or STAGES.get(said, said)}", prefix="")
        if not state.active:
            return state
        time.sleep(LOOK_SECONDS)


def _bar(run: Run) -> RunState:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[facts]}"), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=None, facts="")
        while (state := run.state()).active:
            _draw(bar, task, run, state)
            time.sleep(LOOK_SECONDS)
    return state


def _draw(bar: Progress, task: TaskID, run: Run, state: RunState) -> None:
    latest = run.latest()
    stage = str(latest.get("stage", {}).get("stage", ""))
    done, total = _count(latest, stage)
    place = launcher.queue_position(run) if state is RunState.QUEUED else None
    words = f"Waiting, place {place} in the queue" if place else STAGES.get(stage, "Starting")
    bar.update(task, description=text.visible(words), completed=done, total=total, facts=_facts(latest, stage))


def _count(latest: dict[str, Event], stage: str) -> tuple[float, float | None]:
    """Done and total of the stage; no total where it does not count."""
    if stage == "distil" and "step" in latest:
        return latest["step"]["step"], latest["step"]["steps"]
    progress = latest.get("progress", {})
    return (progress["done"], progress["total"]) if progress.get("stage") == stage else (0, None)


def _facts(latest: dict[str, Event], stage: str) -> str:
    if stage != "distil" or "step" not in latest:
        return ""
    step, validation = latest["step"], latest.get("validation", {})
    loss = f"  loss {step['loss']:.3f}" if step["loss"] is not None else ""
    best = "".join(f"  {METRIC_LABELS[one]} {shown(one, validation[one])}" for one in metrics_in(validation)[:1])
    return f"{step['step']}/{step['steps']}{loss}{best}"


def _interrupted(run: Run) -> RunState:
    if sys.stdin.isatty() and sys.stderr.isatty() and typer.confirm("\nStop the run? (No: it goes on)", err=True):
        launcher.stop(run)
        return _wait(run)
    return run.state()
