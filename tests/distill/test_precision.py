"""float32 against float64 on one window: smooth settings agree, chaos does not; a second road to both figures."""

from typing import Any

import pytest
import torch

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.distill.flight import Runner
from farzi_core.distill.outer import OuterProblem
from farzi_core.distill.precision import Precision, _gradient, precision
from farzi_core.distill.start import initial
from farzi_core.distill.synthetic import Synthetic

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {
    "model.hidden": 16, "synthetic.mu": 12, "synthetic.xi": 5, "synthetic.d": 6, "synthetic.start_steps": 20,
    "inner.batch": 12, "inner.steps": 10, "inner.students": 1, "outer.starts": 1, "outer.batch": 32,
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare(read_planted(PlantedSettings(sequences=400)), max_items=40)


def settings(**changes: Any) -> RunConfig:
    return with_settings(RunConfig(), {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}})


def start(dataset: Dataset) -> Synthetic:
    return initial(dataset.part("train"), len(dataset.vocab), settings().synthetic, 0)


def measured(dataset: Dataset, **changes: Any) -> Precision:
    return precision(settings(**changes), dataset.part("train"), len(dataset.vocab), start(dataset), CPU)


def test_a_tiny_eps_over_a_long_window_turns_the_gradient_and_a_smooth_one_does_not(dataset: Dataset) -> None:
    smooth = measured(dataset, inner__steps=60, inner__lifetime=60, inner__schedule="linear", inner__eps=1e-4)
    bad = measured(dataset, inner__steps=150, inner__lr=0.1, inner__eps=1e-8, model__activation="relu")
    assert smooth.trusted
    assert smooth.cosine > 0.9999
    assert smooth.error < 0.01
    assert not bad.error < 1, "turned away or, on some processors, far too long or overflown"
    assert not bad.trusted
    assert bad.growth > 100 * smooth.growth


def test_how_labels_start_and_baselines_do_not_matter(dataset: Dataset) -> None:
    """Of a run that teachers have taught: its window is held against next events, by the same numbers."""
    own = settings(synthetic__labels="own", objective__teachers=2)
    taught = with_settings(
        own, {"synthetic.start_labels": "taught", "evaluation.baselines": ["head_users", "taught_windows"]}
    )
    train, items = dataset.part("train"), len(dataset.vocab)
    begin = initial(train, items, own.synthetic, 0)
    assert precision(taught, train, items, begin, CPU) == precision(own, train, items, begin, CPU)


def test_cosine_and_error_are_those_of_the_two_gradients_written_out(dataset: Dataset) -> None:
    config = settings()
    problem = OuterProblem(config, dataset.part("train"), len(dataset.vocab), torch.zeros(0), CPU)
    runner = problem.flight.random_runner(0)
    single, double = (
        [float(one) for one in _gradient(problem, start(dataset), runner, dtype)[0]]
        for dtype in (torch.float32, torch.float64)
    )
    found = measured(dataset)
    product = sum(a * b for a, b in zip(single, double, strict=True))
    lengths = [sum(a * a for a in vector) ** 0.5 for vector in (single, double)]
    gap = sum((a - b) ** 2 for a, b in zip(single, double, strict=True)) ** 0.5
    assert found.cosine == pytest.approx(product / lengths[0] / lengths[1], abs=1e-12)
    assert found.error == pytest.approx(gap / lengths[1], rel=1e-9)
    assert 1e-9 < found.error < 1e-3


def test_after_a_burn_in_both_begin_at_one_state(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Runner] = []
    right = OuterProblem.window

    def window(self: OuterProblem, state: Any, slot: int, meta: Any) -> Any:
        begun.append(state.runners[slot])
        return right(self, state, slot, meta)

    monkeypatch.setattr(OuterProblem, "window", window)
    found = measured(dataset, inner__burn_in=20, inner__lifetime=30, inner__schedule="linear", inner__eps=1e-4)
    single, double = begun
    assert (single.age, double.age) == (20, 20)
    assert (single.theta.dtype, double.theta.dtype) == (torch.float32, torch.float64)
    pairs = [(single.theta, double.theta), *zip(single.moments, double.moments, strict=True)]
    assert all(torch.equal(one.double(), other) for one, other in pairs)
    assert float(single.moments.v.abs().max()) > 0, "it has been trained"
    assert found.cosine > 0.9999


@pytest.mark.parametrize(
    ("cosine", "error", "trusted"),
    [
        (1.0, 1e-6, True),
        (0.991, 0.135, True),
        (0.98, 0.2, False),
        (1.0, 1e4, False),
        (float("nan"), float("nan"), False),
    ],
)
def test_only_a_gradient_of_right_direction_and_length_is_trusted(cosine: float, error: float, trusted: bool) -> None:
    assert Precision(cosine, error, growth=1.0, singular_share=0.0).trusted is trusted
