"""`torchrun --nproc-per-node=K -m farzi_core distill`: the processes of one job work on one run.

Rank 0 makes the run and is its worker; the others compute windows of the outer loop and write nothing. A rank that dies
ends the job. `torchrun ... -m farzi_core runs resume RUN` goes on from the last checkpoint, and so does the app or a
`runs resume` without torchrun, in one process.
"""

import os
from collections.abc import Callable

from farzi_core.config import RunConfig, with_settings
from farzi_core.runs import environment, launcher
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store


def work(config: RunConfig, show: Callable[[Run], int]) -> int:
    """This rank's part of a new run; `show` prints its result. Returns the exit status."""
    config = shared_out(config, environment.world_size())
    return _lead(Store().create(config), show) if leads() else _assist(config)


def resume(run: Run, show: Callable[[Run], int]) -> int:
    """This rank's part of a run that ended early."""
    if not leads():
        return _assist(run.config)
    launcher.requeue(run)
    return _lead(run, show)


def leads() -> bool:
    """Is this process the one that owns the run folder?"""
    return os.environ["RANK"] == "0"


def shared_out(config: RunConfig, ranks: int) -> RunConfig:
    """At least one window a rank in every outer step, as many students and threads on each rank."""
    starts = max(config.outer.starts, ranks)
    students = -(-max(config.inner.students, starts) // ranks) * ranks
    threads = config.runtime.threads or max(1, environment.thread_count(config, None) // ranks)
    return with_settings(config, {"outer.starts": starts, "inner.students": students, "runtime.threads": threads})


def _lead(run: Run, show: Callable[[Run], int]) -> int:
    from farzi_core.runs import worker

    return worker.work(run) or show(run)


def _assist(config: RunConfig) -> int:
    from farzi_core import pipeline
    from farzi_core.recorder import Stopped

    try:
        pipeline.assist(config)
    except Stopped:
        return 1
    return 0
