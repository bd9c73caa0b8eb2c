"""Coverage as frames and sentences against counts by hand, and the figures of it."""

import json

import fixtures
import numpy as np
import pandas as pd
import pytest

from farzi_core.views import coverage, reading
from farzi_core.views.load import RunView


def made(synthetic: list[int], distance: list[float], reference: list[float] | None = None) -> pd.DataFrame:
    size = len(synthetic)
    return pd.DataFrame(
        {
            "user": [f"u{one}" for one in range(size)],
            "synthetic": synthetic,
            "offset": [0] * size,
            "distance": distance,
            "reference": reference or [float("nan")] * size,
            "items": [[0, 1]] * size,
        }
    )


def test_shares_count_every_real_sequence_once_and_list_the_busiest_first() -> None:
    table = coverage.shares(made([2, 0, 2, 2, 0], [0.1, 0.4, 0.3, 0.2, 0.6]), 4)
    assert table["number"].tolist() == [3, 1, 2, 4]
    assert table["stands"].tolist() == [3, 2, 0, 0]
    assert table["share"].tolist() == [3 / 5, 2 / 5, 0, 0]
    assert table["distance"].tolist()[:2] == pytest.approx([0.2, 0.5])
    assert table["distance"].isna().tolist() == [False, False, True, True]


def test_sentences_say_how_many_how_evenly_and_which_are_unused() -> None:
    table = coverage.shares(made([2, 0, 2, 2, 0], [0.1, 0.4, 0.3, 0.2, 0.6]), 4)
    assert "stands for 3 real sequences (60.0%), at a median distance of 0.20: no. 1 of 4" in coverage.one_sentence(
        table, 3
    )
    assert "No real sequence has this one as its nearest" in coverage.one_sentence(table, 4)
    said = coverage.reading(table, 5, 5)
    assert "the 1 busiest of 4 stand for half of them" in said
    assert "2 stand for none: 2, 4." in said
    assert "sample" not in said
    assert "A fixed random sample: 5 of 900 real sequences" in coverage.reading(table, 5, 900)
    flat = coverage.shares(made([0, 1, 2, 3], [0.5] * 4), 4)
    assert "the 2 busiest of 4 stand for half of them. Each stands for some." in coverage.reading(flat, 4, 4)


def test_many_unused_ones_are_not_all_named() -> None:
    said = coverage.reading(coverage.shares(made([0], [0.5]), 40), 1, 1)
    assert "39 stand for none: 2, 3," in said
    assert "13 and more." in said
    assert "14" not in said


def test_examples_are_those_of_the_sequence_nearest_first(view: RunView) -> None:
    chosen = int(view.coverage["synthetic"].mode()[0])
    examples = coverage.stood_for(view.coverage, chosen, reading.of_run(view), k=3)
    mine = view.coverage[view.coverage["synthetic"] == chosen]
    assert examples["distance"].tolist() == sorted(mine["distance"])[:3]
    first = mine.loc[mine["distance"].idxmin()]
    titles = [fixtures.TITLES[item] if item >= 0 else reading.OUTSIDE for item in first["items"]]
    assert examples["window"][0] == reading.ARROW.join(titles)
    assert examples["user"][0] == first["user"]


def test_figures_mark_the_chosen_one_and_draw_shares_that_add_up(view: RunView) -> None:
    table = coverage.shares(view.coverage, 6)
    bars = coverage.bars(table, 4)
    assert sum(bars.figure.data[0].y) == len(view.coverage)
    (arrow,) = [one for one in bars.figure.layout.annotations if one.showarrow is not False]
    assert (arrow.text, bars.figure.data[0].customdata[arrow.x - 1][0]) == ("sequence 4", 4)
    assert arrow.y == bars.figure.data[0].y[arrow.x - 1]
    histogram = coverage.distances(view.coverage, 5)
    assert [sum(trace.y) for trace in histogram.figure.data] == pytest.approx([1, 1])
    for chart in (bars, histogram):
        assert chart.figure.layout.xaxis.title.text
        assert chart.figure.layout.yaxis.title.text
        assert len(chart.alt) > 40


def test_without_references_the_histogram_has_one_kind() -> None:
    figure = coverage.distances(made([0, 1], [0.2, 0.4]), 5).figure
    assert [trace.name for trace in figure.data] == ["to the nearest synthetic (n = 2)"]


def test_hostile_users_and_titles_stay_one_line(hostile: RunView) -> None:
    examples = coverage.stood_for(hostile.coverage.assign(user="a\nb\u202e"), 0, reading.of_run(hostile))
    assert not np.any(examples["user"].str.contains("\n"))
    table = coverage.shares(hostile.coverage, 6)
    assert "evil" not in json.dumps(coverage.bars(table, 1).figure.to_plotly_json(), default=str)
