"""A text distilled by the GRU of the text presets, on every page that shows a result: small, but made by the worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from apptest import assert_healthy, open_page, plain, words
from small import SETTINGS
from test_text_run import dataset

from farzi_core import pipeline
from farzi_core.config import with_settings
from farzi_core.data import errands
from farzi_core.data.errands import Errand
from farzi_core.presets import PRESETS
from farzi_core.runs import worker
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store
from farzi_core.views.load import RunView


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One run of the preset in a small size; what the preset says of architecture and starts stays."""
    sizes = {name: value for name, value in SETTINGS.items() if name not in ("teacher.trajectories", "model.hidden")}
    config = with_settings(PRESETS["demo-text"].config, {**sizes, "model.gru4rec_hidden": 8, "runtime.snapshots": 3})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FARZI_HOME", str(tmp_path_factory.mktemp("text") / "home"))
        patch.setattr(pipeline, "load", lambda *_: dataset())
        run = Store().create(config)
        assert worker.main([str(run.folder)]) == 0
        yield run


@pytest.fixture
def view(made: Run, monkeypatch: pytest.MonkeyPatch) -> RunView:
    monkeypatch.setenv("FARZI_HOME", str(Path(made.folder).parents[1]))
    return RunView(made.folder)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errands are done by this process before the page goes on, instead of by another."""

    def start(errand: Errand) -> None:
        errand.folder.mkdir(parents=True, exist_ok=True)
        errands.main(errand.kind, errand.source)

    monkeypatch.setattr(errands, "start", start)


@pytest.mark.parametrize(
    ("page", "query", "shown"),
    [
        ("sequences.py", {}, "20 synthetic sentences of 6 positions"),
        ("factors.py", {}, "Map of words"),
        ("accuracy.py", {"metric": "PPL"}, "lower is better"),
        ("accuracy.py", {"view": "frontier"}, "Best of 1 size"),
        ("replay.py", {}, "Replay"),
    ],
)
def test_every_page_shows_it_under_its_own_name(view: RunView, page: str, query: dict[str, str], shown: str) -> None:
    assert (view.evaluation.task, view.evaluation.student, view.evaluation.teacher) == (
        "language",
        "gru4rec",
        "gru4rec",
    )
    at = open_page(page, **query)
    assert_healthy(at)
    assert not at.error
    assert shown in words(at)
    assert "SASRec" not in words(at)


def test_both_students_go_on_with_a_sentence(view: RunView, at_once: None) -> None:
    open_page("accuracy.py", text="The cat sees")
    at = open_page("accuracy.py", text="The cat sees")  # the answer is there
    assert_healthy(at)
    assert "They read: the cat sees" in plain(words(at))
    assert "of their 10 most probable words are the same" in plain(words(at))
    assert [one.value.startswith("the cat sees") for one in at.code[:2]] == [True, True]
