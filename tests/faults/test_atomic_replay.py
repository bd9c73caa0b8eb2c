"""Power loss inside a write: every prefix of the calls, with every legal loss of unsynced ones (row 2; ALICE, OSDI'14).

The calls of the real code are recorded; a small model of a file system then enumerates what a disk may hold when the
power goes after each of them: data of a file is sure after its fsync, a name after the fsync of its folder; what is not
sure may be lost, there, or (data) half there, independently of each other.
"""

import builtins
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from farzi_core.runs import atomic

OLD, NEW = b"old content", b"the new content"
Call = tuple[str, str, Any]  # kind, path, detail


class Calls:
    """Records open, write, fsync, replace, rename and unlink in order, and carries them out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[Call] = []
        fsync, replace, rename = os.fsync, os.replace, os.rename

        def noted_open(path: Path, mode: str = "r") -> Any:
            file = builtins.open(path, mode)  # noqa: SIM115 - handed on to the code under test
            self.made.append(("create", str(path), None))
            write = file.write

            class Noted:
                def __enter__(self) -> "Noted":
                    return self

                def __exit__(self, *_: object) -> None:
                    file.close()

                def write(this, content: bytes) -> int:
                    self.made.append(("write", str(path), content))
                    return write(content)

                def flush(self) -> None:
                    file.flush()

                def fileno(self) -> int:
                    return file.fileno()

            return Noted()

        def noted_fsync(descriptor: int) -> None:
            self.made.append(("fsync", os.readlink(f"/proc/self/fd/{descriptor}"), None))
            fsync(descriptor)

        def noted_move(move: Callable[..., None]) -> Callable[..., None]:
            def noted(source: Path, target: Path) -> None:
                move(source, target)
                self.made.append(("move", str(source), str(target)))

            return noted

        monkeypatch.setattr(atomic, "open", noted_open, raising=False)
        monkeypatch.setattr(os, "fsync", noted_fsync)
        monkeypatch.setattr(os, "replace", noted_move(replace))
        monkeypatch.setattr(os, "rename", noted_move(rename))


def disks(calls: list[Call], path: str) -> Iterator[bytes | None]:
    """Every content `path` may have after a power cut that follows `calls`; None where the name is missing."""
    data: dict[str, list[bytes]] = {path: [OLD]}  # inode (named by its first path) -> contents it may have
    names: list[tuple[str, str, str, bool]] = []  # name, inode, folder, sure
    inode = {path: path}
    for kind, one, detail in calls:
        if kind == "create":
            inode[one], data[one] = one, [b""]
        elif kind == "write":
            data[inode[one]] = [b"", detail[: len(detail) // 2], detail]
        elif kind == "fsync" and one in inode:
            data[inode[one]] = data[inode[one]][-1:]
        elif kind == "fsync":
            names = [(name, node, folder, sure or folder == one) for name, node, folder, sure in names]
        elif kind == "move":
            inode[detail] = inode.pop(one)
            names.append((detail, inode[detail], str(Path(detail).parent), False))
    for kept in itertools.product(*[[True] if sure else [True, False] for *_, sure in names]):
        node = path
        for (name, target, _, _), there in zip(names, kept, strict=True):
            node = target if there and name == path else node
        yield from data[node]


def contents_at_every_cut(calls: list[Call], path: Path) -> list[set[bytes | None]]:
    return [set(disks(calls[:cut], str(path))) for cut in range(len(calls) + 1)]


def test_a_cut_at_any_call_leaves_the_old_or_the_new_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(OLD)
    calls = Calls(monkeypatch)
    atomic.write_bytes(path, NEW)
    assert [kind for kind, *_ in calls.made] == ["create", "write", "fsync", "move", "fsync"]
    cuts = contents_at_every_cut(calls.made, path)
    assert all(contents <= {OLD, NEW} for contents in cuts)
    assert cuts[0] == {OLD}
    assert cuts[3] == {OLD}
    assert cuts[4] == {OLD, NEW}
    assert cuts[5] == {NEW}, "after the call returned, the new content is sure"


@pytest.mark.parametrize("missing", ["file", "folder"])
def test_the_model_notices_a_missing_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(OLD)
    calls = Calls(monkeypatch)
    atomic.write_bytes(path, NEW)
    skipped = str(tmp_path) if missing == "folder" else calls.made[0][1]
    cuts = contents_at_every_cut([one for one in calls.made if one[:2] != ("fsync", skipped)], path)
    assert not (all(contents <= {OLD, NEW} for contents in cuts) and cuts[-1] == {NEW})


def test_a_failure_of_any_call_keeps_the_old_content_and_no_stray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(OLD)
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(OSError, match="No space left"):
                atomic.write_bytes(path, NEW)
        assert path.read_bytes() == OLD
        assert list(tmp_path.iterdir()) == [path]


def test_a_folder_gets_its_name_only_after_everything_in_it_is_sure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch)
    temporary = atomic.temporary_folder(tmp_path / "result")
    (temporary / "deep").mkdir()
    files = [temporary / "a", temporary / "deep" / "b"]
    for file in files:
        file.write_bytes(NEW)
    atomic.commit_folder(temporary, tmp_path / "result")
    kinds = [kind for kind, *_ in calls.made]
    synced = {one for kind, one, _ in calls.made[: kinds.index("move")] if kind == "fsync"}
    assert synced == {str(temporary), str(temporary / "deep"), *map(str, files)}
    assert calls.made[-1] == ("fsync", str(tmp_path), None)
