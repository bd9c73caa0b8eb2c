"""What a run that was stopped shows, and what is refused before a run begins."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import torch
from small import SETTINGS

from farzi_core import checks, pipeline
from farzi_core.commands.again import judged_again
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.device import CPU
from farzi_core.distill.covering import covering
from farzi_core.distill.start import initial
from farzi_core.errors import ConfigError
from farzi_core.evaluation.panel import Panel
from farzi_core.evaluation.report import RowName
from farzi_core.recorder import MemoryRecorder, Stopped
from farzi_core.runs import worker
from farzi_core.runs.folder import FolderRecorder
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store
from farzi_core.sections import SyntheticConfig
from farzi_core.views.load import RunView


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 2, 3, 4)], ids=["next", "own"])
def test_a_mean_that_won_is_the_synthetic_data_of_a_run_stopped_in_its_evaluation(
    farzi_home: Path, shape: tuple[int, ...]
) -> None:
    run = Store().create(RunConfig())
    recorder = FolderRecorder(run.folder, run.manifest, lambda: False)

    def tensors(value: float) -> dict[str, torch.Tensor]:
        return {"latent": torch.full(shape, value), "decoder": torch.full((4, 5), value)}

    recorder.snapshot(50, tensors(1.0), {})
    recorder.log("validation", step=50, best=True)
    assert float(pipeline.best_synthetic(Run(run.folder)).latent.mean()) == 1
    recorder.keep("average", tensors(2.0), {})
    assert float(pipeline.best_synthetic(Run(run.folder)).latent.mean()) == 2
    assert float(pipeline.best_synthetic(Run(run.folder)).decoder.mean()) == 2
    assert pipeline.best_synthetic(Run(run.folder)).latent.shape == shape


@pytest.mark.parametrize(("labels", "faces"), [("next", 1), ("own", 2)])
def test_snapshots_to_average_that_swell_every_checkpoint_are_refused(
    labels: str, faces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)
    sizes = {"synthetic.mu": 20, "synthetic.xi": 6, "synthetic.d": 4, "synthetic.labels": labels}
    one = 4 * 4 * (20 * faces * 6 + len(dataset.vocab))
    monkeypatch.setattr(checks, "MAX_AVERAGED_BYTES", 5 * one)
    checks.check(with_settings(RunConfig(), {**sizes, "validation.average": 5}), dataset)
    with pytest.raises(ConfigError, match=r"validation\.average = 6: .* choose at most 5"):
        checks.check(with_settings(RunConfig(), {**sizes, "validation.average": 6}), dataset)


def test_cuda_graphs_are_refused_on_a_cpu_before_anything_is_trained() -> None:
    dataset = prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)
    recorder = MemoryRecorder()
    config = with_settings(RunConfig(), {"runtime.hvp": "captured", "runtime.device": "cpu"})
    with pytest.raises(ConfigError, match="need a CUDA device and this run is on cpu"):
        pipeline.run_on(config, dataset, recorder)
    assert "stage" not in {line["event"] for line in recorder.events}


def test_what_was_distilled_with_cuda_graphs_is_judged_without_them() -> None:
    """Its students are trained as everywhere: a result of a GPU can be evaluated on a laptop."""
    dataset = prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)
    settings = {"runtime.hvp": "captured", "runtime.device": "cpu", "runtime.threads": 1, "evaluation.seeds": 1}
    quick = {"evaluation.full_seeds": 1, "evaluation.steps": 4, "teacher.epochs": 1, "evaluation.baselines": ""}
    config = with_settings(RunConfig(), {**settings, **quick, "synthetic.mu": 8, "synthetic.xi": 4, "synthetic.d": 3})
    synthetic = initial(
        dataset.part("train"), len(dataset.vocab), config.synthetic.model_copy(update={"start": "data"}), 0
    )
    report = pipeline.judge(config, dataset, synthetic, MemoryRecorder())
    assert report.row(RowName.DISTILLED) is not None


@pytest.mark.parametrize(("labels", "predicted"), [("next", 5), ("own", 6)])
def test_teachers_whose_predictions_would_not_fit_are_refused(
    labels: str, predicted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)
    config = with_settings(RunConfig(), {**SETTINGS, "objective.teachers": 3, "synthetic.labels": labels})
    numbers = 64 * predicted * len(dataset.vocab)
    monkeypatch.setattr(checks, "MAX_DENSE_NUMBERS", numbers)
    checks.check(config, dataset)
    monkeypatch.setattr(checks, "MAX_DENSE_NUMBERS", numbers - 1)
    with pytest.raises(ConfigError, match=r"teachers = 3: .* outer\.batch = 64 .* set outer\.batch to at most 63, or"):
        checks.check(config, dataset)
    monkeypatch.setattr(checks, "MAX_DENSE_NUMBERS", numbers // 64 - 1)
    with pytest.raises(ConfigError, match=r"set inner\.crop or data\.max_items lower, or objective\.teachers to 0"):
        checks.check(config, dataset)
    checks.check(with_settings(config, {"objective.kind": "gradient"}), dataset)


def test_a_whole_run_on_covering_windows_reads_them_and_looks_for_copies_of_each() -> None:
    dataset = prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)
    more = {
        "synthetic.labels": "own", "synthetic.start": "covering", "synthetic.start_labels": "taught",
        "inner.cuts": "fixed", "inner.crop": 3, "objective.teachers": 1, "synthetic.d": 16,
        "evaluation.baselines": "random_users,taught_windows",
    }  # fmt: skip
    config, recorder = with_settings(RunConfig(), {**SETTINGS, **more}), MemoryRecorder()
    outcome = pipeline.run_on(config, dataset, recorder)
    assert any("of real windows that read rare items, too" in str(one.get("message")) for one in recorder.events)
    tokens = covering(dataset.part("train"), len(dataset.vocab), config.synthetic, 3, config.seed)[:, 0]
    read = outcome.synthetic.read.probs().argmax(-1).numpy()
    assert (read == tokens).mean() > 0.9, "a few outer steps do not change what is read"
    assert outcome.memorisation["length"] == 3
    assert len(outcome.memorisation["argmax"]) == 20 * 2
    assert sum(one == 0 for one in outcome.memorisation["argmax"]) > 20, "most windows are of one sequence"


def test_every_start_is_said_in_words() -> None:
    assert set(pipeline.STARTS) == set(get_args(SyntheticConfig.model_fields["start"].annotation))


@pytest.mark.parametrize(
    ("asks", "done"),
    [(2, []), (7, ["trajectories"]), (30, ["trajectories", "teachers"])],
    ids=["Omega", "taught", "fit"],
)
def test_a_run_can_be_stopped_before_its_first_outer_step(asks: int, done: list[str]) -> None:
    """Between two trajectories of Omega, two teachers, and two steps of a fit that would take minutes."""
    left = iter(range(asks))

    class Impatient(MemoryRecorder):
        def should_stop(self) -> bool:
            return next(left, None) is None

    settings = {"teacher.trajectories": 4, "objective.teachers": 4, "synthetic.start_steps": 100_000}
    config = with_settings(RunConfig(), {**SETTINGS, **settings})
    dataset, recorder = prepare(read_planted(PlantedSettings(sequences=400)), max_items=40), Impatient()
    with pytest.raises(Stopped):
        pipeline._distil(config, dataset, CPU, recorder)
    assert [name for name in ("trajectories", "teachers", "start") if recorder.kept(name)] == done


def test_a_run_judged_again_hears_the_teachers_it_has(farzi_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not trained anew for the row of taught windows."""
    more = {"synthetic.labels": "own", "objective.teachers": 2, "evaluation.baselines": "taught_windows"}
    run = Store().create(with_settings(RunConfig(), {**SETTINGS, **more, "data.source": "planted"}))
    assert pipeline.kept_teachers(run) is None
    assert worker.main([str(run.folder)]) == 0

    def trained(*_: object) -> torch.Tensor:
        raise AssertionError("they are there")

    monkeypatch.setattr("farzi_core.teacher.ensemble.ensemble", trained)
    run = Run(run.folder)
    rows = [
        judged_again(run, {}, quiet=True).report.row(RowName.TAUGHT),
        RunView(run.folder).evaluation.row(RowName.TAUGHT),
    ]
    first, second = [row.seeds for row in rows if row is not None]
    assert first == second


@pytest.mark.parametrize(
    ("stage", "asks"), [("full data", 3), ("a row on synthetic data", 3), ("a row on real data", 12)]
)
def test_a_run_can_be_stopped_while_models_train(stage: str, asks: int) -> None:
    """After an epoch of a model that would train for thousands, and between two scored states of a student."""
    left = iter(range(asks))

    class Impatient(MemoryRecorder):
        def should_stop(self) -> bool:
            return next(left, None) is None

    settings = {"teacher.epochs": 1000 if stage == "full data" else 1, "evaluation.steps": 2_000}
    config, recorder = with_settings(RunConfig(), {**SETTINGS, **settings}), Impatient()
    dataset = prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)
    panel = Panel(config, dataset, CPU, recorder)
    probs = initial(dataset.part("train"), 40, config.synthetic, 0).probs()
    work: dict[str, Callable[[], object]] = {
        "full data": panel.full,
        "a row on synthetic data": lambda: panel.first.distilled(probs),
        "a row on real data": panel.first.equal_size,
    }
    with pytest.raises(Stopped):
        work[stage]()
    assert not any(event["event"] == "row" for event in recorder.events)
