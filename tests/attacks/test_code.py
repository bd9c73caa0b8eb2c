"""Files that run code in some other reader: renamed .csv, offered, and nothing runs."""

import contextlib
import gzip
import io
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from farzi_core.data import sandbox
from farzi_core.data.ingest import Input, import_events, preview
from farzi_core.data.mapping import Mapping
from farzi_core.errors import DatasetError


class Payload:
    """Unpickling this creates the canary file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.canary,)  # type: ignore[return-value]


def payloads(canary: Path) -> dict[str, bytes]:
    code = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    array, archive = io.BytesIO(), io.BytesIO()
    np.save(array, np.array([Payload(canary)], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(archive, "w") as torch_like:
        torch_like.writestr("archive/data.pkl", pickle.dumps(Payload(canary)))
    return {
        "pickle-2": pickle.dumps(Payload(canary), protocol=2),
        "pickle-5": pickle.dumps(Payload(canary), protocol=5),
        "pickle-gz": gzip.compress(pickle.dumps(Payload(canary))),
        "numpy": array.getvalue(),
        "torch": archive.getvalue(),
        "pickle-0": f"cpathlib\nPosixPath\n(S'{canary}'\ntRp0\n.".encode(),
        "yaml": f'!!python/object/apply:eval ["{code}"]\n'.encode(),
        "python": f"user,item\n{{{{{code}}}}},=cmd|' /C calc'!A0\n".encode(),
    }


@pytest.mark.parametrize("name", ["pickle-2", "pickle-5", "pickle-gz", "numpy", "torch"])
def test_binary_payloads_are_refused(name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    with pytest.raises(DatasetError):
        preview(payloads(canary)[name], "clicks.csv")
    assert not canary.exists()


@pytest.mark.parametrize("name", ["pickle-0", "yaml", "python"])
def test_text_payloads_are_text(name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    content = payloads(canary)[name]
    shown = preview(content, "clicks.csv")
    with contextlib.suppress(DatasetError):
        import_events(Input(content, "clicks.csv"), Mapping(sequence=shown.columns[0]))
    assert not canary.exists()


def test_payloads_through_the_real_child_run_nothing(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    file = tmp_path / "clicks.csv"
    for content in list(payloads(canary).values())[::3]:
        file.write_bytes(content)
        with contextlib.suppress(DatasetError):
            sandbox.preview_file(file, "clicks.csv")
    assert not canary.exists()


def test_the_payloads_would_work_elsewhere(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    program = "import pickle, sys; pickle.load(sys.stdin.buffer)"
    subprocess.run([sys.executable, "-c", program], input=payloads(canary)["pickle-5"], check=True)
    assert canary.exists()
