"""The scales count what a hand counts, and lesson 4's claims are what they find."""

from pathlib import Path

import pytest
import torch

from farzi_core.distill import weigh, weighing
from farzi_core.distill.plan import memory_plan
from farzi_core.distill.weighing import Weighing
from farzi_core.errors import RunError
from farzi_core.views import lesson_memory
from farzi_core.views.lessons import LESSONS

KB = 1000 * 4  # bytes of the float32 vector used here


def test_the_scales_know_the_peak_and_forget_what_is_freed() -> None:
    before = torch.ones(1000)
    with weigh.Scales() as scales:
        one = before + 1
        two = one * 2
        view = two[:10]
        assert (scales.now, scales.peak) == (2 * KB, 2 * KB), "a view holds nothing of its own"
        del one, two
        assert scales.now == KB, "the view keeps its storage alive"
        del view
        three = torch.zeros(500)
        assert (scales.now, scales.peak) == (KB // 2, 2 * KB)
        del three
    assert scales.now == 0


def test_a_view_of_what_was_there_before_makes_nothing() -> None:
    before = torch.ones(1000)
    with weigh.Scales([before]) as scales:
        view = before[:10]
        assert (scales.now, scales.peak) == (0, 0)
        one = view + 1
        assert scales.now == 40
        del one, view
    assert scales.now == 0


def test_what_autograd_saves_is_counted_until_the_way_back() -> None:
    x = torch.ones(1000, requires_grad=True)
    with weigh.Scales() as scales:
        y = x.exp().exp().sum()  # exp saves its result: two vectors wait for the way back, and the sum
        assert scales.now == 2 * KB + 4
        y.backward()
    assert scales.peak > 2 * KB + 4


@pytest.fixture(scope="module")
def found() -> Weighing:
    """Measured as the page does it."""
    return weighing.weighed()


def test_counts_are_the_same_in_another_process(found: Weighing) -> None:
    assert found.peaks("unroll")[2] == weigh.weigh(weigh.student(), "unroll", 2)
    assert found.peaks("checkpoint")[5] == weigh.weigh(weigh.student(), "checkpoint", 5)


def test_the_tape_grows_as_its_plan_says(found: Weighing) -> None:
    """One graph is the same at every T, so what is left between two T is the plan's."""
    plan = {steps: memory_plan(found.weights, steps).row("store").bytes for steps in (10, 20)}
    grown = found.peaks("store")[20] - found.peaks("store")[10]
    assert grown == pytest.approx(plan[20] - plan[10], rel=0.15)


def test_unrolling_adds_the_same_graph_every_step(found: Weighing) -> None:
    peaks = found.peaks("unroll")
    step = (peaks[20] - peaks[10]) / 10
    assert (peaks[10] - peaks[5]) / 5 == pytest.approx(step, rel=0.01)


def test_the_lesson_claims_what_was_measured(found: Weighing) -> None:
    assert 3 < lesson_memory.factor(found, "unroll") < 4
    assert lesson_memory.factor(found, "store") < 1.5
    assert lesson_memory.factor(found, "checkpoint") < 1.5
    experiment = LESSONS["4"].experiment
    assert experiment
    assert f"{found.weights:,} weights" in experiment.sentence
    assert found.rise("unroll") > 5 * max(found.rise("store"), 1)


def test_figures_show_every_measurement_with_words(found: Weighing) -> None:
    shown = lesson_memory.shown(found)
    assert sum(len(trace.x) for trace in shown.charts[0].figure.data) == len(found.rows) == 12
    for chart in shown.charts:
        assert chart.figure.layout.xaxis.title.text
        assert len(chart.alt) > 40
    assert next(fact.value for fact in shown.facts) == f"{found.peaks('unroll')[20] / 1e6:.1f} MB"


@pytest.mark.parametrize(
    ("program", "said"), [("import time; time.sleep(9)", "took more than"), ("raise SystemExit(1)", "failed")]
)
def test_a_child_that_hangs_or_dies_is_said_in_words(
    program: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(weighing, "COMMAND", [weighing.COMMAND[0], "-c", program])
    monkeypatch.setattr(weighing, "WEIGHING_SECONDS", 1)
    with pytest.raises(RunError, match=said):
        weighing.weighed()
