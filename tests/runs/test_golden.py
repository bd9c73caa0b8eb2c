"""A run folder as version 0.1 wrote it (tests/golden): it opens and can be renamed, its settings unchanged."""

import json
import shutil
from pathlib import Path

import pytest

from farzi_core.config import RunConfig
from farzi_core.evaluation.report import Metric, RowName
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run, read_config, settings_digest
from farzi_core.runs.store import Store
from farzi_core.views import accuracy, load
from farzi_core.views.load import RunView

GOLDEN = Path(__file__).parents[1] / "golden" / "version-0.1" / "r-0000000000000001"


@pytest.fixture
def run(farzi_home: Path) -> Run:
    store = Store()
    return Run(Path(shutil.copytree(GOLDEN, store.root / GOLDEN.name)))


def test_it_is_listed_as_done_with_its_settings(run: Run) -> None:
    (summary,) = Store().list()
    assert (summary.state, summary.name, summary.error) == (RunState.DONE, "from 0.1", "")
    assert run.config.model.kind == "sasrec"
    assert run.config.students == ("sasrec",)
    assert "students" not in json.loads((run.folder / "config.json").read_text())["evaluation"], "it is an old one"
    assert settings_digest(run.config) != run.manifest.config_digest, "which is why the stored values count"


def test_a_setting_that_came_later_is_what_the_run_did_without_it(run: Run) -> None:
    assert run.config.evaluation.other_decays == (1.0,) != RunConfig().evaluation.other_decays
    config = json.loads((run.folder / "config.json").read_text())
    config["evaluation"]["decays"] = [0.5, 1.0]
    (run.folder / "config.json").write_text(json.dumps(config))
    assert read_config(run.folder).evaluation.other_decays == (0.5, 1.0), "that held for every architecture"
    config["evaluation"]["other_decays"] = [2.0]
    (run.folder / "config.json").write_text(json.dumps(config))
    assert read_config(run.folder).evaluation.other_decays == (2.0,)


def test_its_result_is_read(run: Run) -> None:
    view = RunView(run.folder)
    assert all(view.has(name) for name in (load.SYNTHETIC, load.VOCAB, load.CURVES, load.NEAREST, load.MAPS))
    assert view.synthetic.latent.shape == (6, 5, 3)
    report = view.evaluation
    assert (report.student, report.teacher, report.others) == ("sasrec", "sasrec", ())
    distilled = report.row(RowName.DISTILLED)
    assert distilled is not None
    assert (distilled.percent_interval, distilled.decays, report.chosen_decay) == ({}, (), "")
    assert len(accuracy.final_table(report, Metric.HR10)) == 6


def test_a_new_name_changes_nothing_else(run: Run) -> None:
    before = json.loads((run.folder / "config.json").read_text())
    Store().rename(run.id, "renamed")
    assert json.loads((run.folder / "config.json").read_text()) == {**before, "name": "renamed"}
    later = {"evaluation": {**before["evaluation"], "other_decays": [1.0]}}
    assert Store().open(run.id).config == RunConfig.model_validate({**before, "name": "renamed", **later})
    assert Store().list()[0].state is RunState.DONE
