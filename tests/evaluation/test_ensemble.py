"""Teachers of the outer loss: models of full data at their best epoch, their mean prediction, and who is one."""

from pathlib import Path

import pytest
import torch
from annotated_types import Le
from small import SETTINGS

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.data.text import read_text
from farzi_core.device import CPU
from farzi_core.distill.layout import Layout
from farzi_core.distill.outer import OuterProblem
from farzi_core.distill.start import initial
from farzi_core.errors import ConfigError
from farzi_core.evaluation import students
from farzi_core.evaluation.final import SEEDS_FROM as STUDENTS_FROM
from farzi_core.evaluation.tasks import validation_judge
from farzi_core.models.losses import IGNORED, hard_loss, taught_loss
from farzi_core.models.model import build
from farzi_core.parallel import map_threads
from farzi_core.sections import EvaluationConfig
from farzi_core.seeds import stream
from farzi_core.teacher import ensemble
from farzi_core.teacher.ensemble import Ensemble

CONFIG = with_settings(
    RunConfig(),
    {
        **SETTINGS, "teacher.epochs": 4, "teacher.batch": 40, "teacher.lr": 0.05, "teacher.schedule": "linear",
        "objective.teachers": 3,
    },
)  # fmt: skip
TOKENS = torch.tensor([[0, 1, 2, 3], [4, 5, IGNORED, IGNORED]])


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)


@pytest.fixture(scope="module")
def teachers(dataset: Dataset) -> torch.Tensor:
    return ensemble.ensemble(CONFIG, dataset, CPU)


def test_teachers_are_models_of_the_full_data_at_their_best_epoch(dataset: Dataset, teachers: torch.Tensor) -> None:
    items, epoch = len(dataset.vocab), len(dataset.part("train")) // 40
    judge = validation_judge(CONFIG, dataset, CONFIG.model.max_length - 1, CPU)
    train = dataset.part("train")

    def again(seed: int) -> students.Student:
        return students.on_sequences(CONFIG, train, items, judge, seed, 4 * epoch, epoch)

    model = build(CONFIG.model, items, CONFIG.model.max_length)
    layout = Layout.of(model.init(torch.Generator()))
    seeds = [ensemble.SEEDS_FROM + index for index in range(len(teachers))]
    trained = map_threads(again, seeds, CPU)  # in one thread each, as teachers: another number changes the last bit
    for weights, student in zip(teachers, trained, strict=True):
        assert torch.equal(weights, layout.flatten(student.weights))
        score = judge.measures.selection(judge.metrics(model, layout.views(weights)))
        assert score == max(judge.measures.selection(point.metrics) for point in student.curve)
    assert len({float(one.sum()) for one in teachers}) == 3, "each begins at other weights"


def test_no_model_of_the_table_is_a_teacher() -> None:
    fields = EvaluationConfig.model_fields
    most = max(rule.le for name in ("seeds", "full_seeds") for rule in fields[name].metadata if isinstance(rule, Le))
    assert STUDENTS_FROM + most < ensemble.SEEDS_FROM


def test_without_teachers_nothing_is_trained(dataset: Dataset) -> None:
    for settings in ({"objective.teachers": 0}, {"objective.kind": "gradient"}):
        assert len(ensemble.ensemble(with_settings(CONFIG, settings), dataset, CPU)) == 0


def test_their_prediction_is_the_softmax_of_their_mean_scores(dataset: Dataset, teachers: torch.Tensor) -> None:
    one = Ensemble.of(CONFIG, len(dataset.vocab), teachers)
    layout, scores = Layout.of(one.model.init(torch.Generator())), []
    for weights in map(layout.views, teachers):
        both = [one.model.encode(weights, one.model.embed(weights, part)) for part in (TOKENS[:1, :3], TOKENS[1:, :1])]
        scores.append(torch.cat([one.model.logits(weights, hidden[0]) for hidden in both]))
    wanted = torch.stack(scores).mean(0).softmax(-1)
    torch.testing.assert_close(one.targets(TOKENS), wanted)
    assert not torch.allclose(wanted, scores[0].softmax(-1), atol=1e-3)


@pytest.mark.parametrize("head", ["tied", "untied"])
def test_the_loss_against_certain_teachers_is_that_on_the_events(head: str) -> None:
    model = build(with_settings(RunConfig(), {"model.hidden": 4, "model.head": head}).model, 6, 4)
    weights = {name: one.double() for name, one in model.init(torch.Generator().manual_seed(0)).items()}
    certain = torch.nn.functional.one_hot(torch.tensor([1, 2, 3, 5]), 6).double()
    assert float(taught_loss(model, weights, TOKENS, certain)) == pytest.approx(
        float(hard_loss(model, weights, TOKENS))
    )
    mixed = 0.5 * certain + 0.5 / 6
    seen = (TOKENS[:1, :3], TOKENS[1:, :1])
    hidden = torch.cat([model.encode(weights, model.embed(weights, row))[0] for row in seen])
    scores = model.logits(weights, hidden)
    wanted = -(mixed * scores.log_softmax(-1)).sum(-1).mean()
    assert float(taught_loss(model, weights, TOKENS, mixed)) == pytest.approx(float(wanted), rel=1e-12)


def test_students_may_not_read_more_than_their_teachers() -> None:
    longer = {"synthetic.xi": 20, "model.max_length": 8, "objective.teachers": 2}
    for labels, seen in (("next", 20), ("own", 21)):
        with pytest.raises(
            ConfigError,
            match=rf"sequences of {seen} events.* model\.max_length = 8; .*inner\.crop to at most {28 - seen}",
        ):
            with_settings(RunConfig(), {**longer, "synthetic.labels": labels})
        most = with_settings(RunConfig(), {**longer, "synthetic.labels": labels, "inner.crop": 28 - seen})
        assert most.student_length == 8
        with pytest.raises(ConfigError, match="students learn sequences of 9 events"):
            with_settings(most, {"inner.crop": 29 - seen})
    assert with_settings(RunConfig(), {**longer, "objective.kind": "gradient"}).objective.ensemble == 0


def test_models_that_are_asked_for_and_not_there_are_missed(dataset: Dataset) -> None:
    train, items = dataset.part("train"), len(dataset.vocab)
    with pytest.raises(ValueError, match=r"objective\.teachers = 3 and 0 models are there; train them"):
        OuterProblem(CONFIG, train, items, torch.zeros(0), CPU)


@pytest.mark.parametrize("kind", ["sasrec", "gru4rec", "fmlp"])
def test_a_text_has_teachers_too_of_any_architecture(kind: str, tmp_path: Path) -> None:
    """A step against them, from sentences; judged by perplexity."""
    file = tmp_path / "text.txt"
    file.write_text("the cat sat on the mat\na dog sat on a log\n" * 60)
    text = prepare(read_text(file, layout="lines"), max_items=12)
    settings = {"model.kind": kind, "model.head": "untied", "data.max_items": 12, "synthetic.mu": 6, "synthetic.xi": 5}
    config = with_settings(CONFIG, {**settings, "model.fmlp_hidden": 8, "model.gru4rec_hidden": 8})
    weights = ensemble.ensemble(config, text, CPU)
    train, items = text.part("train"), len(text.vocab)
    problem = OuterProblem(config, train, items, torch.zeros(0), CPU, teachers=weights)
    state, report = problem.advance(problem.start(initial(train, items, config.synthetic, 0)), 1.0)
    assert report.finite()
    assert state.step == 1
    entropy = _entropy(Ensemble.of(config, items, weights).targets(problem.flight.tokens(stream(0, "test"))))
    assert report.loss > 0.9 * entropy, "cross-entropy to them is no less than their entropy, on another batch"


def _entropy(probs: torch.Tensor) -> float:
    return float(-(probs * probs.log()).sum(-1).mean())
