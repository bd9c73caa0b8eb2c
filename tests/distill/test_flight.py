"""Students in flight: a burn-in is plain training; staggered ones begin their windows at ages spread over a life."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.device import CPU
from farzi_core.distill import gradcheck
from farzi_core.distill.adam import Adam
from farzi_core.distill.inner_loss import SyntheticLoss
from farzi_core.distill.layout import Tensors
from farzi_core.distill.outer import OuterProblem, meta_parameters
from farzi_core.distill.reverse import adam_metagradient
from farzi_core.distill.rows import part_of
from farzi_core.distill.start import initial
from farzi_core.errors import ConfigError
from farzi_core.seeds import stream
from farzi_core.teacher.train import train

SMALL: dict[str, Any] = {
    "model.hidden": 8, "synthetic.mu": 12, "synthetic.xi": 5, "synthetic.d": 6, "synthetic.start_steps": 0,
    "inner.steps": 4, "inner.batch": 8, "inner.lifetime": 12, "inner.students": 3, "outer.batch": 32, "outer.lr": 0.01,
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)


def test_a_burnt_in_student_is_one_trained_plainly_and_its_windows_begin_there(dataset: Dataset) -> None:
    config = with_settings(RunConfig(), {**SMALL, "inner.burn_in": 5, "inner.omega_share": 0, "outer.starts": 3})
    part, items = dataset.part("train"), len(dataset.vocab)
    problem = OuterProblem(config, part, items, torch.zeros(0), CPU)
    start = initial(part, items, config.synthetic, 0)
    state, meta = problem.start(start), meta_parameters(start)
    runner = problem.flight.grown(state.runners[1], 5, start, meta, stream(0, "steps"))
    loss = problem.flight.loss(start, 0, stream(0, "steps"), 5)
    weights = problem.flight.layout.views(state.runners[1].theta)
    *_, plain = train(weights, lambda w, t: loss(w, meta, t), problem.flight.optimizer, 5, 5)
    assert runner.age == 5
    assert torch.allclose(runner.theta, problem.flight.layout.flatten(plain.weights), atol=1e-6)
    assert problem.flight.grown(runner, 5, start, meta, stream(0, "other")) is runner

    after, first = problem.advance(state, 1.0)
    assert [window.age for window in first.windows] == [9, 9, 9]
    assert [one.age for one in after.runners] == [0, 0, 0], "5 + 4 + 4 steps are more than a life of 12"


@pytest.mark.parametrize("starts", [1, 2, 3, 5])
def test_staggered_students_begin_at_ages_spread_over_a_life(dataset: Dataset, starts: int) -> None:
    """A life of 12 has three windows of 4; four students begin in the first, first, second and third of them."""
    sizes = {"inner.staggered": True, "inner.students": 4, "inner.omega_share": 0, "outer.starts": starts}
    config = with_settings(RunConfig(), {**SMALL, **sizes})
    part, items = dataset.part("train"), len(dataset.vocab)
    problem = OuterProblem(config, part, items, torch.zeros(0), CPU)
    start = initial(part, items, config.synthetic, 0)
    state, ages = problem.start(start), dict[int, list[int]]()
    while state.step < 12:
        chosen = list(dict.fromkeys((state.step * starts + place) % 4 for place in range(starts)))
        state, report = problem.advance(state, 1.0)
        for slot, window in zip(chosen, report.windows, strict=True):
            ages.setdefault(slot, []).append(window.age)
    begins = {0: [4, 8, 12], 1: [4, 8, 12], 2: [8, 12], 3: [12]}
    for slot, found in ages.items():
        assert len(found) >= 3
        assert found == [*begins[slot], *[4, 8, 12] * 12][: len(found)]


def test_a_staggered_student_is_grown_up_to_its_first_window(dataset: Dataset) -> None:
    config = with_settings(RunConfig(), {**SMALL, "inner.staggered": True, "inner.omega_share": 0, "outer.starts": 3})
    part, items = dataset.part("train"), len(dataset.vocab)
    problem = OuterProblem(config, part, items, torch.zeros(0), CPU)
    start = initial(part, items, config.synthetic, 0)
    state, meta, rows = problem.start(start), meta_parameters(start), stream(config.seed, "outer step", 0, 2)
    oldest = problem.flight.grown(state.runners[2], 8, start, meta, rows)
    wanted = problem.objective.window(oldest, start, meta, rows)
    found = problem.window(state, 2, meta)
    assert torch.equal(found.grads["probs"], wanted.grads["probs"])
    after, report = problem.advance(state, 1.0)
    assert report.windows[2].loss == pytest.approx(float(wanted.outer_value))
    assert [one.age for one in after.runners] == [4, 8, 0], "the oldest is at the end of its life"


@pytest.mark.parametrize("crop", [0, 3])
@pytest.mark.parametrize("batch", [8, 12])
@pytest.mark.parametrize("labels", ["next", "own"])
def test_a_mask_of_dropout_belongs_to_its_step_and_leaves_the_rows_as_they_are(
    dataset: Dataset, labels: str, batch: int, crop: int
) -> None:
    sizes = {**SMALL, "inner.crop": crop, "inner.batch": batch, "synthetic.labels": labels}
    plain, dropped = (with_settings(RunConfig(), {**sizes, "inner.dropout": share}) for share in (0, 0.4))
    part, items = dataset.part("train"), len(dataset.vocab)
    start = initial(part, items, plain.synthetic, 0)
    losses = [
        OuterProblem(config, part, items, torch.zeros(0), CPU).flight.loss(start, 4, stream(0, "steps"), 4)
        for config in (plain, dropped)
    ]
    for t in range(4, 8):
        whole, some = (loss.reading(t) for loss in losses)
        assert whole.keep is None
        assert (whole.chosen is None) == (some.chosen is None)
        assert whole.chosen is None or torch.equal(whole.chosen, some.chosen)
        again, other = losses[1].reading(t).keep, losses[1].reading(4 + (t - 3) % 4).keep
        assert some.keep is not None
        assert again is not None
        assert torch.equal(some.keep, again)
        assert other is None or not torch.equal(some.keep, other)
        targets = part_of(start.latent, some.chosen)[:, 1]  # labels, or without them one position of the sequences
        inputs = targets.shape[1] if labels == "own" else part_of(start.latent, some.chosen).shape[1] - 1
        assert some.keep.shape == (len(targets), inputs, 8)


@dataclass(frozen=True, kw_only=True)
class _Window(gradcheck.Problem):
    """The same problem with the loss of a window."""

    loss: SyntheticLoss

    def inner(self, weights: Tensors, meta: Tensors, step: int) -> Tensor:
        return self.loss(weights, meta, step)


@pytest.mark.parametrize("kind", ["sasrec", "gru4rec", "fmlp"])
@pytest.mark.parametrize(("labels", "crop"), [("next", 0), ("own", 0), ("own", 3)])
def test_the_meta_gradient_of_a_window_with_dropout_is_that_of_plain_autograd(
    dataset: Dataset, labels: str, crop: int, kind: str
) -> None:
    """Through all steps of a window by torch's own graph of them, the masks drawn again at each visit."""
    sizes = {"inner.dropout": 0.4, "inner.omega_share": 0, "inner.weight_decay": 0, "model.kind": kind}
    sizes |= {"synthetic.labels": labels, "inner.crop": crop}
    widths = {"model.gru4rec_hidden": 8, "model.fmlp_hidden": 8}
    config = with_settings(RunConfig(), {**SMALL, **sizes, **widths})
    part, items = dataset.part("train"), len(dataset.vocab)
    flight = OuterProblem(config, part, items, torch.zeros(0), CPU).flight
    start = initial(part, items, config.synthetic, 0)
    weights = {name: one.double() for name, one in flight.layout.views(flight.random_runner(0).theta).items()}
    problem = _Window(
        flight.model, weights, {"probs": start.probs().double()}, flight.tokens(stream(0, "tokens")), Adam(eps=1e-3),
        loss=flight.window_loss(start, 0, stream(0, "rows")),
    )  # fmt: skip
    wanted = gradcheck.unrolled(problem, 4)
    split = adam_metagradient(problem.loss, problem.outer, weights, problem.meta, steps=4, optimizer=problem.adam)
    assert gradcheck.relative_error(split.grads, wanted) <= 1e-10
    assert gradcheck.relative_error(problem.engine("store", 4), wanted) <= 1e-10


def test_a_burn_in_leaves_room_for_a_window() -> None:
    with pytest.raises(ConfigError, match=r"^inner: burn_in=9 and a window of steps=4 do not fit.*=12.*at most 8"):
        with_settings(RunConfig(), {**SMALL, "inner.burn_in": 9})
    assert with_settings(RunConfig(), {**SMALL, "inner.burn_in": 8}).inner.burn_in == 8
