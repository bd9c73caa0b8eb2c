"""Every notebook agrees with its percent script and runs from top to bottom on tiny data."""

import json
import time
from pathlib import Path
from typing import Any

import jupytext
import pytest
import torch

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
SCRIPTS = sorted(FOLDER.glob("*.py"))
SECONDS = 60.0  # of processor time; the slowest takes about 6
EACH = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def cells(notebook: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return found


def test_every_script_has_its_notebook_and_nothing_else_lies_there() -> None:
    assert len(SCRIPTS) == 5
    assert {one.name for one in FOLDER.iterdir() if one.suffix == ".ipynb"} == {f"{one.stem}.ipynb" for one in SCRIPTS}


@EACH
def test_script_and_notebook_say_the_same(script: Path) -> None:
    written = [(cell.cell_type, cell.source) for cell in jupytext.read(script).cells]
    stored = [(cell["cell_type"], "".join(cell["source"])) for cell in cells(script.with_suffix(".ipynb"))]
    assert stored == written, f"run: jupytext --to ipynb notebooks/{script.name}"


@EACH
def test_notebooks_are_stored_without_outputs(script: Path) -> None:
    code = [cell for cell in cells(script.with_suffix(".ipynb")) if cell["cell_type"] == "code"]
    assert code
    assert not [cell for cell in code if cell["outputs"] or cell["execution_count"]]


@EACH
def test_every_cell_runs_on_tiny_data(script: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a kernel would run them, one after the other in one namespace; asserts inside the cells count."""
    monkeypatch.setenv("FARZI_NOTEBOOK_TINY", "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    threads, begun = torch.get_num_threads(), time.process_time()
    namespace: dict[str, Any] = {"__name__": "__main__"}
    try:
        for cell in cells(script.with_suffix(".ipynb")):
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), script.stem, "exec"), namespace)
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(torch.float32)
    assert time.process_time() - begun < SECONDS
