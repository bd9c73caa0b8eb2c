"""runs list, show, stop, resume, delete: what the app's Runs page does, in the terminal."""

import sys
from dataclasses import asdict, astuple
from typing import Annotated, Any

import typer

from farzi_core.commands import show, together
from farzi_core.commands.find import Chosen, find_run
from farzi_core.commands.work import Detach, follow_to_result
from farzi_core.evaluation.report import METRIC_LABELS, metrics_in, shown
from farzi_core.presets import PRESETS
from farzi_core.runs import environment, launcher
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run, RunSummary
from farzi_core.runs.store import Store
from farzi_core.views import health
from farzi_core.views import runs as words
from farzi_core.views.settings import changed

app = typer.Typer(help="List, show, stop, resume and delete runs.", no_args_is_help=True, rich_markup_mode=None)


@app.command(name="list")
def list_runs(as_json: show.Json = False) -> int:
    """All runs, newest first."""
    found = Store().list()
    if as_json:
        show.document([_plain(one) for one in found])
    elif not found:
        show.words("There are no runs yet. `python -m farzi_core demo` makes one.")
    else:
        rows = [(str(one.number), one.id, one.state.value, words.title(one), _steps(one), _age(one)) for one in found]
        show.table(["No.", "Run", "State", "Name", "Steps", "Created"], rows, right=["No.", "Steps"])
    return 0


@app.command(name="show")
def show_run(run: Chosen, as_json: show.Json = False) -> int:
    """One run: state, progress, validation so far, settings that differ from the preset."""
    found = find_run(run)
    summary, latest = found.summary(), found.latest()
    if summary.state is RunState.DAMAGED:
        raise show.UsageError(f"Run {found.id} cannot be read: {summary.error}.")
    preset = PRESETS.get(found.config.preset, PRESETS["demo"])
    different = {key: one for key, one in changed(found.config, preset.config).items() if key != "name"}
    readings = health.readings(found.events(), found.config)
    if as_json:
        values = {"progress": latest.get("step"), "validation": latest.get("validation"), "bytes": found.size()}
        more = {"health": [asdict(one) for one in readings], "settings": found.config.model_dump(mode="json")}
        show.document({**_plain(summary), **values, **more})
        return 0
    rows = [
        ("State", summary.state.value),
        *_facts(found, summary),
        *((key, str(one)) for key, one in different.items()),
    ]
    show.table(["Run", found.id], rows)
    if readings:
        show.words("")
        show.table(
            ["Health", "Value", "Good", "Advice"], [(*astuple(one)[:3], one.advice or "fine") for one in readings]
        )
    return 0


@app.command()
def stop(
    run: Chosen,
    force: Annotated[bool, typer.Option(help="Kill the worker if it does not stop in time.")] = False,
    as_json: show.Json = False,
) -> int:
    """Ask a run to write a checkpoint and end."""
    found = find_run(run)
    launcher.stop(found, force=force)
    return _said(found, f"Run {found.id} was asked to stop.", as_json)


@app.command()
def resume(run: Chosen, detach: Detach = False, as_json: show.Json = False) -> int:
    """Go on with a run that ended early, from its newest checkpoint."""
    found = find_run(run)
    if environment.world_size() > 1:
        return together.resume(found, lambda one: follow_to_result(one, as_json))
    launcher.resume(found)
    return _said(found, f"Run {found.id} goes on.", as_json) if detach else follow_to_result(found, as_json)


@app.command()
def delete(
    run: Chosen,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: show.Json = False,
) -> int:
    """Remove a run and its result for good."""
    found = find_run(run)
    if not yes and not sys.stdin.isatty():
        raise show.UsageError(f"Deleting {found.id} cannot be undone; add --yes to do it.")
    if not yes and not typer.confirm(f"Delete {words.label(found.summary())} for good?", err=True):
        return 1
    Store().delete(found.id)
    if as_json:
        show.document({"run_id": found.id, "deleted": True})
    else:
        show.words(f"Run {found.id} was deleted.")
    return 0


def _said(run: Run, sentence: str, as_json: bool) -> int:
    if as_json:
        show.document({"run_id": run.id, "state": run.state().value})
    else:
        show.words(sentence)
    return 0


def _plain(one: RunSummary) -> dict[str, Any]:
    """JSON values of a summary: times as ISO 8601."""
    values = asdict(one)
    times = {
        name: moment and moment.isoformat() for name in ("created", "started", "finished") for moment in [values[name]]
    }
    return {**values, **times, "state": one.state.value}


def _steps(one: RunSummary) -> str:
    step = one.steps if one.state is RunState.DONE else one.step
    return f"{step}/{one.steps}" if one.steps else ""


def _age(one: RunSummary) -> str:
    return words.age(one.created) if one.created else ""


def _facts(run: Run, summary: RunSummary) -> list[tuple[str, str]]:
    """What the newest lines of the log say; where something went wrong, the last words too."""
    latest = run.latest()
    validation = latest.get("validation", {})
    figures = [
        f"{METRIC_LABELS[one]} {shown(one, validation[one])}"
        for one in metrics_in(validation)
        if validation.get(one) is not None
    ]
    facts = [
        ("Name", words.title(summary)),
        ("Data", summary.source),
        ("Preset", summary.preset),
        ("Stage", words.progress(run.events()).sentence if summary.state.active else summary.stage),
        ("Step", _steps(summary)),
        ("Last validation", ", ".join(figures)),
        ("Size", words.size(run.size())),
        ("Problem", summary.error),
    ]
    return [(name, value) for name, value in facts if value]
