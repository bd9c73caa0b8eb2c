"""What a step reads: whole stretches, no position twice, every one in reach, as many as said."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from farzi_core.config import RunConfig, with_settings
from farzi_core.distill.rows import part_of
from farzi_core.distill.stretches import Stretches
from farzi_core.errors import ConfigError

SIZES = st.tuples(st.integers(1, 7), st.integers(2, 12)).flatmap(
    lambda size: st.tuples(st.just(size[0]), st.just(size[1]), st.integers(2, size[1]), st.integers(1, 40))
)


@given(SIZES, st.integers(0, 2**32 - 1))
def test_a_step_reads_whole_stretches_of_one_sequence_each_and_no_position_twice(
    size: tuple[int, int, int, int], seed: int
) -> None:
    mu, xi, length, batch = size
    stretches = Stretches(mu, xi, length, batch, faces=1)
    drawn = stretches.draw(np.random.default_rng(seed))
    if length == xi:
        assert drawn.shape == (min(batch, mu),)
        assert len(set(drawn.tolist())) == len(drawn)
        return
    assert drawn.shape == (stretches.size, length)
    assert 1 <= stretches.size <= batch
    assert len(np.unique(drawn)) == drawn.size
    assert (np.diff(drawn, axis=1) == 1).all()
    assert (drawn[:, 0] // xi == drawn[:, -1] // xi).all(), "a stretch runs over the end of its sequence"
    assert drawn.min() >= 0
    assert drawn.max() < mu * xi


@given(SIZES, st.integers(0, 2**32 - 1))
def test_with_labels_a_step_reads_the_same_places_of_both_faces(size: tuple[int, int, int, int], seed: int) -> None:
    mu, xi, length, batch = size
    plain, labelled = (Stretches(mu, xi, length, batch, faces) for faces in (1, 2))
    wanted, drawn = (one.draw(np.random.default_rng(seed)) for one in (plain, labelled))
    assert labelled.inputs == (plain.inputs[0], length) == (plain.inputs[0], plain.inputs[1] + 1)
    if length == xi:
        assert np.array_equal(drawn, wanted), "whole sequences have both faces"
        return
    assert drawn.shape == (plain.size, 2, length)
    row, face, place = np.unravel_index(drawn, (mu, 2, xi))
    for one in (0, 1):
        assert (face[:, one] == one).all()
        assert np.array_equal(row[:, one] * xi + place[:, one], wanted)


@given(SIZES, st.integers(0, 2**32 - 1))
def test_the_cuts_are_all_that_a_step_may_read_and_every_position_is_in_one(
    size: tuple[int, int, int, int], seed: int
) -> None:
    _, xi, length, _ = size
    stretches = Stretches(1, xi, length, batch=40, faces=1)
    cuts = [tuple(map(tuple, one.tolist())) for one in stretches.cuts]
    assert len(cuts) == stretches.last_phase + 1
    assert {place for cut in cuts for one in cut for place in one} == set(range(xi))
    if length < xi:
        drawn = {tuple(one) for one in stretches.draw(np.random.default_rng(seed)).tolist()}
        assert any(drawn <= set(cut) for cut in cuts)


@given(SIZES, st.integers(0, 2**32 - 1))
def test_fixed_cuts_are_at_multiples_of_the_length(size: tuple[int, int, int, int], seed: int) -> None:
    mu, times, length, batch = size
    stretches, both = (Stretches(mu, times * length, length, batch, faces, fixed=True) for faces in (1, 2))
    assert [cut.tolist() for cut in stretches.cuts] == [np.arange(times * length).reshape(times, length).tolist()]
    assert stretches.size == min(batch, mu * times), "all that there are, or a batch of them"
    if times > 1:
        first = stretches.draw(np.random.default_rng(seed))[:, 0]
        assert (first % length == 0).all()
        assert len(set(first.tolist())) == stretches.size
        row, face, place = np.unravel_index(both.draw(np.random.default_rng(seed))[..., 0], (mu, 2, times * length))
        assert np.array_equal(row[:, 0] * times * length + place[:, 0], first)
        assert (face == [0, 1]).all()


def test_fixed_cuts_leave_nothing_unread() -> None:
    """The remainder would never be read; where cuts are random it is, at other phases."""
    fixed = {"inner.cuts": "fixed", "inner.crop": 6, "synthetic.xi": 20}
    with pytest.raises(ConfigError, match=r"synthetic\.xi = 20 events are no multiple of inner\.crop = 6.*'random'"):
        with_settings(RunConfig(), fixed)
    for more in ({"inner.crop": 5}, {"inner.crop": 0}, {"inner.crop": 30}, {"inner.cuts": "random"}):
        config = with_settings(RunConfig(), fixed | more)
        assert Stretches.of(config, 3).fixed == (config.inner.cuts == "fixed")


def test_as_many_as_there_are_at_every_phase() -> None:
    assert Stretches(50, 20, 5, 1000, 1).size == 50 * 3  # at phase 4 a sequence of 20 has three of 5
    assert Stretches(50, 20, 12, 1000, 1).size == 50  # phases 0 to 8
    assert Stretches(50, 20, 20, 1000, 1).everything
    assert not Stretches(50, 20, 20, 49, 1).everything
    assert not Stretches(50, 20, 19, 1000, 1).everything


def test_every_position_begins_ends_and_is_in_the_middle_of_stretches() -> None:
    stretches, generator = Stretches(3, 9, 4, 100, 1), np.random.default_rng(0)
    places = Counter[tuple[int, int]]()
    for _ in range(400):
        for stretch in stretches.draw(generator):
            places.update((int(position), place) for place, position in enumerate(stretch))
    for row in range(3):
        for start in range(6):  # every stretch that fits in
            assert all(places[row * 9 + start + place, place] > 0 for place in range(4))


def test_what_is_read_of_a_tensor() -> None:
    whole = torch.arange(2 * 6 * 3).view(2, 6, 3)
    assert part_of(whole, None) is whole
    assert torch.equal(part_of(whole, torch.tensor([1])), whole[1:])
    stretches = torch.tensor([[1, 2, 3], [8, 9, 10]])
    assert torch.equal(part_of(whole, stretches), torch.stack([whole[0, 1:4], whole[1, 2:5]]))
    labelled = torch.arange(2 * 2 * 6 * 3).view(2, 2, 6, 3)
    assert torch.equal(part_of(labelled, torch.tensor([1])), labelled[1:])
    both = torch.tensor([[[1, 2, 3], [7, 8, 9]], [[14, 15, 16], [20, 21, 22]]])
    assert torch.equal(part_of(labelled, both), torch.stack([labelled[0, :, 1:4], labelled[1, :, 2:5]]))
    assert torch.equal(part_of(labelled[..., 0], both), part_of(labelled, both)[..., 0]), "tokens are chosen alike"


def test_the_settings_say_what_a_student_sees() -> None:
    def seen(crop: int, xi: int) -> int:
        return with_settings(RunConfig(), {"inner.crop": crop, "synthetic.xi": xi}).stretch

    assert [seen(0, 20), seen(5, 20), seen(20, 20), seen(30, 20)] == [20, 5, 20, 20]
    for labels, faces in (("next", 1), ("own", 2)):
        sizes = {"inner.crop": 5, "synthetic.mu": 3, "synthetic.xi": 20, "synthetic.labels": labels}
        config = with_settings(RunConfig(), sizes)
        assert (config.stretch, config.student_length) == (5, 4 + faces), "the last label is one event more"
        assert (config.synthetic.faces, config.synthetic.latents) == (faces, faces * 60)
        assert Stretches.of(config, 3) == Stretches(3, 20, 5, config.inner.batch, faces)
    with pytest.raises(ConfigError, match=r"inner\.crop.*1 event has none to predict; choose 0"):
        with_settings(RunConfig(), {"inner.crop": 1})
