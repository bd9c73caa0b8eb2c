"""An item traced through a run, against plain loops."""

import math

import fixtures
import numpy as np
import pytest

from farzi_core.views import reading, trace
from farzi_core.views.load import RunView

ITEM = 3


def test_occurrences_agree_with_a_loop_over_every_position(view: RunView) -> None:
    seen = trace.occurrences(view.synthetic, ITEM, k=7)
    places = {}
    for sequence in range(6):
        for position, probs in enumerate(view.synthetic.probs(sequence)[0].tolist(), start=1):
            rank = sum(other > probs[ITEM] for other in probs) + 1
            places[sequence + 1, position] = (rank, probs[ITEM])
    assert seen.expected == pytest.approx(sum(probability for _, probability in places.values()))
    assert seen.first == sum(rank == 1 for rank, _ in places.values())
    best = sorted(places, key=lambda place: -places[place][1])[:7]
    assert list(zip(seen.table["number"], seen.table["position"], strict=True)) == best
    assert seen.table["rank"].tolist() == [places[place][0] for place in best]
    assert seen.table["probability"].tolist() == pytest.approx([places[place][1] for place in best])


def test_neighbours_are_the_nearest_columns_without_the_item_itself(view: RunView) -> None:
    columns = view.synthetic.decoder.T.tolist()
    apart = {other: math.dist(columns[ITEM], columns[other]) for other in range(12) if other != ITEM}
    best = sorted(apart, key=apart.__getitem__)[:4]
    found = trace.neighbours(view.synthetic, view.vocab, ITEM, k=4)
    assert found["title"].tolist() == [fixtures.TITLES[one] for one in best]
    assert found["apart"].tolist() == pytest.approx([apart[one] for one in best])


def test_real_windows_that_contain_it_are_counted_and_the_nearest_shown(view: RunView) -> None:
    count, rows = trace.containing(view.coverage, view.covered_windows, ITEM, reading.of_run(view), k=2)
    mine = [row for row in view.coverage.itertuples() if ITEM in list(row.items)]
    assert 0 < count == len(mine) < len(view.coverage)
    assert rows["distance"].tolist() == sorted(row.distance for row in mine)[:2]
    assert all(fixtures.TITLES[ITEM] in window for window in rows["window"])


def test_the_sentence_has_count_rank_and_expectation(view: RunView) -> None:
    counts = view.vocab["count"].tolist()
    seen = trace.occurrences(view.synthetic, ITEM)
    said = trace.sentence(view.vocab, ITEM, seen, 30)
    rank = sorted(counts, reverse=True).index(counts[ITEM]) + 1
    assert f"{counts[ITEM]} events ({counts[ITEM] / sum(counts):.2%}), rank {rank} of 12" in said
    assert f"{seen.expected:.1f} of 30 positions" in said


def test_the_column_is_drawn_beside_the_middle_half_of_all_items(view: RunView) -> None:
    chart = trace.column_chart(view.synthetic, ITEM)
    half, own = chart.figure.data
    assert np.allclose(own.y, view.synthetic.decoder[:, ITEM])
    for factor in range(3):
        inside = view.synthetic.decoder[factor]
        low, high = half.base[factor], half.base[factor] + half.y[factor]
        assert sum((inside >= low) & (inside <= high)) == 6
    assert chart.figure.layout.xaxis.title.text
    assert len(chart.alt) > 40
