"""The synthetic data as distributions, as most probable items and as draws; and one choice of decay for all sides."""

import numpy as np
import pytest
import torch
from small import SETTINGS
from torch import Tensor

import farzi_core as farzi
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.distill.layout import Tensors
from farzi_core.errors import ConfigError
from farzi_core.evaluation.final import Examiner
from farzi_core.evaluation.forms import rows_of
from farzi_core.evaluation.measures import MEASURES
from farzi_core.evaluation.panel import Panel
from farzi_core.evaluation.report import Evaluation, Row, RowName
from farzi_core.evaluation.students import Student, on_synthetic
from farzi_core.recorder import MemoryRecorder

CPU = torch.device("cpu")
PROBS = torch.tensor([[[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], [[0.0, 1.0, 0.0], [0.25, 0.5, 0.25]]])
LABELLED = torch.stack([PROBS, PROBS.flip(0)], 1)  # what one sequence reads the other one predicts
FORMS = {"evaluation__forms": "soft,argmax,sampled", "evaluation__draws": 3}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return farzi.prepare(read_planted(PlantedSettings(sequences=1200)), max_items=40)


@pytest.fixture(scope="module")
def probs(dataset: Dataset) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.softmax(torch.randn(20, 6, len(dataset.vocab), generator=generator), -1)


def settings(**more: object) -> RunConfig:
    return with_settings(
        farzi.RunConfig(), {**SETTINGS, **{name.replace("__", "."): one for name, one in more.items()}}
    )


def report_of(config: RunConfig, dataset: Dataset, probs: Tensor) -> Evaluation:
    return Panel(config, dataset, CPU, MemoryRecorder()).report(probs, 1)


def row_of(report: Evaluation, name: RowName) -> Row:
    row = report.row(name)
    assert row is not None
    return row


def untimed(row: Row) -> Row:
    return row.model_copy(update={"seconds": 0.0})


def test_argmax_is_the_most_probable_item_of_every_position() -> None:
    assert rows_of("argmax", PROBS, 1, 0, 0).tolist() == [[0, 2], [1, 1]]
    assert rows_of("soft", PROBS, 1, 0, 0) is PROBS
    assert rows_of("argmax", LABELLED, 1, 0, 0).tolist() == [[[0, 2], [1, 1]], [[1, 1], [0, 2]]]


def test_draws_follow_from_seed_and_student_alone() -> None:
    probs = PROBS.repeat(20, 4, 1)
    first = rows_of("sampled", probs, 2, seed=5, student=1)
    assert torch.equal(first, rows_of("sampled", probs.clone(), 2, seed=5, student=1))
    assert not torch.equal(first, rows_of("sampled", probs, 2, seed=5, student=2))
    assert not torch.equal(first, rows_of("sampled", probs, 2, seed=6, student=1))


def test_draws_are_as_frequent_as_they_are_probable() -> None:
    draws = 4000
    tokens = rows_of("sampled", PROBS, draws, 0, 0)
    assert tokens.shape == (2 * draws, 2)
    counts = torch.nn.functional.one_hot(tokens.view(draws, 2, 2), 3).double().mean(0)
    assert (counts - PROBS).abs().max() < 4 * 0.5 / draws**0.5, "four standard errors of a share"
    joint = (tokens[::2] == torch.tensor([0, 2])).all(1).double().mean()
    assert float(joint) == pytest.approx(0.5 * 0.8, abs=0.03), "positions are drawn independently"


def test_draws_of_labels_are_as_frequent_as_they_are_probable() -> None:
    """And independent of what is read, one draw of all sequences after the other."""
    draws = 4000
    tokens = rows_of("sampled", LABELLED, draws, 0, 0)
    assert tokens.shape == (2 * draws, 2, 2)
    counts = torch.nn.functional.one_hot(tokens.view(draws, 2, 2, 2), 3).double().mean(0)
    assert (counts - LABELLED).abs().max() < 4 * 0.5 / draws**0.5, "four standard errors of a share"
    joint = (tokens[::2, :, 1] == torch.tensor([2, 1])).all(1).double().mean()
    assert float(joint) == pytest.approx(0.8 * 0.5, abs=0.03)


@pytest.mark.parametrize("dropout", [0, 0.4])
@pytest.mark.parametrize("labels", ["next", "own"])
def test_tokens_train_as_the_certain_distributions_they_are(
    dataset: Dataset, probs: Tensor, labels: str, dropout: float
) -> None:
    """Against the path of the soft form: one-hot rows through the mean embedding and the soft cross-entropy."""
    config, items = settings(inner__dropout=dropout, synthetic__labels=labels), len(dataset.vocab)
    if labels == "own":
        probs = torch.stack([probs, probs.flip(0)], 1)
    validation, _ = Examiner(config, "sasrec", dataset, CPU, MemoryRecorder()).judges(5)
    tokens = rows_of("argmax", probs, 1, 0, 0)
    certain = torch.nn.functional.one_hot(tokens, items).float()

    def weights(rows: Tensor) -> Tensors:
        return on_synthetic(config, rows, items, validation, 7, 8, 8).weights

    found, wanted = weights(tokens), weights(certain)
    assert max(float((found[name] - wanted[name]).abs().max()) for name in wanted) < 1e-4
    assert max(float((found[name] - weights(probs)[name]).abs().max()) for name in wanted) > 1e-2


def test_each_form_has_a_row_and_changes_no_other_one(dataset: Dataset, probs: Tensor) -> None:
    plain, report = (report_of(settings(**more), dataset, probs) for more in ({}, FORMS))
    names = [row.name for row in report.rows]
    assert names[:4] == [RowName.FULL, RowName.DISTILLED, RowName.ARGMAX, RowName.SAMPLED]
    own = report_of(settings(**FORMS, synthetic__labels="own"), dataset, torch.stack([probs, probs.flip(0)], 1))
    others = [row for row in report.rows if row.name not in names[2:4]]
    assert [untimed(row) for row in others] == [untimed(row) for row in plain.rows]
    sizes = [(row.sequences, row.events, len(row.seeds)) for row in report.rows[1:4]]
    assert sizes == [(20, 120, 2), (20, 120, 2), (60, 360, 2)]
    assert [(row.sequences, len(row.seeds)) for row in own.rows[1:4]] == [(20, 2), (20, 2), (60, 2)]
    assert own.rows[0].seeds == plain.rows[0].seeds, "full data know of no labels"
    assert "Distilled, sampled: items drawn from every position" in report.baselines


def test_all_sides_choose_their_decay_on_validation_users(dataset: Dataset, probs: Tensor) -> None:
    """Against students trained with each decay as the run's own: of each, the best on validation users is taken."""
    strong = {"inner__weight_decay": 0.02, "evaluation__baselines": "random_users"}
    factors = (0.0, 1.0, 40.0)
    selection = MEASURES["recommendation"].selection

    def students(**more: object) -> list[Student]:
        return [*map(Examiner(settings(**more), "sasrec", dataset, CPU, MemoryRecorder()).trainer(probs), range(2))]

    alone = [students(**{**strong, "inner__weight_decay": 0.02 * factor}) for factor in factors]
    chosen = students(**strong, evaluation__decays=factors)
    for number, one in enumerate(chosen):
        scores = [selection(some[number].best.metrics) for some in alone]
        assert selection(one.best.metrics) == max(scores) > min(scores)

    both = report_of(settings(**strong, evaluation__decays=factors), dataset, probs)
    single = [report_of(settings(**{**strong, "inner__weight_decay": 0.02 * one}), dataset, probs) for one in factors]
    for name in (RowName.DISTILLED, RowName.RANDOM):
        for number, seed in enumerate(row_of(both, name).seeds):
            factor = row_of(both, name).decays[number]
            assert seed == row_of(single[factors.index(factor)], name).seeds[number], "the factor kept is its own"
    assert row_of(both, RowName.FULL).seeds == row_of(single[0], RowName.FULL).seeds, "full data have their own"
    assert row_of(both, RowName.FULL).decays == row_of(both, RowName.POPULAR).decays == ()
    assert "0, 1, 40 times the weight decay" in both.chosen_decay
    assert single[0].chosen_decay == ""


def test_dropout_on_synthetic_data_is_that_of_equal_sizes_too_and_not_of_full_data(
    dataset: Dataset, probs: Tensor
) -> None:
    some = {"evaluation__baselines": "random_users"}
    plain, synthetic, real, both = (
        report_of(settings(**some, **more), dataset, probs)
        for more in (
            {}, {"inner__dropout": 0.5}, {"teacher__dropout": 0.5}, {"inner__dropout": 0.3, "teacher__dropout": 0.5},
        )
    )  # fmt: skip
    full, distilled, users = (
        [row_of(one, name).seeds for one in (plain, synthetic, real, both)]
        for name in (RowName.FULL, RowName.DISTILLED, RowName.RANDOM)
    )
    assert full[0] == full[1] != full[2] == full[3]
    assert distilled[0] == distilled[2] != distilled[1]
    assert distilled[3] not in distilled[:3]
    assert users[0] != users[1] == users[2] == users[3], "the larger of the two"


def test_settings_are_written_as_lists() -> None:
    config = with_settings(farzi.RunConfig(), {"evaluation.decays": "0.5, 1,2", "evaluation.forms": "soft, sampled"})
    assert config.evaluation.decays == (0.5, 1.0, 2.0)
    assert config.evaluation.forms == ("soft", "sampled")
    decays = {factor: one.inner.weight_decay for factor, one in config.decayed.items()}
    assert decays == pytest.approx({0.5: 0.001, 1: 0.002, 2: 0.004})
    assert with_settings(config, {"evaluation.decays": 2}).evaluation.decays == (2.0,)
    for bad, rule in (("", "at least 1 item"), ("-1", "greater than or equal to 0"), ("nan", "finite")):
        with pytest.raises(ConfigError, match=rf"evaluation\.decays.*{rule}"):
            with_settings(config, {"evaluation.decays": bad})
    with pytest.raises(ConfigError, match=r"evaluation\.forms.*lacks soft"):
        with_settings(config, {"evaluation.forms": "argmax"})
    assert np.isclose(config.inner.weight_decay, 0.002), "the distillation keeps its own"
