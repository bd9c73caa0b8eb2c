"""One finished run for the tests of views, made once; nothing here writes into it."""

from pathlib import Path

import fixtures
import pytest

from farzi_core.views.load import RunView


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fixtures.make_finished_run(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fixtures.make_finished_run(tmp_path_factory.mktemp("home"), titles=fixtures.HOSTILE_TITLES)


@pytest.fixture(scope="session")
def labelled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    more = fixtures.snapshots(10, labels="own")
    return fixtures.make_finished_run(tmp_path_factory.mktemp("home"), labels="own", more=more)


@pytest.fixture
def view(run_folder: Path) -> RunView:
    return RunView(run_folder)


@pytest.fixture
def labelled(labelled_folder: Path) -> RunView:
    return RunView(labelled_folder)


@pytest.fixture
def hostile(hostile_folder: Path) -> RunView:
    return RunView(hostile_folder)
