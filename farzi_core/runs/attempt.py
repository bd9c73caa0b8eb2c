"""One attempt of a worker that has its device: run the pipeline, commit what it made, say how it ended."""

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import torch

from farzi_core.config import RunConfig
from farzi_core.device import describe, use_threads
from farzi_core.errors import DivergedError, FarziError, StoreError
from farzi_core.recorder import Recorder, Stopped
from farzi_core.runs import environment
from farzi_core.runs.folder import FolderRecorder, clear_uncommitted
from farzi_core.runs.manifest import Manifest, RunState, ending, now
from farzi_core.runs.run import Run

logger = logging.getLogger("farzi_core.worker")

OUT_OF_MEMORY = (
    "Out of memory ({words}). The last checkpoint is kept: close other programs and resume, or duplicate the run "
    "with a smaller inner.batch, outer.batch or model.hidden"
)


class Outcome(Protocol):
    """What a pipeline returns."""

    @property
    def diverged(self) -> bool:
        """True if the run left the smooth region for good and this is its last good result."""

    def write(self, folder: Path) -> None:
        """Write the files of result/ (`docs/run-folder.md`) into `folder`."""


Pipeline = Callable[[RunConfig, Recorder], Outcome]


class End(NamedTuple):
    """How an attempt ended: the state, and a sentence for people (empty when all went well)."""

    state: RunState
    message: str = ""


def compute(
    run: Run,
    current: Manifest,
    should_stop: Callable[[], bool],
    device: torch.device,
    threads: int,
    pipeline: Pipeline | None,
) -> RunState:
    """Run `pipeline` (default: `farzi_core.pipeline.run`) to an end, and write that end down, manifest last."""
    use_threads(threads)
    clear_uncommitted(run.folder, current)
    recorder = FolderRecorder(run.folder, current, should_stop)
    digest = current.environment.data_digest if current.environment else ""
    described = environment.describe(device.type, describe(device), threads, digest)
    recorder.commit(state=RunState.RUNNING, started=current.started or now(), environment=described)
    runtime = run.config.runtime.model_copy(update={"threads": threads})  # 0 could mean another number next time
    end = _run(run.config.model_copy(update={"runtime": runtime}), recorder, pipeline)
    logger.info("%s %s", end.state.value, end.message)
    with contextlib.suppress(StoreError):  # a disk that is too full for a line may still take the smaller manifest
        recorder.log("end", state=end.state.value, message=end.message)
    recorder.commit(**ending(end.state, end.message))
    return end.state


def _run(config: RunConfig, recorder: FolderRecorder, pipeline: Pipeline | None) -> End:
    try:
        recorder.log_attempt()
        outcome = (pipeline or _default_pipeline())(config, recorder)
        recorder.commit_result(outcome.write)
    except Stopped:
        return End(RunState.STOPPED)
    except DivergedError as error:
        return End(RunState.DIVERGED, str(error))
    except FarziError as error:
        return End(RunState.FAILED, str(error))
    except Exception as error:
        logger.exception("internal error")  # the traceback belongs into worker.log, and only there
        return End(RunState.FAILED, _sentence(error))
    return (
        End(RunState.DIVERGED, "The run diverged; this is its last good result")
        if outcome.diverged
        else End(RunState.DONE)
    )


def _default_pipeline() -> Pipeline:
    from farzi_core.pipeline import run

    return run


def _sentence(error: Exception) -> str:
    # torch's CPU allocator raises a plain RuntimeError with these words
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return OUT_OF_MEMORY.format(words=(str(error).splitlines() or ["no memory left"])[0][:200])
    return f"Internal error ({type(error).__name__}): the run's log has the details; resume tries once more"
