"""Frames of synthetic sequences against plain loops, and the decodings against the distribution they draw from."""

import math
from itertools import pairwise

import fixtures
import numpy as np
import pytest

from farzi_core.views import reading, sequences, terms
from farzi_core.views.load import RunView, Synthetic
from farzi_core.views.reading import ARROW, OUTSIDE
from farzi_core.views.sequences import Sort


def entropy_by_hand(probs: list[float]) -> float:
    return -sum(p * math.log2(p) for p in probs if p > 0)


def test_entropy_in_bits_of_known_distributions() -> None:
    probs = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4, [0.5, 0.25, 0.125, 0.125]])
    assert sequences.entropy_bits(probs).tolist() == [0.0, 1.0, 2.0, 1.75]


def test_overview_agrees_with_plain_loops(view: RunView) -> None:
    titles = view.vocab["title"].tolist()
    frame = sequences.overview(view.synthetic, reading.of_run(view), view.nearest)
    for row in frame.itertuples():
        probs = view.synthetic.probs(row.number - 1)[0].tolist()
        best = [max(range(12), key=one.__getitem__) for one in probs]
        assert row.decoded == ARROW.join(titles[item] for item in best)
        assert row.entropy == pytest.approx(sum(map(entropy_by_hand, probs)) / 5)
        assert row.certainty == pytest.approx(sum(map(max, probs)) / 5)
        assert row.distinct == len(set(best))
        assert row.distance == view.nearest.query("synthetic == @row.number - 1").distance.min()


def test_overview_without_nearest_windows_leaves_the_distance_open(view: RunView) -> None:
    assert sequences.overview(view.synthetic, reading.of_run(view), None)["distance"].isna().all()


@pytest.mark.parametrize("sort", list(Sort))
def test_select_sorts_by_every_order_in_both_directions(view: RunView, sort: Sort) -> None:
    frame = sequences.overview(view.synthetic, reading.of_run(view), view.nearest)
    column = "distinct" if sort is Sort.DISTINCT else sort.value
    up, down = (sequences.select(frame, "", sort, descending)[column].tolist() for descending in (False, True))
    assert all(a <= b for a, b in pairwise(up))
    assert down == sorted(down, reverse=True)


def test_select_finds_text_literally_and_in_any_case(view: RunView) -> None:
    frame = sequences.overview(view.synthetic, reading.of_run(view), view.nearest)
    wanted = [row.number for row in frame.itertuples() if ".items" in row.decoded]
    assert 0 < len(wanted) < 6
    assert sequences.select(frame, ".ITEMS", Sort.NUMBER, False)["number"].tolist() == wanted
    assert sequences.select(frame, ".*", Sort.NUMBER, False).empty  # no pattern, just two characters


def test_positions_are_the_largest_probabilities_in_order(view: RunView) -> None:
    frame = sequences.positions(view.synthetic, 3, view.vocab, 4)
    assert len(frame) == 5 * 4
    for position in range(1, 6):
        probs = view.synthetic.probs(3)[0, position - 1].tolist()
        rows = frame[frame["position"] == position]
        assert rows["rank"].tolist() == [1, 2, 3, 4]
        assert rows["probability"].tolist() == sorted(probs, reverse=True)[:4]
        assert [probs[item] for item in rows["id"]] == rows["probability"].tolist()
        assert rows["title"].tolist() == [fixtures.TITLES[item] for item in rows["id"]]
        assert rows["entropy"].tolist() == pytest.approx([entropy_by_hand(probs)] * 4)


def test_positions_of_a_tiny_catalogue_are_all_its_items(view: RunView) -> None:
    assert len(sequences.positions(view.synthetic, 0, view.vocab, 99)) == 5 * 12


def test_the_downloaded_table_has_every_sequence(view: RunView) -> None:
    frame = sequences.all_positions(view.synthetic, view.vocab, 2)
    assert list(frame.columns) == ["sequence", "position", "rank", "id", "item", "title", "probability", "entropy"]
    assert frame.groupby("sequence").size().to_dict() == dict.fromkeys(range(1, 7), 10)
    fourth = frame[frame["sequence"] == 4].drop(columns="sequence").reset_index(drop=True)
    assert fourth.equals(sequences.positions(view.synthetic, 3, view.vocab, 2))


def test_sampled_sequences_repeat_with_the_seed_and_follow_the_distribution() -> None:
    latent = np.tile(np.log(np.array([0.6, 0.3, 0.1, 1e-30])).astype(np.float32), (400, 50, 1))
    synthetic = Synthetic(latent, np.eye(4, dtype=np.float32), 1.0)
    drawn = sequences.decode_sampled(synthetic, 7)
    assert np.array_equal(drawn, sequences.decode_sampled(synthetic, 7))
    assert not np.array_equal(drawn, sequences.decode_sampled(synthetic, 8))
    share = np.bincount(drawn.ravel(), minlength=4) / drawn.size
    spread = 4 * np.sqrt(np.array([0.24, 0.21, 0.09, 1e-12]) / drawn.size)  # four standard errors
    assert (np.abs(share - [0.6, 0.3, 0.1, 0]) <= spread).all()
    assert share[3] == 0


def test_decoded_table_is_one_item_a_position(view: RunView) -> None:
    frame = sequences.decoded_table(lambda: sequences.decode_argmax(view.synthetic), view.vocab)
    first = sequences.positions(view.synthetic, 0, view.vocab, 1)
    assert frame[frame["sequence"] == 1]["title"].tolist() == first["title"].tolist()
    assert len(frame) == 30


def test_neighbours_and_alignment_tell_the_same_distance(view: RunView) -> None:
    titles = view.vocab["title"]
    near = sequences.neighbours(view.nearest, 2, 5, reading.of_run(view))
    assert near["rank"].tolist() == [1, 2, 3, 4, 5]
    real = view.nearest[view.nearest["synthetic"] == 2]
    for row, items in zip(near.itertuples(), real["items"], strict=True):
        beside = sequences.alignment(view.synthetic, 2, items, titles)
        assert beside["agreement"].sum() == pytest.approx(row.agreeing, abs=1e-5)
        assert 1 - beside["agreement"].sum() / 5 == pytest.approx(row.distance, abs=1e-6)
        assert row.window == ARROW.join(beside["real"])


def test_places_outside_the_real_sequence_say_so_and_agree_with_nothing(view: RunView) -> None:
    beside = sequences.alignment(view.synthetic, 0, [-1, 3, 3, 3, -1], view.vocab["title"])
    assert beside["real"].tolist() == [OUTSIDE, "range", "range", "range", OUTSIDE]
    assert beside["agreement"].iloc[[0, 4]].tolist() == [0, 0]


def test_of_labels_it_is_said_how_much_surer_one_face_is_than_the_other(view: RunView, labelled: RunView) -> None:
    one, wanted = labelled.synthetic, labelled.synthetic.wanted
    assert wanted is not None
    for sequence in (0, 4):
        read, predicted = (sum(map(entropy_by_hand, face.probs(sequence)[0].tolist())) / 5 for face in (one, wanted))
        assert read != pytest.approx(predicted, abs=0.1)
        for called, noun in ((terms.EVENTS, "sequence"), (terms.TEXT, "sentence")):
            said = sequences.labels_sentence(one, sequence, called)
            assert f"in this {noun} what is read has {read:.1f} bits" in said
            assert f"what is to be predicted from it {predicted:.1f} bits." in said
    assert sequences.labels_sentence(view.synthetic, 0, terms.EVENTS) == ""
