"""Frames of the Factors page: places on the map, search, and the extremes of a factor by sorting in plain Python."""

import fixtures
import numpy as np
import pytest

from farzi_core.views import factor_charts, factors
from farzi_core.views.factors import Colour, Projection
from farzi_core.views.load import RunView


def test_the_map_has_every_item_with_a_place(view: RunView) -> None:
    frame = factors.item_map(view.vocab, view.maps, Projection.PCA)
    assert frame["title"].tolist() == list(fixtures.TITLES)
    assert frame[["x", "y"]].to_numpy() == pytest.approx(view.maps["pca"])
    assert frame["cluster"].tolist() == (view.maps["cluster"] + 1).tolist()


def test_items_without_a_place_are_left_out_and_counted(view: RunView) -> None:
    tsne = view.maps["tsne"].copy()
    tsne[[2, 5]] = np.nan
    frame = factors.item_map(view.vocab, {**view.maps, "tsne": tsne}, Projection.TSNE)
    assert frame["id"].tolist() == [0, 1, 3, 4, 6, 7, 8, 9, 10, 11]
    chart = factor_charts.map_chart(frame, Projection.TSNE, Colour.GROUP, frame.iloc[:0], np.zeros(2), 12)
    assert "The 2 rarest items are not on this map." in chart.caption
    assert "The 2 rarest items are not on this map." in chart.alt


def test_search_finds_titles_and_ids_literally(view: RunView) -> None:
    frame = factors.item_map(view.vocab, view.maps, Projection.PCA)
    assert factors.search(frame, "O").title.tolist() == ["os.path.join", "open", "sorted"]
    assert factors.search(frame, "id7").title.tolist() == ["print"]
    assert factors.search(frame, "s.p").title.tolist() == ["os.path.join"]
    assert factors.search(frame, "").empty


def test_extremes_of_a_factor_are_those_of_a_sort(view: RunView) -> None:
    weights = view.synthetic.decoder[1].tolist()
    order = sorted(range(12), key=weights.__getitem__, reverse=True)
    frame = factors.factor_items(view.synthetic, view.vocab, 1, 3)
    assert frame[frame["side"] == "top"]["id"].tolist() == order[:3]
    assert frame[frame["side"] == "bottom"]["id"].tolist() == order[::-1][:3]
    assert frame["weight"].tolist() == [weights[item] for item in frame["id"]]


def test_no_item_is_top_and_bottom_at_once(view: RunView) -> None:
    frame = factors.factor_items(view.synthetic, view.vocab, 0, 99)
    assert sorted(frame["id"]) == list(range(12))


def test_many_points_are_drawn_with_webgl(view: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = factors.item_map(view.vocab, view.maps, Projection.PCA)
    arguments = (Projection.PCA, Colour.CLUSTER, frame.iloc[:0], np.zeros(2), 12)
    assert {trace.type for trace in factor_charts.map_chart(frame, *arguments).figure.data} == {"scatter"}
    monkeypatch.setattr(factor_charts, "MAX_SVG_POINTS", 0)
    assert {trace.type for trace in factor_charts.map_chart(frame, *arguments).figure.data} == {"scattergl"}


def test_groups_beyond_the_palette_share_one_neutral_trace(view: RunView) -> None:
    frame = factors.item_map(view.vocab, view.maps, Projection.PCA)
    frame["group"] = [f"group {min(one, 9)}" if one else "" for one in range(12)]
    chart = factor_charts.map_chart(frame, Projection.PCA, Colour.GROUP, frame.iloc[:0], np.zeros(2), 12)
    names = [trace.name for trace in chart.figure.data]
    assert len(names) == 8 + 2
    assert "no group (n = 1)" in names
    assert "other (n = 1)" in names
    assert sum(len(trace.x) for trace in chart.figure.data) == 12


def test_heat_map_shows_z_with_zero_in_the_middle(view: RunView) -> None:
    heat = factor_charts.latent_chart(view.synthetic, 4).figure.data[0]
    assert heat.z == pytest.approx(view.synthetic.latent[4].T)
    assert heat.zmin == -heat.zmax == -np.abs(view.synthetic.latent[4]).max()
    mean = factor_charts.latent_chart(view.synthetic, None).figure.data[0]
    assert mean.z == pytest.approx(np.mean([view.synthetic.latent[one].T for one in range(6)], axis=0), abs=1e-6)
