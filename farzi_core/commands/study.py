"""frontier, transfer, splits: many runs with one question. The queue works through them; the terminal follows it.

Both can be stopped and started again at any time: the same command goes on where the store is (`farzi_core.study`).
"""

import re
from typing import Annotated, get_args

import typer

from farzi_core import study
from farzi_core.commands import show, study_tables
from farzi_core.commands.follow import wait_or_explain
from farzi_core.commands.settings import check_source, configured
from farzi_core.commands.work import Settings
from farzi_core.config import RunConfig, with_settings
from farzi_core.presets import PRESETS
from farzi_core.runs.manifest import RunState
from farzi_core.sections import Kind
from farzi_core.study import Point, Size
from farzi_core.views import matrix, points
from farzi_core.views import splits as splits_of
from farzi_core.views.frontier import frontier as frontier_of
from farzi_core.views.points import Result

Preset = Annotated[
    str | None, typer.Option(help=f"Starting point: {', '.join(PRESETS)}. Default: demo, of a text demo-text.")
]
Data = Annotated[str | None, typer.Option(help="Data set (see `datasets list`).")]
Seeds = Annotated[str, typer.Option(help="Seeds, with commas between.")]
Detach = Annotated[bool, typer.Option("--detach", "--no-wait", help="Queue the runs and return at once.")]
EQUAL_SIZE = "random_users,head_users,coreset"
KINDS = ",".join(get_args(Kind))
SEED_DIGITS = 100  # a seed may be any whole number; the name of its run has 200 characters


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (frontier, transfer, splits):
        app.command()(command)


def frontier(
    sizes: Annotated[str, typer.Option(help="Sizes MUxXI with commas between, for example 25x10,50x10,100x10.")],
    seeds: Seeds = "0,1",
    baselines: Annotated[str, typer.Option(help="Real data of equal size beside each point.")] = EQUAL_SIZE,
    preset: Preset = None,
    data: Data = None,
    settings: Settings = None,
    detach: Detach = False,
    as_json: show.Json = False,
) -> int:
    """How good against how large: distilled and real data at several sizes, several seeds each."""
    base = with_settings(_base(preset, data, settings), {"evaluation.baselines": baselines})
    runs = _begin(study.frontier(base, [_size(one) for one in _parts(sizes)], _numbers("--seeds", seeds)))
    found = [] if detach else _follow(runs, quiet=as_json)
    if as_json:
        show.document(study_tables.document(runs, frontier_of(found[0], found) if found else None))
    elif found:
        study_tables.frontier(frontier_of(found[0], found))
    return _status(runs, found, detach=detach, as_json=as_json)


def transfer(
    teachers: Annotated[str, typer.Option(help="Architectures to distil with.")] = KINDS,
    students: Annotated[str, typer.Option(help="Architectures to train on the distilled data.")] = KINDS,
    seeds: Seeds = "0,1",
    preset: Preset = None,
    data: Data = None,
    settings: Settings = None,
    detach: Detach = False,
    as_json: show.Json = False,
) -> int:
    """Which architectures learn from data that were distilled with another one: every teacher, every student."""
    base = _base(preset, data, settings)
    runs = _begin(study.transfer(base, _kinds(teachers), _kinds(students), _numbers("--seeds", seeds)))
    found = [] if detach else _follow(runs, quiet=as_json)
    alike = matrix.comparable(found[0], found) if found else []
    if as_json:
        show.document(study_tables.transfer_document(runs, alike))
    elif alike:
        study_tables.transfer(alike)
    return _status(runs, found, detach=detach, as_json=as_json)


def splits(
    splits: Annotated[str, typer.Option(help="Seeds of the split into users, with commas between; five say more.")],
    seeds: Annotated[str, typer.Option(help="Seeds of each run, with commas between.")] = "0",
    preset: Preset = None,
    data: Data = None,
    settings: Settings = None,
    detach: Detach = False,
    as_json: show.Json = False,
) -> int:
    """Whether it holds for other users: the same run on several splits, and an interval over splits."""
    base = _base(preset, data, settings)
    runs = _begin(study.splits(base, _numbers("--splits", splits), _numbers("--seeds", seeds)))
    found = [] if detach else _follow(runs, quiet=as_json)
    alike = splits_of.comparable(found[0], found) if found else []
    if found and splits_of.own_split(found[0], found):
        show.say(splits_of.OWN_SPLIT)
    if as_json:
        show.document(study_tables.splits_document(runs, alike))
    elif alike:
        study_tables.splits(alike)
    return _status(runs, found, detach=detach, as_json=as_json)


def _base(preset: str | None, data: str | None, settings: list[str] | None) -> RunConfig:
    config = configured(None, preset, settings or [], data)
    check_source(config.data.source)
    return config


def _begin(configs: list[RunConfig]) -> list[Point]:
    """The runs of a study, found, resumed or queued; says how many of each."""
    runs = study.begin(configs)
    counts: dict[str, int] = {}
    for one in runs:
        counts[one.did] = counts.get(one.did, 0) + 1
    show.say(f"{len(runs)} runs: {', '.join(f'{count} {did}' for did, count in counts.items())}.")
    return runs


def _follow(runs: list[Point], *, quiet: bool) -> list[Result]:
    """Watch the queue until it is through, or until Ctrl-C; the runs that are done by then."""
    order = sorted(runs, key=lambda one: one.run.manifest.ticket)
    for place, one in enumerate(order, start=1):
        if one.run.state().active:
            show.say(f"Run {place} of {len(order)}: {one.run.config.name}", prefix="")
        if wait_or_explain(one.run, quiet=quiet).active:
            show.say("The other runs stay in the queue; the same command goes on with all of them")
            break
    if lost := sum(one.run.state() is RunState.DIVERGED for one in runs):
        show.say(f"{points.count(lost, 'diverged run')} left out")
    return [points.result(one.run) for one in runs if one.run.state() is RunState.DONE]


def _status(runs: list[Point], found: list[Result], *, detach: bool, as_json: bool) -> int:
    if detach and not as_json:
        show.words("The queue works through them; the same command without --detach follows it and prints the table.")
    return 0 if detach or len(found) == len(runs) else 1


def _parts(words: str) -> list[str]:
    return [part.strip() for part in words.split(",") if part.strip()]


def _size(words: str) -> Size:
    match = re.fullmatch(r"(\d{1,9})[x×](\d{1,9})", words)
    if match is None:
        raise show.UsageError(f"--sizes has {words!r}, which is not MUxXI; write for example --sizes 25x10,50x10.")
    return Size(int(match[1]), int(match[2]))


def _numbers(option: str, words: str) -> list[int]:
    if wrong := [part for part in _parts(words) if not re.fullmatch(rf"\d{{1,{SEED_DIGITS}}}", part)]:
        raise show.UsageError(
            f"{option} has {wrong[0]!r}, which is no whole number of at most {SEED_DIGITS} digits; write for example "
            f"{option} 0,1."
        )
    return [int(part) for part in _parts(words)]


def _kinds(words: str) -> list[Kind]:
    known: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
    if not _parts(words):
        raise show.UsageError(f"{words!r} names no architecture; choose from {KINDS}.")
    if wrong := [part for part in _parts(words) if part not in known]:
        raise show.UsageError(f"There is no architecture {wrong[0]!r}; choose from {KINDS}.")
    return [known[part] for part in dict.fromkeys(_parts(words))]
