"""One tiny run of the real worker, started by the command line and shared by the tests that look at results."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from small import SETTINGS

from farzi_core.cli import main


class Finished(NamedTuple):
    """A data home with one finished run, and what `demo --json` printed."""

    home: Path
    document: dict[str, Any]

    @property
    def run_folder(self) -> Path:
        return self.home / "runs" / self.document["run_id"]


class Ended(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    home, out = tmp_path_factory.mktemp("cli") / "home", io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setenv("FARZI_HOME", str(home))
        words = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
        status = main(["demo", "--data", "planted", *words, "--json"])
    assert status == 0, out.getvalue()
    return Finished(home, json.loads(out.getvalue()))


@pytest.fixture
def finished(demo: Finished, monkeypatch: pytest.MonkeyPatch) -> Finished:
    """The shared run, with FARZI_HOME where it is; tests only read there."""
    monkeypatch.setenv("FARZI_HOME", str(demo.home))
    return demo


@pytest.fixture
def farzi(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run one command in this process."""

    def run(*words: str) -> Ended:
        capsys.readouterr()
        status = main(list(words))
        return Ended(status, *capsys.readouterr())

    return run
