"""Shared fixtures: every test gets its own data home, and real data only through FARZI_DATA."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def farzi_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private FARZI_HOME, so that no test sees or harms a person's runs."""
    folder = tmp_path / "farzi-home"
    monkeypatch.setenv("FARZI_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; skips where FARZI_DATA is not set."""
    folder = os.environ.get("FARZI_DATA")
    if not folder:
        pytest.skip("FARZI_DATA is not set: this test reads real data sets from the folder it names")
    return Path(folder).resolve()
