"""demo, distill, evaluate, export: the work itself. It runs in the app's worker; the terminal only watches."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from farzi_core.commands import again, result, show, together
from farzi_core.commands.find import Chosen, find_run
from farzi_core.commands.follow import wait_or_explain
from farzi_core.commands.settings import check_source, configured
from farzi_core.config import RunConfig, with_settings
from farzi_core.presets import PRESETS
from farzi_core.runs import environment, launcher
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run
from farzi_core.views import settings as setting_words
from farzi_core.views.load import RunView
from farzi_core.views.package import Package

Settings = Annotated[list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one setting.")]
Detach = Annotated[bool, typer.Option("--detach", help="Start the run and return at once.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (demo, distill, evaluate, export):
        app.command()(command)


def demo(
    data: Annotated[str, typer.Option(help="Data set (see `datasets list`).")] = "python-calls",
    settings: Settings = None,
    as_json: show.Json = False,
) -> int:
    """The main job: prepare, distil, train fresh students, print the table."""
    return _work(configured(None, None, settings or [], data), as_json=as_json)


def distill(
    file: Annotated[Path | None, typer.Argument(metavar="[CONFIG.toml]", help="Settings in TOML.")] = None,
    preset: Annotated[
        str | None, typer.Option(help=f"Starting point: {', '.join(PRESETS)}. Default: demo, of a text demo-text.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Data set (see `datasets list`).")] = None,
    settings: Settings = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random except the split.")] = None,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    detach: Detach = False,
    help_settings: Annotated[bool, typer.Option("--help-settings", help="List every setting and stop.")] = False,
    as_json: show.Json = False,
) -> int:
    """Distil a data set with a preset or settings of your own; the app shows the same run."""
    if help_settings:
        return _explain_settings(as_json)
    words = {"seed": seed, "name": name}
    config = configured(file, preset, settings or [], data)
    config = with_settings(config, {key: value for key, value in words.items() if value is not None})
    return _work(config, detach=detach, as_json=as_json)


def evaluate(
    run: Chosen,
    students: again.Students = None,
    seeds: again.Seeds = None,
    forms: again.Forms = None,
    settings: again.Settings = None,
    as_json: show.Json = False,
) -> int:
    """Print the final table of a finished run again; with options, of students trained anew on its synthetic data."""
    found, asked = find_run(run), again.asked(students, seeds, forms, settings or [])
    return _print(again.judged_again(found, asked, quiet=as_json) if asked else result.Judged.of_run(found), as_json)


def export(
    run: Chosen,
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    forms: again.Forms = None,
    as_json: show.Json = False,
) -> int:
    """Write a run's synthetic data for other programs: safetensors, vocabulary, card.

    With --forms, the card has the figures of students trained anew on each of them.
    """
    if folder.exists():
        raise show.UsageError(f"{folder} exists already; nothing is overwritten. Choose another folder.")
    found = find_run(run)
    package = Package.of_run(RunView(found.folder))
    if forms:
        judged = again.judged_again(found, again.asked(None, None, forms, []), quiet=as_json)
        package = replace(package, evaluation=judged.report)
    written = package.save(folder)
    files = {file.name: file.stat().st_size for file in sorted(written.iterdir())}
    if as_json:
        show.document({"run_id": found.id, "folder": str(written), "files": files})
    else:
        show.table(["File", "Bytes"], [(name, f"{size:,}") for name, size in files.items()], right=["Bytes"])
        show.words(f"\n{written}: README.md says how to load it.")
    return 0


def follow_to_result(run: Run, as_json: bool) -> int:
    """Watch a run to its end and print the table; 1 where it has none or diverged."""
    state = wait_or_explain(run, quiet=as_json)
    if run.result is None or state not in {RunState.DONE, RunState.DIVERGED}:
        return 1
    _print(result.Judged.of_run(run), as_json)
    return 0 if state is RunState.DONE else 1


def _work(config: RunConfig, *, detach: bool = False, as_json: bool) -> int:
    check_source(config.data.source)
    if environment.world_size() > 1:
        return together.work(config, lambda run: follow_to_result(run, as_json))
    for sentence in config.warnings:
        show.say(f"{sentence}.")
    run = launcher.submit(config)
    if not detach:
        return follow_to_result(run, as_json)
    if as_json:
        show.document({"run_id": run.id, "state": run.state().value})
    else:
        show.words(f"Run {run.id} was started. `python -m farzi_core runs show {run.id}` says how far it is.")
    return 0


def _print(judged: result.Judged, as_json: bool) -> int:
    if as_json:
        show.document(result.document(judged))
    else:
        result.table(judged)
    return 0


def _explain_settings(as_json: bool) -> int:
    known = list(setting_words.all_settings(RunConfig()))
    if as_json:
        show.document([{"setting": one.dotted, "default": one.value, "help": one.help} for one in known])
    else:
        rows = [(one.dotted, setting_words.written(one.value), " ".join(one.help.split())) for one in known]
        show.table(["Setting", "Default", "What it is"], rows)
    return 0
