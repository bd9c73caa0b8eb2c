"""FolderRecorder: two generations, newest valid wins, nothing infinite on disk, a full disk loses nothing."""

import os
import resource
import shutil
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from farzi_core.config import RunConfig
from farzi_core.errors import RunError, StoreError
from farzi_core.recorder import MemoryRecorder, Recorder
from farzi_core.runs import checkpoint, environment, folder
from farzi_core.runs.folder import FolderRecorder, clear_uncommitted
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def run(farzi_home: Path) -> Run:
    return Store().create(RunConfig())


def recorder_of(run: Run) -> FolderRecorder:
    return FolderRecorder(run.folder, run.manifest, lambda: False)


def state(value: float, size: int = 8) -> dict[str, torch.Tensor]:
    return {"latent": torch.full((size,), value), "rng": torch.get_rng_state()}


def newest(run: Run) -> tuple[float, int]:
    saved = recorder_of(run).last_checkpoint()
    assert saved is not None
    return float(saved.tensors["latent"][0]), saved.meta["step"]


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_both_recorders_give_back_what_they_were_given(run: Run, kind: str) -> None:
    recorder: Recorder = recorder_of(run) if kind == "folder" else MemoryRecorder()
    tensors = {
        "view": torch.arange(12.0).view(3, 4).t()[1:],  # not contiguous, shares memory
        "long": torch.tensor([2**62, -1]),
        "bytes": torch.get_rng_state(),
        "flag": torch.tensor([True, False]),
        "double": torch.tensor(0.1, dtype=torch.float64),
        "empty": torch.zeros(0, 5),
    }
    tensors["same"] = tensors["view"]
    meta = {"step": 3, "best": 0.1, "nested": {"list": [1, None, "é"]}}
    assert recorder.last_checkpoint() is None
    assert recorder.kept("omega") is None
    recorder.checkpoint(tensors, meta)
    recorder.keep("omega", tensors, meta)
    for saved in (recorder.last_checkpoint(), recorder.kept("omega")):
        assert saved is not None
        assert saved.meta == meta
        assert saved.tensors.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert saved.tensors[name].dtype == tensor.dtype
            assert torch.equal(saved.tensors[name], tensor)
            assert saved.tensors[name].data_ptr() % 64 == 0, "or products differ in the last bit after a resume"


def test_two_generations_are_kept_and_the_older_one_serves_when_the_newer_is_damaged(run: Run) -> None:
    recorder = recorder_of(run)
    for step in range(1, 6):
        recorder.checkpoint(state(step), {"step": step})
    files = sorted((run.folder / "checkpoints").iterdir())
    assert [file.stem for file in files] == ["0000000004", "0000000005"]
    assert newest(run) == (5.0, 5)
    content = bytearray(files[1].read_bytes())
    content[-1] ^= 1
    files[1].write_bytes(content)
    assert newest(run) == (4.0, 4)
    recorder_of(run).checkpoint(state(6.0), {"step": 6})  # its number is above that of the damaged one
    assert newest(run) == (6.0, 6)
    files[0].unlink(missing_ok=True)
    for file in (run.folder / "checkpoints").iterdir():
        file.unlink()
    assert recorder_of(run).last_checkpoint() is None


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_are_refused_and_the_old_checkpoint_stays(run: Run, bad: float) -> None:
    recorder = recorder_of(run)
    recorder.checkpoint(state(1.0), {"step": 1})
    with pytest.raises(StoreError, match="8 of 8 values of 'latent' are not finite; the one before is kept"):
        recorder.checkpoint(state(bad), {"step": 2})
    with pytest.raises(StoreError, match="beside the tensors is not finite"):
        recorder.checkpoint(state(2.0), {"step": 2, "best": bad})
    with pytest.raises(StoreError, match="not finite"):
        recorder.snapshot(2, state(bad), {})
    assert newest(run) == (1.0, 1)
    assert run.snapshots == {}


def test_what_the_manifest_does_not_know_does_not_exist(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between file and manifest: the file counts as absent, and the next worker removes it."""
    recorder = recorder_of(run)
    recorder.checkpoint(state(1.0), {"step": 1})
    with monkeypatch.context() as crash:
        crash.setattr(folder.manifest, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        for write in (
            lambda: recorder.checkpoint(state(2.0), {"step": 2}),
            lambda: recorder.keep("omega", state(2.0), {}),
            lambda: recorder.snapshot(2, state(2.0), {}),
            lambda: recorder.commit_result(lambda path: (path / "synthetic").write_text("x") and None),
        ):
            with pytest.raises(KeyboardInterrupt):
                write()
    assert newest(run) == (1.0, 1)
    assert (recorder_of(run).kept("omega"), run.snapshots, run.result) == (None, {}, None)
    assert (run.folder / "result").exists()
    clear_uncommitted(run.folder, run.manifest)
    left = {path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file()}
    assert left == {"config.json", "manifest.json", "checkpoints/0000000001.safetensors"}
    assert newest(run) == (1.0, 1)


def test_a_result_is_there_as_a_whole_and_replaces_an_older_one(run: Run) -> None:
    recorder = recorder_of(run)
    recorder.commit_result(lambda path: (path / "old").write_text("old") and None)
    recorder.commit_result(lambda path: (path / "new").write_text("new") and None)
    assert run.result is not None
    assert [path.name for path in run.result.iterdir()] == ["new"]
    assert [name for name in run.manifest.files if name.startswith("result/")] == ["result/new"]

    def half(path: Path) -> None:
        (path / "half").write_text("x")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        recorder.commit_result(half)
    assert [path.name for path in run.result.iterdir()] == ["new"]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_at_any_byte_keeps_the_old_checkpoint_and_takes_the_next(run: Run) -> None:
    recorder = recorder_of(run)
    recorder.checkpoint(state(0.0, 1), {"step": 0})
    size = len(checkpoint.pack("", state(0.0, 20_000), {}))
    for trial, limit in enumerate(range(8192, size, (size - 8192) // 20 + 1)):
        with file_size_limit(limit), pytest.raises(StoreError, match="What was saved before is kept: free some space"):
            recorder.checkpoint(state(-1.0, 20_000), {"step": -1})
        assert newest(run) == (float(trial), trial)
        assert not list(run.folder.rglob(".tmp-*"))
        recorder.checkpoint(state(trial + 1.0, 1), {"step": trial + 1})
    assert newest(run)[1] == 20


def test_the_disk_reserve_is_never_written_into(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = recorder_of(run)
    recorder.checkpoint(state(1.0), {"step": 1})
    free = folder.MIN_FREE_BYTES + 100
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10 * free, 9 * free, free))
    with pytest.raises(StoreError, match="The disk has 64 MiB free; 64 MiB are needed to go on"):
        recorder.checkpoint(state(2.0), {"step": 2})
    assert newest(run) == (1.0, 1)


def test_a_folder_that_cannot_be_written_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", denied)
    with pytest.raises(StoreError, match=r"could not be written \(Permission denied\)"):
        recorder_of(run).checkpoint(state(2.0), {"step": 2})


def test_progress_resets_the_count_of_restarts(run: Run) -> None:
    recorder = recorder_of(run)
    recorder.commit(automatic_resumes=2)
    recorder.checkpoint(state(1.0), {"step": 7})
    assert (run.manifest.automatic_resumes, run.manifest.step) == (0, 7)


def test_data_that_changed_between_attempts_stop_the_run(run: Run) -> None:
    recorder = recorder_of(run)
    recorder.commit(environment=environment.describe("cpu", "", 1))
    recorder.log("stage", stage="prepare", data_digest="abc")
    recorder.log("stage", stage="prepare", data_digest="abc")
    assert run.manifest.environment is not None
    assert run.manifest.environment.data_digest == "abc"
    with pytest.raises(RunError, match="The data changed since this run began"):
        recorder_of(run).log("stage", stage="prepare", data_digest="def")


def test_elapsed_is_carried_over_attempts(run: Run) -> None:
    recorder_of(run)._log.append({"event": "step", "elapsed": 100.0})
    recorder = recorder_of(run)
    recorder.log("step", step=2)
    assert 100.0 <= run.events()[-1]["elapsed"] < 101.0
