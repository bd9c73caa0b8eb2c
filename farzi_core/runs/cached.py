"""What the cache keeps of what a run was asked: one folder a run, so that it goes with the run. No torch: pages use it.

cache/asked/<run id>/students-<digest>.safetensors      what the students of one list of edits learnt
cache/asked/<run id>/<digest>/result.json               an errand's result (`data.errands`)
"""

import shutil
from pathlib import Path

from farzi_core.home import home
from farzi_core.limits import MAX_ASKED

STUDENTS, RESULT = "students-{}.safetensors", "result.json"


def folder(run_id: str) -> Path:
    """The run's folder; the caller has made sure that `run_id` is one."""
    return home() / "cache" / "asked" / run_id


def forget(run_id: str) -> None:
    """Remove everything kept for the run."""
    shutil.rmtree(folder(run_id), ignore_errors=True)


def keep_newest(run_id: str) -> None:
    """Remove all results but the `MAX_ASKED` newest, and students in the same way, with one more for those
    before the edits."""
    for old in _by_age(run_id, f"*/{RESULT}")[:-MAX_ASKED]:
        shutil.rmtree(old.parent, ignore_errors=True)
    for old in _by_age(run_id, STUDENTS.format("*"))[: -(MAX_ASKED + 1)]:
        old.unlink(missing_ok=True)


def _by_age(run_id: str, pattern: str) -> list[Path]:
    """Oldest first, by the last write or use."""
    return sorted(folder(run_id).glob(pattern), key=lambda one: one.stat().st_mtime_ns)
