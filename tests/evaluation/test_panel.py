"""Every architecture distils and is taught; the tables of several students follow from their ranks."""

import numpy as np
import pytest
import torch
from small import SETTINGS

import farzi_core as farzi
from farzi_core.config import with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.distill import taught
from farzi_core.distill.loop import Distillation
from farzi_core.distill.stretches import Stretches
from farzi_core.distill.synthetic import Synthetic
from farzi_core.errors import ConfigError
from farzi_core.evaluation.compare import Outcome, paired, table
from farzi_core.evaluation.final import Examiner
from farzi_core.evaluation.measures import MEASURES
from farzi_core.evaluation.panel import Panel
from farzi_core.evaluation.recipe import inner_optimizer
from farzi_core.evaluation.report import METRICS, Metric, RowName
from farzi_core.evaluation.students import Ranker, Student
from farzi_core.models.model import build
from farzi_core.recorder import MemoryRecorder
from farzi_core.sections import Kind
from farzi_core.teacher.ensemble import Ensemble, teachers_of

CPU = torch.device("cpu")
WIDTHS = {"model.gru4rec_hidden": 8, "model.fmlp_hidden": 8}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return farzi.prepare(read_planted(PlantedSettings(sequences=1200)), max_items=40)


@pytest.fixture(scope="module")
def synthetic(dataset: Dataset) -> Synthetic:
    generator = torch.Generator().manual_seed(0)
    return Synthetic(
        torch.randn(20, 6, 4, generator=generator), torch.randn(4, len(dataset.vocab), generator=generator)
    )


@pytest.mark.parametrize("kind", ["gru4rec", "fmlp"])  # sasrec: tests/test_api.py
def test_each_architecture_can_be_distilled_with(dataset: Dataset, kind: Kind) -> None:
    config = with_settings(farzi.RunConfig(), {**SETTINGS, **WIDTHS, "model.kind": kind, "inner.omega_share": 0.5})
    losses: list[float] = []
    run = farzi.distill(dataset, config, on_step=lambda event: losses.append(event["loss"]))
    assert len(losses) == 6
    assert np.isfinite(losses).all()
    assert not run.diverged
    assert (run.evaluation.student, run.evaluation.teacher, run.evaluation.others) == (kind, kind, ())
    assert {row.name for row in run.evaluation.rows} >= {RowName.FULL, RowName.DISTILLED}


@pytest.mark.parametrize(("labels", "events"), [("next", 5), ("own", 6)])
def test_students_are_validated_on_as_many_events_as_they_predicted_from(
    dataset: Dataset, synthetic: Synthetic, labels: str, events: int
) -> None:
    """In the outer loop and in the table: with labels from the last position, too."""
    config, latent = with_settings(farzi.RunConfig(), {**SETTINGS, "synthetic.labels": labels}), synthetic.latent
    judge = Distillation(config, dataset, torch.zeros(0), CPU).judge
    assert isinstance(judge, Ranker)
    assert int(judge.lengths.max()) == events
    one = Synthetic(torch.stack([latent, latent.flip(0)], 1) if labels == "own" else latent, synthetic.decoder)
    student = Examiner(config, "sasrec", dataset, CPU, MemoryRecorder()).trainer(one.probs())(0)
    found = judge.metrics(build(config.model, len(dataset.vocab), config.student_length), student.weights)
    assert found == student.best.metrics


def test_every_student_is_measured_by_its_own_full_data(dataset: Dataset, synthetic: Synthetic) -> None:
    config = with_settings(farzi.RunConfig(), {**SETTINGS, **WIDTHS, "evaluation.baselines": "coreset,random_windows"})
    report = farzi.evaluate(synthetic, dataset, config=config, students=["fmlp", "sasrec", "gru4rec"], seeds=2)
    assert [one.student for one in report.tables] == ["fmlp", "sasrec", "gru4rec"]
    assert report.teacher == "sasrec"
    names = [row.name.value for row in report.rows]
    assert names == ["full", "distilled", "coreset", "random_windows", "most_popular", "markov"]
    for one in report.tables:
        full, distilled = one.row(RowName.FULL), one.row(RowName.DISTILLED)
        assert full is not None
        assert distilled is not None
        assert len(full.seeds) == len(distilled.seeds) == 2
        for metric in METRICS["recommendation"]:
            wanted = 100 * distilled.mean[metric] / full.mean[metric]
            assert distilled.percent_of_full[metric] == pytest.approx(wanted)
            interval = distilled.percent_interval[metric]
            assert interval.low <= wanted <= interval.high
    firsts = [one.rows[0].seeds for one in report.tables]
    assert firsts[0] != firsts[1] != firsts[2] != firsts[0], "three architectures, three references"
    windows = report.row(RowName.WINDOWS)
    assert windows is not None
    assert windows.events == 20 * 6


def test_real_windows_with_labels_of_the_run_s_teachers_are_a_row(dataset: Dataset) -> None:
    """Of the teachers that the run has trained; each student on windows of its own, as the inner loop trains."""
    more = {"synthetic.labels": "own", "objective.teachers": 2, "evaluation.baselines": "taught_windows"}
    config, recorder = with_settings(farzi.RunConfig(), {**SETTINGS, **WIDTHS, **more}), MemoryRecorder()
    weights = teachers_of(config, dataset, CPU, recorder)
    kept = recorder.kept("teachers")
    assert kept is not None
    assert torch.equal(kept.tensors["teachers"], weights)
    row = Examiner(config, "sasrec", dataset, CPU, recorder).equal_size()[0]
    assert (row.name, row.sequences, row.events) == (RowName.TAUGHT, 20, 120)
    models, stretches = Ensemble.of(config, len(dataset.vocab), weights), Stretches.of(config, 20)
    test = Examiner(config, "sasrec", dataset, CPU, recorder)
    _, judge = test.judges(config.student_length - 1)
    for seed, seen in enumerate(row.seen):
        rows = taught.windows(dataset.part("train"), models, stretches, config.seed, seed)
        student = test.trainer(rows)(seed)
        assert torch.equal(judge.see(build(config.model, len(dataset.vocab), 7), student.weights), seen)
    other = Examiner(config, "gru4rec", dataset, CPU, recorder).equal_size()[0]
    assert other.name is RowName.TAUGHT, "of the run's SASRec teachers, whose weights no GRU4Rec has"
    report = farzi.evaluate(
        Synthetic(torch.randn(20, 2, 6, 4), torch.randn(4, len(dataset.vocab))), dataset, config=config, seeds=1
    )
    assert [one.name.value for one in report.rows][:3] == ["full", "distilled", "taught_windows"]


def test_a_resumed_run_trains_no_row_twice(dataset: Dataset, synthetic: Synthetic) -> None:
    config = with_settings(farzi.RunConfig(), {**SETTINGS, **WIDTHS, "evaluation.students": ["sasrec", "gru4rec"]})
    recorder = MemoryRecorder()
    first = Panel(config, dataset, CPU, recorder).report(synthetic.probs(), 1)
    said = len(recorder.events)
    again = Panel(config, dataset, CPU, recorder).report(synthetic.probs(), 1)
    assert again == first
    assert len(recorder.events) == said
    trained = {(event["student"], event["name"]) for event in recorder.events if event["event"] == "row"}
    assert {name for student, name in trained if student == "gru4rec"} == {"full", "distilled"}
    assert {name for student, name in trained if student == "sasrec"} == {
        "full",
        "distilled",
        "random_users",
        "head_users",
    }


def test_the_interval_of_a_percentage_by_hand() -> None:
    """Full data find every target first or not at all; distilled data half of those: exactly 50 %, whoever is drawn."""
    ranks = torch.tensor([1.0, 200.0] * 50)
    full = Outcome(RowName.FULL, 4, 40, [ranks])
    half = Outcome(RowName.DISTILLED, 4, 40, [ranks, torch.full_like(ranks, 200)])
    first, second = table([full, half], items=300)
    assert first.percent_interval == {}
    interval = second.percent_interval[Metric.HR10]
    assert (interval.low, interval.high) == pytest.approx((50, 50))
    assert second.percent_of_full[Metric.HR10] == pytest.approx(50)


def test_a_student_of_another_kind_trains_at_its_own_rate() -> None:
    config = with_settings(farzi.RunConfig(), {"inner.lr": 0.03, "teacher.lr": 0.001, "teacher.gru4rec_lr": 0.2})
    other = config.for_student("gru4rec")
    assert config.for_student("sasrec") == config
    assert (other.model.kind, inner_optimizer(other).lr, inner_optimizer(config).lr) == ("gru4rec", 0.2, 0.03)
    assert [config.teacher.lr_of(kind) for kind in ("sasrec", "gru4rec")] == [0.001, 0.2]
    assert dict(other.inner) | {"lr": 0.03} == dict(config.inner), "and nothing else of the inner loop differs"


def test_other_architectures_choose_their_decay_on_validation_users(dataset: Dataset, synthetic: Synthetic) -> None:
    """Against students whose one decay is each of those tried: the one that is best on validation users is taken."""
    strong = {**SETTINGS, **WIDTHS, "inner.weight_decay": 0.02}

    def students(*factors: float) -> list[Student]:
        config = with_settings(farzi.RunConfig(), {**strong, "evaluation.other_decays": factors})
        return [*map(Examiner(config, "gru4rec", dataset, CPU, MemoryRecorder()).trainer(synthetic.probs()), range(2))]

    selection = MEASURES["recommendation"].selection
    alone = {factor: students(factor) for factor in (1.0, 40.0)}
    for number, one in enumerate(students(*alone)):
        scores = {factor: selection(some[number].best.metrics) for factor, some in alone.items()}
        assert one.decay == max(scores, key=scores.__getitem__)
        assert selection(one.best.metrics) == max(scores.values()) > min(scores.values())


def test_each_architecture_has_its_decays_in_the_report(dataset: Dataset, synthetic: Synthetic) -> None:
    more = {"evaluation.students": ["sasrec", "gru4rec"], "evaluation.seeds": 1, "evaluation.steps": 4}
    config = with_settings(farzi.RunConfig(), {**SETTINGS, **WIDTHS, **more})
    report = Panel(config, dataset, CPU, MemoryRecorder()).report(synthetic.probs(), 1)
    trained = {RowName.DISTILLED, RowName.RANDOM, RowName.HEAD}
    assert {row.name: row.decays for row in report.rows} == {
        row.name: (1.0,) if row.name in trained else () for row in report.rows
    }
    full, distilled = report.others[0].rows
    assert full.decays == (), "full data keep the decay of their own tuning"
    assert distilled.decays[0] in report.other_decays == (0.1, 0.3, 1.0)  # type: ignore[operator]
    config = config.for_student("gru4rec")
    assert [one.inner.weight_decay for one in config.decayed.values()] == pytest.approx([0.0002, 0.0006, 0.002])


def test_students_are_asked_for_by_name(dataset: Dataset, synthetic: Synthetic) -> None:
    with pytest.raises(ConfigError, match=r"evaluation\.students\.1 = 'narm'"):
        farzi.evaluate(synthetic, dataset, students=["sasrec", "narm"])  # type: ignore[list-item]
    config = with_settings(farzi.RunConfig(), {"evaluation.students": " gru4rec, gru4rec ,fmlp"})
    assert config.evaluation.students == ("gru4rec", "fmlp")
    assert with_settings(config, {"evaluation.students": ""}).students == ("sasrec",)


def test_a_paired_interval_is_the_table_s() -> None:
    """`paired` on the seeds of two rows gives what the table says of one row minus the other."""
    generator = torch.Generator().manual_seed(1)
    seen = {
        name: [torch.randint(1, 300, (80,), generator=generator) for _ in range(3)] for name in ("full", "distilled")
    }
    rows = table([Outcome(RowName(name), 1, 1, some) for name, some in seen.items()], 300, seed=5)
    assert paired(seen["full"], seen["distilled"], 300, seed=5) == rows[0].minus_distilled
    nothing = paired(seen["full"], seen["full"], 300, seed=5)
    assert {(one.low, one.high) for one in nothing.values()} == {(0.0, 0.0)}
