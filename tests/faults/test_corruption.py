"""Bytes flipped, cut off or removed anywhere in a run folder: noticed or harmless, never a broken list (row 22)."""

import random
import shutil
from pathlib import Path

import pytest
import torch

from farzi_core.config import RunConfig
from farzi_core.errors import FarziError
from farzi_core.recorder import Saved
from farzi_core.runs import environment
from farzi_core.runs.files import sha256
from farzi_core.runs.folder import FolderRecorder
from farzi_core.runs.manifest import RunState, ending
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store

DAMAGES = 500


@pytest.fixture
def whole(store: Store, tmp_path: Path) -> Path:
    """A copy of a finished run with every kind of file."""
    run = store.create(RunConfig(name="whole", seed=3))
    recorder = FolderRecorder(run.folder, run.manifest, lambda: False)
    recorder.commit(environment=environment.describe("cpu", "", 2), attempt=1)
    recorder.keep("omega", {"theta": torch.arange(10.0)}, {"count": 1})
    for step in (1, 2, 3):
        recorder.log("step", step=step, loss=step / 7)
        recorder.checkpoint({"latent": torch.full((16,), float(step))}, {"step": step})
        recorder.snapshot(step, {"latent": torch.full((16,), float(step))}, {})
    recorder.commit_result(lambda folder: (folder / "evaluation.json").write_text('{"rows": []}') and None)
    recorder.commit(**ending(RunState.DONE))
    (run.folder / "worker.log").write_text("a line\n")
    return shutil.copytree(run.folder, tmp_path / "whole" / run.id)


def damage(file: Path, dice: random.Random) -> None:
    content = bytearray(file.read_bytes())
    kind = dice.choice(["flip", "flip", "flip", "cut", "zero", "double", "empty", "remove"])
    place = dice.randrange(len(content))
    if kind == "flip":
        content[place] ^= 1 << dice.randrange(8)
    elif kind == "zero":  # what a power cut leaves of a block that was never written
        content[place:] = bytes(len(content) - place)
    else:
        content = {"cut": content[:place], "double": content * 2, "empty": b"", "remove": b""}[kind]
    file.write_bytes(content)
    if kind == "remove":
        file.unlink()


def believed(run: Run) -> dict[str, object]:
    """Everything a reader takes from the folder, as plain values."""
    one = run.manifest
    recorder = FolderRecorder(run.folder, one, lambda: False)
    committed = {
        name: (run.folder / name).read_bytes()
        for name, record in one.files.items()
        if (run.folder / name).exists() and sha256((run.folder / name).read_bytes()) == record.sha256
    }
    return {
        "manifest": one,
        "settings": run.config.model_copy(update={"name": ""}),
        "checkpoint": plain(recorder.last_checkpoint()),
        "omega": plain(recorder.kept("omega")),
        "files": committed,
        "events": run.events(),
    }


def plain(saved: Saved | None) -> tuple[dict[str, list[float]], dict[str, object]] | None:
    return saved and ({name: tensor.tolist() for name, tensor in saved.tensors.items()}, saved.meta)


def test_five_hundred_damages_are_noticed_or_harmless(store: Store, whole: Path) -> None:
    other = store.create(RunConfig(name="other"))
    folder, dice, noticed = store.root / whole.name, random.Random(22), 0
    truth = believed(Run(folder))
    older = ({"latent": [2.0] * 16}, {"step": 2})
    names = [path.relative_to(whole) for path in sorted(whole.rglob("*")) if path.is_file()]
    for trial in range(DAMAGES):
        shutil.rmtree(folder)
        shutil.copytree(whole, folder)
        name = names[trial % len(names)]
        damage(folder / name, dice)
        summaries = {one.id: one for one in store.list()}
        assert summaries.keys() == {other.id, whole.name}, name
        assert summaries[other.id].state is RunState.QUEUED
        run = Run(folder)
        run.log_tail(), run.latest(), run.size()
        if summaries[whole.name].state is RunState.DAMAGED:
            assert summaries[whole.name].error
            with pytest.raises(FarziError):
                believed(run)
            noticed += 1
            continue
        found = believed(run)
        assert (found["manifest"], found["settings"]) == (truth["manifest"], truth["settings"]), name
        assert found["checkpoint"] in (truth["checkpoint"], older, None), name
        assert found["omega"] in (truth["omega"], None), name
        assert all(truth["files"][one] == content for one, content in found["files"].items()), name
        assert all(event in truth["events"] for event in found["events"]), name
        noticed += found != truth
    assert noticed > DAMAGES / 2, "the damages must be real"
