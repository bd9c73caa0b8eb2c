"""Retrainings of a run are few, and go with it."""

import os
from pathlib import Path

import pytest

from farzi_core.config import RunConfig
from farzi_core.runs import cached
from farzi_core.runs.store import Store


def put(path: Path, age: int) -> None:
    """A file last written `age` seconds ago, counted from a fixed moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    os.utime(path, (1e9 - age, 1e9 - age))


def test_a_deleted_run_leaves_no_students_behind() -> None:
    gone, stays = (Store().create(RunConfig()) for _ in range(2))
    for run in (gone, stays):
        put(cached.folder(run.id) / cached.STUDENTS.format("a"), 0)
        put(cached.folder(run.id) / "b" / cached.RESULT, 0)
    Store().delete(gone.id)
    assert not cached.folder(gone.id).exists()
    assert len(list(cached.folder(stays.id).rglob("*"))) == 3


def test_the_newest_stay_with_the_students_before_the_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "MAX_ASKED", 3)
    folder = cached.folder("r-0123456789abcdef")
    for age in range(6):
        put(folder / str(age) / cached.RESULT, age)
        put(folder / cached.STUDENTS.format(age), age)
    put(folder / "at work" / "note.json", 99)
    cached.keep_newest(folder.name)
    results = {one.parent.name for one in folder.glob(f"*/{cached.RESULT}")}
    assert results == {"0", "1", "2"}
    assert {one.name for one in folder.glob("students-*")} == {cached.STUDENTS.format(age) for age in range(4)}
    assert (folder / "at work").is_dir(), "what has no result yet is not old"
