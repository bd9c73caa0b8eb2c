"""Surgery for people: the trail that an address carries, what moved against plain loops, what the outcome says."""

import fixtures
import numpy as np
import pytest

from farzi_core.errors import ConfigError
from farzi_core.evaluation import surgery as core
from farzi_core.evaluation.report import METRICS, Interval, Metric
from farzi_core.evaluation.surgery import Retrained, Side
from farzi_core.views import load, surgery, surgery_charts, terms, theme
from farzi_core.views.load import RunView
from farzi_core.views.surgery import Trail

EDITS = "zero.1~scale.2.0.5~drop.3"


def retrained(task: str = "recommendation", gap: float = 0.125) -> Retrained:
    """Two students a side whose every figure differs by `gap`; intervals of +- half of it around it."""
    metrics = METRICS[task]  # type: ignore[index]
    before = tuple({metric: 0.25 + 0.1 * one for metric in metrics} for one in range(2))
    after = tuple({metric: value + gap for metric, value in one.items()} for one in before)
    interval = {metric: Interval(low=min(0.5 * gap, 1.5 * gap), high=max(0.5 * gap, 1.5 * gap)) for metric in metrics}
    sides = [Side(test=side, validation=side, steps=100) for side in (before, after)]
    return Retrained.model_validate(
        {
            "edits": EDITS, "student": "sasrec", "task": task, "test_users": 200, "validation_users": 180,
            "before": sides[0], "after": sides[1], "test": interval, "validation": interval,
        }
    )  # fmt: skip


def test_undo_redo_and_a_new_edit_are_all_in_the_address() -> None:
    trail = Trail.of(EDITS, "")
    assert (trail.done, trail.address) == (3, (EDITS, ""))
    undone = trail.to(1)
    assert undone.address == (EDITS, "1")
    assert core.write(undone.current) == "zero.1"
    assert Trail.of(*undone.address) == undone
    assert undone.to(2).to(99) == trail
    assert undone.to(-1).current == ()
    new = undone.add(core.parse("swap.1.2")[0])
    assert new.address == ("zero.1~swap.1.2", "")


@pytest.mark.parametrize(("upto", "done"), [("", 3), ("2", 2), ("0", 0), ("9", 3), ("x", 3), ("-1", 3), ("9" * 99, 3)])
def test_an_address_that_counts_wrong_shows_what_there_is(upto: str, done: int) -> None:
    assert Trail.of(EDITS, upto).done == done
    with pytest.raises(ConfigError):
        Trail.of("burn", upto)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ("zero.3", "factor 3 to zero"),
        ("scale.2.0.5", "factor 2 times 0.5"),
        ("swap.1.3", "factors 1 and 3 swapped"),
        ("drop.4", "without sequence 4"),
        ("put.1.2.5", "sequence 1, position 2 says os.path.join"),
        ("put.1.2.99", "sequence 1, position 2 says item 99"),
    ],
)
def test_edits_in_words(edit: str, words: str) -> None:
    assert surgery.words(core.parse(edit)[0], fixtures.TITLES, terms.EVENTS) == words
    assert set(surgery.verbs(terms.TEXT).values()) == set(core.Verb)


def test_what_moved_agrees_with_plain_loops(view: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CHUNK_NUMBERS", 2 * 5 * 12)  # two sequences at a time
    synthetic = view.synthetic
    edited = core.apply(synthetic.latent, synthetic.decoder, core.parse(EDITS))
    found = surgery.moved(synthetic, edited)
    changed = synthetic.latent.copy()
    changed[..., 0] = 0
    changed[..., 1] *= 0.5
    for sequence in range(6):
        before = synthetic.probs(sequence)[0]
        logits = changed[sequence].astype(float) @ synthetic.decoder
        after = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        for position in range(5):
            one = found.variation[sequence, position]
            gap = sum(abs(a - b) for a, b in zip(after[position], before[position], strict=True)) / 2
            assert np.isnan(one) if sequence == 2 else one == pytest.approx(gap, abs=1e-6)
    whole = synthetic.probs(0, 6)
    assert found.expected[0] == pytest.approx(whole.sum((0, 1)))
    assert found.expected.sum(1) == pytest.approx([30, 25]), "one of six sequences of five is gone"
    assert "1 sequence gone" in surgery.sentence(found, terms.EVENTS)


def test_no_edit_moves_nothing(view: RunView) -> None:
    synthetic = view.synthetic
    found = surgery.moved(synthetic, core.apply(synthetic.latent, synthetic.decoder, ()))
    assert not found.variation.any()
    assert surgery.items_table(found, view.vocab).empty
    assert "0.0 % on average" in surgery.sentence(found, terms.EVENTS)


def test_items_are_listed_by_how_far_their_expected_count_moved(view: RunView) -> None:
    found = surgery.Moved(np.zeros((1, 1)), np.array([[1.0, 2, 3, *[0] * 9], [1.5, 0, 3, 0.5, 1, *[0] * 7]]))
    table = surgery.items_table(found, view.vocab, 2)
    assert table["change"].tolist() == [1.0, 0.5, -2.0]
    assert table["title"].tolist() == [fixtures.TITLES[item] for item in (4, 0, 1)]


def test_one_sequence_before_and_after(view: RunView) -> None:
    synthetic = view.synthetic
    edited = core.apply(synthetic.latent, synthetic.decoder, core.parse(EDITS))
    found = surgery.moved(synthetic, edited)
    frame = surgery.beside(synthetic, edited, 3, found, view.vocab)
    titles = view.vocab["title"]
    assert frame["before"].tolist() == [titles[item] for item in synthetic.probs(3)[0].argmax(1)]
    assert frame["after"].tolist() == [
        titles[item] for item in surgery.restored(synthetic, edited).probs(3)[0].argmax(1)
    ]
    assert frame["variation"].tolist() == found.variation[3].tolist()
    gone = surgery.beside(synthetic, edited, 2, found, view.vocab)
    assert set(gone["after"]) == {""}
    assert gone["probability_after"].isna().all()


def test_the_heat_map_has_one_scale_and_shows_the_sequences_that_moved_most(
    view: RunView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surgery_charts, "MAX_ROWS", 2)
    variation = np.array([[0.1, 0.2], [0.9, 0.8], [np.nan, np.nan], [0.0, 0.6]])
    chart = surgery_charts.variation_chart(surgery.Moved(variation, np.zeros((2, 3))), terms.EVENTS)
    heat = chart.figure.data[0]
    assert (heat.zmin, heat.zmax) == (0, 1)
    assert list(heat.y) == ["2", "4"]
    assert heat.z.tolist() == [[0.9, 0.8], [0.0, 0.6]]
    assert heat.colorscale[0][1] == theme.go.Heatmap(colorscale=theme.SEQUENTIAL).colorscale[0][1]
    assert "90.0 % at sequence 2, position 1" in chart.alt
    assert "The 2 of 4 that moved most" in chart.caption
    assert chart.figure.layout.xaxis.title.text
    assert chart.figure.layout.yaxis.title.text


@pytest.mark.parametrize(
    ("task", "gap", "words"),
    [
        ("recommendation", 0.125, "better: HR@10 30.0 before, 42.5 after, difference +12.5 (+6.2 to +18.8) points"),
        ("recommendation", -0.125, "worse: HR@10"),
        ("recommendation", 0.0, "cannot be told from chance: HR@10 30.0 before, 30.0 after"),
        ("language", 0.125, "better: Accuracy"),
    ],
)
def test_the_outcome_says_which_way_and_how_sure(task: str, gap: float, words: str) -> None:
    found = retrained(task, gap)
    said = surgery.outcome(found)
    assert words in said
    assert "2 fresh students on each side" in said
    assert "with these students" in said
    assert "not with other students" in said
    table = surgery.outcome_table(found)
    assert table["metric"].tolist()[0] in {"HR@10", "Accuracy"}
    by_metric = dict(zip(METRICS[found.task], table["verdict"], strict=True))
    if gap > 0 and task == "language":
        assert by_metric[Metric.PPL] == "worse", "a higher perplexity is worse"
