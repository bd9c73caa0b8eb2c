"""Many runs with one question: how much synthetic data is enough (frontier), which models it teaches (transfer), and
whether that holds for other users (splits).

A study has no file of its own. Its points are ordinary runs, told apart by the digest of their settings, and the store
remembers those: the same command twice asks for the same runs, so what this version has done is not done again, what
ended early goes on, and what is missing is queued. It can be killed at any time and started again. No torch.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from farzi_core.config import RunConfig, with_settings
from farzi_core.errors import ConfigError
from farzi_core.limits import MAX_STUDY_RUNS
from farzi_core.runs import launcher
from farzi_core.runs.manifest import RESUMABLE, RunState
from farzi_core.runs.run import Run, settings_digest
from farzi_core.runs.store import Store
from farzi_core.sections import Kind

ENDED = (RunState.DONE, RunState.DIVERGED)  # a diverged run would diverge again: the same settings give the same bits


class Size(NamedTuple):
    """Of the synthetic data: mu sequences of xi events."""

    mu: int
    xi: int

    def __str__(self) -> str:
        return f"{self.mu}x{self.xi}"


class Point(NamedTuple):
    """One run of a study, and what was done about it."""

    run: Run
    did: Literal["finished before", "at work", "resumed", "queued"]


def frontier(base: RunConfig, sizes: Sequence[Size], seeds: Sequence[int]) -> list[RunConfig]:
    """`base` at every size and seed, all sizes of the first seed first, so that a figure is there early."""
    return _plan(
        (base, f"{size}, seed {seed}", {"synthetic.mu": size.mu, "synthetic.xi": size.xi, "seed": seed})
        for seed in seeds
        for size in sizes
    )


def transfer(
    base: RunConfig, teachers: Sequence[Kind], students: Sequence[Kind], seeds: Sequence[int]
) -> list[RunConfig]:
    """`base` distilled with every teacher and evaluated on every student; baselines of equal size have no part here."""
    judged = {"evaluation.students": list(students), "evaluation.baselines": []}
    return _plan(
        (base, f"taught by {teacher}, seed {seed}", {"model.kind": teacher, "seed": seed, **judged})
        for seed in seeds
        for teacher in teachers
    )


def splits(base: RunConfig, splits: Sequence[int], seeds: Sequence[int]) -> list[RunConfig]:
    """`base` on the users that every seed of the data draws, all splits of the first seed first."""
    return _plan(
        (base, f"split {split}, seed {seed}", {"data.seed": split, "seed": seed}) for seed in seeds for split in splits
    )


def begin(configs: Iterable[RunConfig], store: Store | None = None) -> list[Point]:
    """Every point's run, in the order of `configs`: found where it is there, resumed or queued where it is not done.

    A run is there if its stored settings have the same digest. A version that added a setting writes other digests, so
    runs of versions before it are not found and their points are queued again.

    Raises `StoreError` where a run that should be reused is damaged or was written by a newer version.
    """
    store = store or Store()
    known: dict[str, list[Run]] = defaultdict(list)
    for summary in store.list():  # newest first
        if summary.state is not RunState.DAMAGED:
            run = Run(store.root / summary.id)
            known[run.manifest.config_digest].append(run)
    return [_begin(config, known[settings_digest(config)], store) for config in configs]


def _begin(config: RunConfig, runs: list[Run], store: Store) -> Point:
    states = [(run, run.state()) for run in runs]
    for ended in ENDED:
        if found := next((run for run, state in states if state is ended), None):
            return Point(found, "finished before")
    if found := next((run for run, state in states if state.active), None):
        launcher.launch(found)  # it may have been made by a process that died before starting its worker
        return Point(found, "at work")
    if found := next((run for run, state in states if state in RESUMABLE and not run.read_only), None):
        launcher.resume(found)
        return Point(found, "resumed")
    return Point(launcher.submit(config, f"study {settings_digest(config)}", store), "queued")


def _plan(points: Iterable[tuple[RunConfig, str, dict[str, Any]]]) -> list[RunConfig]:
    """The settings of every point once, under a name that says which it is."""
    configs = [with_settings(base, {**settings, "name": name}) for base, name, settings in points]
    unique = list({settings_digest(config): config for config in configs}.values())
    if not 0 < len(unique) <= MAX_STUDY_RUNS:
        raise ConfigError(
            f"a study of {len(unique)} runs: it takes 1 to {MAX_STUDY_RUNS}; choose fewer sizes, teachers, "
            "splits or seeds, and ask for the others afterwards"
        )
    return unique
