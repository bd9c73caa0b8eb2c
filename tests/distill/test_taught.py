"""The taught start: what teachers predict behind every event, over the cuts that read it, and the fit to it."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from small import SETTINGS

from farzi_core import checks
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.device import CPU
from farzi_core.distill import taught
from farzi_core.distill.covering import covering
from farzi_core.distill.layout import Layout
from farzi_core.distill.start import initial
from farzi_core.distill.stretches import Stretches
from farzi_core.distill.synthetic import Synthetic
from farzi_core.errors import ConfigError
from farzi_core.evaluation.students import on_synthetic
from farzi_core.evaluation.tasks import validation_judge
from farzi_core.seeds import torch_stream
from farzi_core.teacher.ensemble import Ensemble, ensemble

CONFIG = with_settings(
    RunConfig(),
    {
        **SETTINGS, "teacher.epochs": 4, "teacher.batch": 40, "teacher.lr": 0.05, "objective.teachers": 2,
        "inner.crop": 4, "synthetic.labels": "own", "synthetic.start_labels": "taught",
    },
)  # fmt: skip
KINDS = ("sasrec", "gru4rec", "fmlp")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)


@pytest.fixture(scope="module")
def teachers(dataset: Dataset) -> torch.Tensor:
    return ensemble(CONFIG, dataset, CPU)


def untrained(kind: str, head: str) -> Ensemble:
    """Two models of random weights, whose predictions differ much."""
    small = {"model.fmlp_hidden": 8, "model.gru4rec_hidden": 8}
    config = with_settings(CONFIG, {**small, "model.kind": kind, "model.head": head})
    model = Ensemble.of(config, 40, torch.zeros(0, 0)).model
    weights = [model.init(torch_stream(seed, "teacher")) for seed in (0, 1)]
    return Ensemble.of(config, 40, torch.stack([3 * Layout.of(one).flatten(one) for one in weights]))


def windows_read(xi: int, length: int, place: int) -> Iterator[range]:
    """By enumeration: all stretches of `length` that some phase cuts a sequence of xi into, and that read `place`."""
    for phase in range(min(length - 1, xi - length) + 1):
        for first in range(phase, xi - length + 1, length):
            if first <= place < first + length:
                yield range(first, first + length)


@pytest.mark.parametrize(("kind", "head"), [*((kind, "tied") for kind in KINDS), ("gru4rec", "untied")])
@pytest.mark.parametrize(("xi", "length"), [(6, 6), (7, 3), (5, 4)])
@pytest.mark.parametrize("block", [1, 1 << 21])
def test_a_label_is_the_mean_over_the_cuts_of_what_teachers_say_behind_the_event(
    kind: str, head: str, xi: int, length: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event at a time, from nothing but those before it in its stretch."""
    monkeypatch.setattr(taught, "BLOCK_NUMBERS", block)
    models, tokens = untrained(kind, head), torch.randint(40, (3, xi), generator=torch_stream(0, "tokens"))
    found = taught.predictions(models, tokens, Stretches(3, xi, length, batch=2, faces=2))
    for row in range(3):
        for place in range(xi):
            said = []
            for one in windows_read(xi, length, place):
                seen = tokens[row : row + 1, one.start : place + 1]
                scores = [
                    models.model.logits(weights, models.model.encode(weights, models.model.embed(weights, seen))[0, -1])
                    for weights in models.weights
                ]
                said.append(torch.stack(scores).mean(0).softmax(-1))
            torch.testing.assert_close(found[row, place], torch.stack(said).mean(0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("tau", [1.0, 0.7])
@pytest.mark.parametrize("block", [1, 300, 1 << 21])
def test_the_slopes_of_the_fit_are_those_of_autograd(tau: float, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taught, "BLOCK_NUMBERS", block)
    generator = torch_stream(0, "fit")
    latent, decoder = torch.randn(5, 2, 4, 3, generator=generator), torch.randn(3, 7, generator=generator)
    latent, decoder = latent.double().requires_grad_(), decoder.double().requires_grad_()
    tokens = torch.randint(7, (5, 4), generator=generator)
    wanted = torch.randn(5, 4, 7, generator=generator).double().softmax(-1)
    scores = latent @ decoder / tau
    read = torch.nn.functional.cross_entropy(scores[:, 0].flatten(0, 1), tokens.flatten())
    label = torch.nn.functional.cross_entropy(scores[:, 1].flatten(0, 1), wanted.flatten(0, 1))
    expected = torch.autograd.grad(read + label, [latent, decoder])
    found = taught.slopes(Synthetic(latent.detach(), decoder.detach(), tau), tokens, wanted)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-14)


def test_the_start_reads_the_most_likely_events_and_expects_what_teachers_do(
    dataset: Dataset, teachers: torch.Tensor
) -> None:
    items = len(dataset.vocab)
    wide = with_settings(CONFIG, {"synthetic.d": 16})
    before = initial(dataset.part("train"), items, wide.synthetic, wide.seed)
    tokens = before.read.probs().argmax(-1)
    probs = taught.begin(wide, dataset, teachers).probs()
    assert torch.equal(probs[:, 0].argmax(-1), tokens)
    assert float(probs[:, 0].gather(-1, tokens[..., None]).min()) > 0.9 > float(before.read.probs().max(-1)[0].mean())
    wanted = taught.predictions(Ensemble.of(wide, items, teachers), tokens, Stretches.of(wide, before.mu))
    apart = [float((wanted * (wanted / one).log()).sum(-1).mean()) for one in (probs[:, 1], before.probs()[:, 1])]
    assert apart[0] < 0.05 < 0.3 < apart[1]


def test_a_covering_start_is_read_as_it_is_and_taught_window_by_window(
    dataset: Dataset, teachers: torch.Tensor
) -> None:
    """With fixed cuts each label is what the teachers say behind the events of its own window, and no mean."""
    items, train = len(dataset.vocab), dataset.part("train")
    more = {"synthetic.start": "covering", "inner.cuts": "fixed", "inner.crop": 3, "synthetic.d": 16}
    config = with_settings(CONFIG, more)
    chosen = covering(train, items, config.synthetic, 3, config.seed)
    tokens = torch.from_numpy(chosen[:, 0])
    probs = taught.begin(config, dataset, teachers).probs()
    assert torch.equal(probs[:, 0].argmax(-1), tokens)
    said = Ensemble.of(config, items, teachers).behind(tokens.reshape(-1, 3)).reshape(*tokens.shape, items)
    wanted = taught.predictions(Ensemble.of(config, items, teachers), tokens, Stretches.of(config, 20))
    torch.testing.assert_close(wanted, said)
    assert float((said * (said / probs[:, 1]).log()).sum(-1).mean()) < 0.05
    assert with_settings(config, {}).excerpts
    assert not config.untaught.excerpts


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"synthetic.start_labels": "next"}, r"rare items more often than they come next.*start_labels to 'taught'"),
        ({"inner.cuts": "random"}, r"windows of the inner\.crop = 3 events.*inner\.cuts to 'fixed'"),
    ],
)
def test_covering_windows_are_taught_and_read_as_they_are(more: dict[str, str], said: str) -> None:
    config = with_settings(CONFIG, {"synthetic.start": "covering", "inner.cuts": "fixed", "inner.crop": 3})
    with pytest.raises(ConfigError, match=rf"^synthetic\.start = 'covering' .*{said}"):
        with_settings(config, more)
    with_settings(config, {"inner.cuts": "random", "inner.crop": 0})


def test_more_windows_than_can_be_chosen_in_time_are_refused(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    config = with_settings(CONFIG, {"synthetic.start": "covering", "inner.cuts": "fixed", "inner.crop": 3})
    monkeypatch.setattr(checks, "MAX_COVERING_WINDOWS", 40)
    checks.check(config, dataset)
    monkeypatch.setattr(checks, "MAX_COVERING_WINDOWS", 39)
    with pytest.raises(ConfigError, match=r"20 sequences of 6 events are 40 windows of 3, more than 39; .* 'matched'"):
        checks.check(config, dataset)
    checks.check(with_settings(config, {"synthetic.start": "matched"}), dataset)


def test_untaught_starts_are_as_they_were(dataset: Dataset) -> None:
    plain = with_settings(CONFIG, {"synthetic.start_labels": "next", "objective.teachers": 0})
    start = initial(dataset.part("train"), len(dataset.vocab), plain.synthetic, plain.seed)
    for name, tensor in taught.begin(plain, dataset, torch.zeros(0, 0)).tensors().items():
        assert torch.equal(tensor, start.tensors()[name])


def test_students_of_taught_labels_are_better(dataset: Dataset, teachers: torch.Tensor) -> None:
    plain = with_settings(CONFIG, {"synthetic.start_labels": "next"})
    judge, items = validation_judge(CONFIG, dataset, CONFIG.stretch - 1, CPU), len(dataset.vocab)
    gain = []
    for seed in range(3):
        both = [
            on_synthetic(one, taught.begin(one, dataset, teachers).probs(), items, judge, seed, 300, 30)
            for one in (CONFIG, plain)
        ]
        gain.append(both[0].best.metrics["ndcg@10"] - both[1].best.metrics["ndcg@10"])
    assert min(gain) > 0


def test_an_untaught_start_never_holds_its_distributions(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of large catalogues they do not fit into memory."""

    def held(_: Synthetic) -> torch.Tensor:
        raise MemoryError

    monkeypatch.setattr(Synthetic, "probs", held)
    more = {"synthetic.start_labels": "next", "objective.teachers": 0, "synthetic.start": "data"}
    start = taught.begin(with_settings(CONFIG, more), dataset, torch.zeros(0, 0))
    assert start.latent.shape == (20, 2, 6, 4)


class Enough(Exception):
    """What a stopped run raises between steps."""


@pytest.mark.parametrize("before", [0, 3, 30, taught.FIT_STEPS])
def test_a_fit_is_ended_by_what_is_raised_between_its_steps(
    dataset: Dataset, teachers: torch.Tensor, before: int
) -> None:
    left = iter(range(before))

    def between() -> None:
        if next(left, None) is None:
            raise Enough

    with pytest.raises(Enough):
        taught.begin(CONFIG, dataset, teachers, CPU, between)
    assert next(left, None) is None, "it was asked before each step"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"synthetic.labels": "next"}, "labels = 'next', objective.kind = 'meta' and objective.teachers = 2"),
        ({"objective.teachers": 0}, "labels = 'own', objective.kind = 'meta' and objective.teachers = 0"),
        ({"objective.kind": "gradient"}, "labels = 'own', objective.kind = 'gradient' and objective.teachers = 2"),
    ],
)
def test_labels_are_taught_where_there_are_labels_and_teachers(more: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=rf"^a taught start with synthetic\.{said}: the teachers"):
        with_settings(CONFIG, more)
    beside = {"synthetic.start_labels": "next", "evaluation.baselines": "random_users,taught_windows"}
    with_settings(CONFIG, beside)
    with pytest.raises(ConfigError, match=rf"^taught_windows with synthetic\.{said}: the teachers"):
        with_settings(CONFIG, {**beside, **more})
    untaught = with_settings(CONFIG, {"evaluation.baselines": "head_users,taught_windows"}).untaught
    assert not untaught.teaches
    assert (untaught.objective.teachers, untaught.evaluation.baselines) == (0, ("head_users",))
    assert with_settings(untaught, {"objective.teachers": 2}) == with_settings(
        CONFIG, {"synthetic.start_labels": "next", "evaluation.baselines": "head_users"}
    )


def test_predictions_that_would_not_fit_are_refused(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    config, numbers = with_settings(CONFIG, {"outer.batch": 1}), 20 * 6 * len(dataset.vocab)
    monkeypatch.setattr(checks, "MAX_DENSE_NUMBERS", numbers)
    checks.check(config, dataset)
    monkeypatch.setattr(checks, "MAX_DENSE_NUMBERS", numbers - 1)
    with pytest.raises(ConfigError, match=r"20 x 6 events .* are 4,800 numbers, .* at most 119 events in all"):
        checks.check(config, dataset)
    untaught = with_settings(config, {"synthetic.start_labels": "next"})
    checks.check(untaught, dataset)
    with pytest.raises(ConfigError, match="4,800 numbers"):
        checks.check(with_settings(untaught, {"evaluation.baselines": "taught_windows"}), dataset)


def test_real_windows_are_taught_as_the_start_is(dataset: Dataset, teachers: torch.Tensor) -> None:
    train, items = dataset.part("train"), len(dataset.vocab)
    models, stretches = Ensemble.of(CONFIG, items, teachers), Stretches.of(CONFIG, 20)
    rows = taught.windows(train, models, stretches, seed=0, draw=3)
    assert rows.shape == (20, 2, 6, items)
    tokens = rows[:, 0].argmax(-1)
    assert torch.equal(rows[:, 0], torch.nn.functional.one_hot(tokens, items).float())
    torch.testing.assert_close(rows[:, 1], taught.predictions(models, tokens, stretches))
    pairs = {pair for user in range(len(train)) for pair in pairwise(train[user].tolist())}
    real = [pair in pairs for row in tokens.tolist() for pair in pairwise(row)]
    assert np.mean(real) > 0.7, "but for where one window is laid behind another"
    assert not torch.equal(taught.windows(train, models, stretches, 0, 4), rows), "every student has its own"

    def between() -> None:
        raise Enough

    with pytest.raises(Enough):
        taught.windows(train, models, stretches, 0, 4, between)
