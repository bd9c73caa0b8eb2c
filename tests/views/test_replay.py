"""The replay: one projection for all frames, equal to a plain SVD; scales and colours that no frame changes."""

import base64
import itertools
import json
from pathlib import Path

import fixtures
import numpy as np
import pandas as pd
import pytest

from farzi_core.errors import StoreError
from farzi_core.evaluation.report import Metric
from farzi_core.runs.manifest import RunState
from farzi_core.views import load, replay, replay_player, terms, theme
from farzi_core.views.load import RunView
from farzi_core.views.replay_player import LEVELS, Place

STEPS = (0, 5, 10, 20)


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> RunView:
    return RunView(fixtures.make_finished_run(tmp_path_factory.mktemp("home"), more=fixtures.snapshots(*STEPS)))


def test_the_projection_is_the_svd_of_the_columns_of_all_snapshots_together(moving: RunView) -> None:
    found = replay.motion(moving)
    stacked = np.concatenate([moving.snapshot(step).decoder.T.astype(np.float64) for step in STEPS])
    centred = stacked - stacked.mean(0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    expected = (centred @ directions[:2].T).reshape(4, 12, 2)
    signs = np.sign((expected * found.places).sum((0, 1)))
    assert found.places == pytest.approx(expected * signs, abs=1e-9)
    assert found.variance == pytest.approx((sizes**2 / (sizes**2).sum())[:2])
    assert found.steps == STEPS


def test_an_item_that_does_not_move_stays_where_it_is_on_every_frame(tmp_path: Path) -> None:
    files = dict(zip(fixtures.snapshots(0, 1), fixtures.snapshots(7, 7).values(), strict=False))
    files["snapshots/0000000001.safetensors"] = files["snapshots/0000000000.safetensors"]
    found = replay.motion(RunView(fixtures.make_finished_run(tmp_path, more=files)))
    assert np.array_equal(found.places[0], found.places[1])


def test_one_factor_has_no_second_axis() -> None:
    directions, variance = replay.main_directions(np.array([[4.0]]))
    assert directions.tolist() == [[1.0, 0.0]]
    assert variance == (1.0, 0.0)


def test_frames_are_an_even_share_with_both_ends() -> None:
    assert replay.frames(range(7)) == tuple(range(7))
    many = replay.frames(range(0, 1000, 2))
    assert len(many) == replay.MAX_FRAMES
    assert (many[0], many[-1]) == (0, 998)
    gaps = {b - a for a, b in itertools.pairwise(many)}
    assert max(gaps) - min(gaps) <= 2


def test_a_strip_holds_the_largest_probabilities_and_the_entropy_of_each_snapshot(moving: RunView) -> None:
    found = replay.strip(moving, STEPS, 2, 3)
    for frame, step in enumerate(STEPS):
        probs = moving.snapshot(step).probs(2)[0]
        for position in range(5):
            best = sorted(range(12), key=lambda item: -probs[position, item])[:3]
            assert found.ids[frame, position].tolist() == best
            assert found.probs[frame, position] == pytest.approx(probs[position, best], rel=1e-4)
            bits = -sum(p * np.log2(p) for p in probs[position] if p > 0)
            assert found.entropy[frame, position] == pytest.approx(bits, abs=1e-5)


def test_every_frame_of_the_player_has_the_same_box_and_colours(moving: RunView) -> None:
    motion, strip = replay.motion(moving), replay.strip(moving, STEPS, 0)
    validated = replay.curve(fixtures.events(), Metric.HR10)
    data = replay_player.player(motion, strip, validated, Metric.HR10, fixtures.TITLES, Place(1, 1), terms.EVENTS)
    assert json.loads(json.dumps(data)) == json.loads(json.dumps(data, allow_nan=False)), "plain, finite values"
    whole = np.frombuffer(base64.b64decode(data["map"]["points"]), "<u2").reshape(4, 12, 2)
    span = np.array(data["map"]["shape"])
    low = motion.places.min((0, 1)) - replay_player.MARGIN / (1 + 2 * replay_player.MARGIN) * span
    assert low + whole / LEVELS * span == pytest.approx(motion.places, abs=float(span.max()) / LEVELS)
    shown = {int(item) for frame in data["strip"]["frames"] for row in frame for item, _ in row}
    assert set(data["colours"]) <= shown == set(data["strip"]["names"])
    assert [fill for fill, _ in data["colours"].values()] == list(theme.CATEGORICAL[: len(data["colours"])])
    assert data["curve"]["steps"] == [10, 20]
    assert data["curve"]["range"][0] < 0.5 < 0.6 < data["curve"]["range"][1]
    assert [words for _, words in data["curve"]["ends"]] == ["50.0 %", "60.0 %"]
    assert data["curve"]["last"] == 20


def test_leading_items_are_those_expected_most_over_all_frames() -> None:
    ids = np.array([[[0, 1]], [[2, 1]]])
    strip = replay.Strip(ids, np.array([[[0.5, 0.4]], [[0.6, 0.3]]]), np.zeros((2, 1)))
    assert strip.leading == [1, 2, 0]


def test_hostile_titles_reach_the_player_as_one_cut_line(tmp_path: Path) -> None:
    folder = fixtures.make_finished_run(tmp_path, titles=fixtures.HOSTILE_TITLES, more=fixtures.snapshots(0, 9))
    view = RunView(folder)
    motion, strip = replay.motion(view), replay.strip(view, (0, 9), 0)
    data = replay_player.player(
        motion, strip, replay.curve([], Metric.HR10), Metric.HR10, replay.titles(view, 12), Place(1, 1), terms.EVENTS
    )
    for title in (*data["map"]["titles"], *data["strip"]["names"].values()):
        assert len(title) <= replay_player.TITLE_LENGTH
        assert title.isprintable()


def test_a_run_at_work_has_numbered_items_and_a_text_is_known_by_its_validation(tmp_path: Path) -> None:
    view = RunView(fixtures.make_finished_run(tmp_path, state=RunState.RUNNING, more=fixtures.snapshots(0)))
    assert replay.titles(view, 3) == ["item 1", "item 2", "item 3"]
    assert replay.reader(view, ["a", "b"])([1, 0]) == "b → a"
    assert replay.motion(view).steps == (0,)
    assert replay.terms(fixtures.events(task="language")) is terms.TEXT
    assert replay.terms([]) is terms.EVENTS


def test_the_table_has_a_row_a_frame_and_a_gap_where_nothing_was_validated(moving: RunView) -> None:
    strip = replay.strip(moving, STEPS, 1)
    validated = pd.DataFrame({"step": [0, 20], "value": [0.25, 0.5]})
    frame = replay.table(STEPS, strip, validated, lambda items: str(list(items)))
    assert frame["value"].isna().tolist() == [False, True, True, False]
    assert frame["entropy"].tolist() == pytest.approx(strip.entropy.mean(1).tolist())
    assert frame["decoded"].tolist() == [str(row) for row in strip.ids[:, :, 0].tolist()]
    said = replay.reading_of(STEPS, strip, validated, Metric.HR10, terms.EVENTS)
    assert "became more certain" in said
    assert "from 25.0 % to 50.0 %" in said
    assert "not been validated" in replay.reading_of(STEPS, strip, validated[:0], Metric.HR10, terms.EVENTS)


@pytest.mark.parametrize(("wanted", "frame"), [(None, 0), ("", 0), ("0", 0), ("6", 1), ("20", 3), ("999", 3), ("x", 0)])
def test_an_address_is_answered_by_the_nearest_frame(wanted: str | None, frame: int) -> None:
    assert replay.nearest_frame(STEPS, wanted) == frame


def test_snapshots_that_do_not_fit_are_refused_in_words(tmp_path: Path) -> None:
    files = fixtures.snapshots(0) | fixtures.snapshots(5, mu=7)
    view = RunView(fixtures.make_finished_run(tmp_path, more=files))
    with pytest.raises(StoreError, match=r"step 5 .* has another shape"):
        replay.motion(view)
    with pytest.raises(StoreError, match="has no snapshots yet"):
        replay.motion(RunView(fixtures.make_finished_run(tmp_path, number=2)))
    other = RunView(fixtures.make_finished_run(tmp_path, number=3, more=fixtures.snapshots(0, items=9)))
    with pytest.raises(StoreError, match="another number of items"):
        other.snapshot(0)
    assert not other.has(load.SNAPSHOTS)


def test_the_largest_are_those_of_a_full_sort_the_lower_index_first_where_two_are_equal() -> None:
    probs = np.array([[0.1, 0.4, 0.1, 0.4], [0.7, 0.1, 0.2, 0.0]], dtype=np.float32)
    assert replay._largest(probs, 3).tolist() == np.argsort(-probs, axis=1, kind="stable")[:, :3].tolist()
