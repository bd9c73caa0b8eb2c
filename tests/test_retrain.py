"""Retrained students are those of the run's own table: same numbers before, a direct call's numbers after."""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from small import SETTINGS

from farzi_core import pipeline, retrain
from farzi_core.cli import main
from farzi_core.config import with_settings
from farzi_core.data import errands
from farzi_core.distill.synthetic import Synthetic
from farzi_core.errors import ConfigError, FarziError, RunError
from farzi_core.evaluation import surgery
from farzi_core.evaluation.final import Examiner
from farzi_core.evaluation.report import Metric, RowName
from farzi_core.recorder import MemoryRecorder, Saved
from farzi_core.runs import cached, worker
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store
from farzi_core.views.load import SYNTHETIC, RunView

CPU = torch.device("cpu")
EDITS = "zero.1~scale.2.0.5~drop.3~put.1.2.4"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One tiny run of the real worker on planted data."""
    home, out = tmp_path_factory.mktemp("retrain") / "home", io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setenv("FARZI_HOME", str(home))
        stretches = {"inner.crop": 4, "inner.burn_in": 3}
        words = [word for key, value in {**SETTINGS, **stretches}.items() for word in ("--set", f"{key}={value}")]
        assert main(["demo", "--data", "planted", *words, "--json"]) == 0
        yield Run(home / "runs" / json.loads(out.getvalue())["run_id"])


@pytest.fixture
def home(run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FARZI_HOME", str(run.folder.parents[1]))
    return run.folder.parents[1]


def source(run: Run, edits: str) -> str:
    return surgery.source(run.id, RunView(run.folder).checksum(SYNTHETIC), surgery.parse(edits))


def test_a_run_has_snapshots_of_every_step_with_the_figures_of_the_start(run: Run) -> None:
    assert list(run.snapshots) == list(range(7))
    validated = [event["step"] for event in run.events() if event["event"] == "validation"]
    assert validated == [0, 3, 6]
    view = RunView(run.folder)
    best = max((e for e in run.events() if e["event"] == "validation" and e["best"]), key=lambda event: event["step"])
    assert np.array_equal(view.snapshot(best["step"]).latent, view.synthetic.latent)


def test_students_before_are_the_table_s_and_after_those_of_a_direct_call(run: Run, home: Path) -> None:
    heard: list[tuple[int, int]] = []
    found = retrain.retrain(source(run, EDITS), lambda done, total: heard.append((done, total)))
    row = RunView(run.folder).evaluation.row(RowName.DISTILLED)
    assert row is not None
    for one, other in zip(found.before.test, row.seeds, strict=True):
        assert one == pytest.approx(other)
    assert found.before.steps == row.steps
    assert heard == [(done, 4) for done in range(5)]

    view = RunView(run.folder)
    edited = surgery.apply(view.synthetic.latent, view.synthetic.decoder, surgery.parse(EDITS))
    assert len(edited.latent) == 19
    probs = Synthetic(
        torch.from_numpy(edited.latent), torch.from_numpy(view.synthetic.decoder), view.synthetic.tau
    ).probs()
    dataset = pipeline.load(run.config, MemoryRecorder())
    examiner = Examiner(run.config, "sasrec", dataset, CPU, MemoryRecorder())
    outcome = examiner.distilled(probs)
    assert list(found.after.test) == [examiner.measures.of(seen, examiner.items) for seen in outcome.seen]
    assert found.after.steps == outcome.steps
    gap = np.mean([one[Metric.AUC] for one in found.after.test]) - np.mean(
        [one[Metric.AUC] for one in found.before.test]
    )
    assert found.test[Metric.AUC].low < gap < found.test[Metric.AUC].high
    validation = {student.best.metrics[Metric.AUC] for student in map(examiner.trainer(probs), range(2))}
    assert {one[Metric.AUC] for one in found.after.validation} == validation


def test_edits_of_a_run_with_labels_reach_what_students_predict(run: Run, home: Path) -> None:
    """Its own students before; after them those of a direct call, on both faces edited."""
    own = with_settings(run.config, {"synthetic.labels": "own", "outer.steps": 2, "validation.every": 2})
    made = Store().create(own)
    assert worker.main([str(made.folder)]) == 0
    view = RunView(made.folder)
    stored = pipeline.best_synthetic(made)
    assert stored.latent.shape == (20, 2, 6, 4)
    found = retrain.retrain(source(made, EDITS), lambda done, total: None)
    row = view.evaluation.row(RowName.DISTILLED)
    assert row is not None
    for one, other in zip(found.before.test, row.seeds, strict=True):
        assert one == pytest.approx(other)
    assert view.synthetic.label_latent is not None
    read = surgery.apply(view.synthetic.latent, view.synthetic.decoder, surgery.parse(EDITS)).latent
    labels = np.delete(view.synthetic.label_latent * np.float32([0, 0.5, 1, 1]), 2, 0)
    probs = Synthetic(torch.from_numpy(np.stack([read, labels], 1)), stored.decoder, stored.tau).probs()
    examiner = Examiner(own, "sasrec", pipeline.load(own, MemoryRecorder()), CPU, MemoryRecorder())
    outcome = examiner.distilled(probs)
    assert list(found.after.test) == [examiner.measures.of(seen, examiner.items) for seen in outcome.seen]


def test_without_edits_nothing_differs_and_nothing_is_trained_twice(run: Run, home: Path) -> None:
    heard: list[tuple[int, int]] = []
    first = retrain.retrain(source(run, ""), lambda done, total: None)
    again = retrain.retrain(source(run, ""), lambda done, total: heard.append((done, total)))
    assert first == again
    assert heard == [(0, 0)]
    assert first.before == first.after
    assert {(one.low, one.high) for one in first.test.values()} == {(0, 0)}


def test_a_process_of_its_own_keeps_the_result_for_everybody_with_the_link(run: Run, home: Path) -> None:
    wanted = source(run, "zero.2")
    errand = errands.Errand("retrain", wanted)
    errand.folder.mkdir(parents=True)
    assert errands.retrained(wanted) is None
    errands.main(errand.kind, errand.source)
    found = errands.retrained(wanted)
    assert errands.finished(errand)
    assert found == retrain.retrain(wanted, lambda done, total: None)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ("{id}/0123456789abcdef/zero.1", RunError, "has changed since this page was opened"),
        ("{id}/{digest}/zero.99", ConfigError, "this run has 4 factors"),
        ("{id}/{digest}/burn", ConfigError, "begins with none of"),
        ("../x/{digest}/zero.1", FarziError, "is no run id"),
        ("", FarziError, "is no run id"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    run: Run, home: Path, changed: str, error: type[FarziError], words: str
) -> None:
    digest = RunView(run.folder).checksum(SYNTHETIC)[:16]
    with pytest.raises(error, match=words):
        retrain.retrain(changed.format(id=run.id, digest=digest), lambda done, total: None)


def test_products_are_exact_as_in_the_run(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[torch.device, bool]] = []
    monkeypatch.setattr(retrain, "use_exact_products", lambda *given: asked.append(given))
    retrain.retrain(source(run, ""), lambda done, total: None)
    assert asked == [(CPU, run.config.runtime.deterministic)]


def test_students_of_a_run_deleted_meanwhile_are_not_kept(home: Path) -> None:
    path = cached.folder("r-0123456789abcdef") / "students-0.safetensors"
    with pytest.raises(RunError, match="There is no run"):
        retrain._kept(path, lambda: Saved({}, {}))
    assert not path.parent.exists()


def test_data_that_changed_are_refused(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = pipeline.load(
        run.config.model_copy(update={"data": run.config.data.model_copy(update={"seed": 1})}), MemoryRecorder()
    )
    monkeypatch.setattr(pipeline, "load", lambda *_: other)
    with pytest.raises(RunError, match="have changed since it was distilled"):
        retrain.retrain(source(run, "zero.3"), lambda done, total: None)
    assert Store().open(run.id).id == run.id
