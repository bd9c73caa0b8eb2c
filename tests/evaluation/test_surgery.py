"""Latent surgery: every text of edits says one thing, every edit does what its words say, nothing given is changed."""

import contextlib
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farzi_core.errors import ConfigError
from farzi_core.evaluation import surgery
from farzi_core.evaluation.surgery import COUNTED, LARGEST_FACTOR, MAX_EDITS, Edit, Verb, apply, parse, readable, write

NUMBERS = st.integers(1, 10**surgery.WHOLE_DIGITS - 1)
Z = np.arange(1.0, 9.0).reshape(2, 2, 2)  # 2 sequences of 2 positions, 2 factors
M = np.array([[1.0, -1.0, 0.0], [0.0, 0.0, 2.0]])  # 3 items


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    verb = draw(st.sampled_from(list(Verb)))
    by = draw(st.floats(-LARGEST_FACTOR, LARGEST_FACTOR)) if verb is Verb.SCALE else None
    return Edit(verb, tuple(draw(NUMBERS) for _ in COUNTED[verb]), by)


@given(st.lists(edits(), max_size=MAX_EDITS))
def test_what_is_written_is_read_back(trail: list[Edit]) -> None:
    text = write(trail)
    assert parse(text) == tuple(trail) == readable(text)
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789.~-"), "nothing that an address would have to escape"


@given(st.text("zeroscalwpdut.~-+0123456789 ²é", max_size=60) | edits().map(lambda one: f"{one}.1"))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(ConfigError):  # anything else fails the test
        assert parse(write(parse(text))) == parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("burn.3", "'burn.3' begins with none of zero, scale, swap, drop, put; write for example zero.3"),
        ("zero", "'zero' is not of the form zero.<factor>"),
        ("zero.0", "whole numbers count from 1"),
        ("zero.3.4", "zero.<factor>"),
        ("zero.-1", "zero.<factor>"),
        ("zero.1234567890", "zero.<factor>"),
        ("zero.²", "zero.<factor>"),
        ("scale.2", "scale.<factor>.<number>"),
        ("scale.2.x", "scale by 'x': choose a number from -100 to 100"),
        ("scale.2.nan", "scale by 'nan'"),
        ("scale.2.1e9", "scale by '1e9'"),
        ("swap.1", "swap.<factor>.<factor>"),
        ("put.1.2", "put.<sequence>.<position>.<item>"),
        ("zero.1~", "'' begins with none of"),
        ("~".join(["zero.1"] * 51), "51 edits are more than the 50 allowed"),
    ],
)
def test_bad_edits_are_named_with_the_rule(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert words in str(caught.value)


def test_what_stands_before_a_bad_edit_can_be_kept() -> None:
    assert write(readable("zero.1~scale.2.0.5~burn~drop.1")) == "zero.1~scale.2.0.5"
    assert readable("burn") == readable("") == ()
    assert len(readable("~".join(["zero.1"] * 99))) == MAX_EDITS


@pytest.mark.parametrize(
    ("text", "latent"),
    [
        ("", [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]),
        ("zero.1", [[[0, 2], [0, 4]], [[0, 6], [0, 8]]]),
        ("scale.2.-0.5", [[[1, -1], [3, -2]], [[5, -3], [7, -4]]]),
        ("swap.1.2", [[[2, 1], [4, 3]], [[6, 5], [8, 7]]]),
        ("swap.2.2", [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]),
        ("drop.1", [[[5, 6], [7, 8]]]),
        ("zero.1~swap.1.2~scale.1.3", [[[6, 0], [12, 0]], [[18, 0], [24, 0]]]),
    ],
)
def test_each_edit_by_hand(text: str, latent: list[list[list[float]]]) -> None:
    before = Z.copy()
    found = apply(Z, M, parse(text))
    assert found.latent.tolist() == latent
    assert found.kept.tolist() == ([1] if "drop" in text else [0, 1])
    assert np.array_equal(Z, before), "what is given is not changed"


def test_a_position_that_is_put_says_the_item_and_is_as_sharp_as_positions_are() -> None:
    found = apply(Z, M, parse("put.2.1.3")).latent
    assert np.array_equal(found[0], Z[0])
    assert np.array_equal(found[1, 1], Z[1, 1])
    logits = found[1, 0] @ M
    assert logits.argmax() == 2
    centred = M - M.mean(1, keepdims=True)
    target = np.array([0.0, 0.0, 1.0])
    by_lstsq = np.linalg.lstsq(centred.T, target - target.mean(), rcond=None)[0]
    assert found[1, 0] / np.linalg.norm(found[1, 0]) == pytest.approx(by_lstsq / np.linalg.norm(by_lstsq))
    assert logits.std() == pytest.approx((Z @ M).std(axis=2).mean())


@pytest.mark.parametrize("text", ["", "zero.1", "scale.2.-0.5", "swap.1.2", "drop.1", "zero.1~swap.1.2~drop.2"])
def test_labels_follow_what_is_read(text: str) -> None:
    both = np.stack([Z, Z[::-1] + 10], 1)
    before = both.copy()
    found = apply(both, M, parse(text))
    alone = [apply(both[:, face], M, parse(text)) for face in (0, 1)]
    assert np.array_equal(found.latent, np.stack([one.latent for one in alone], 1))
    assert found.kept.tolist() == alone[0].kept.tolist()
    assert np.array_equal(both, before), "what is given is not changed"


def test_a_position_that_is_put_keeps_its_label() -> None:
    both = np.stack([Z, Z[::-1] + 10], 1)
    found = apply(both, M, parse("put.2.1.3")).latent
    assert np.array_equal(found[:, 1], both[:, 1])
    assert np.array_equal(found[:, 0], apply(Z, M, parse("put.2.1.3")).latent), "as sharp as what is read is"
    with pytest.raises(ConfigError, match="this run has 2 positions, not 3"):
        apply(both, M, parse("put.1.3.1"))


def test_as_many_factors_as_items_say_any_item_alone() -> None:
    decoder = np.random.default_rng(0).normal(size=(6, 6))
    for item in range(6):
        assert int((surgery.towards(Z[..., :1] * np.ones(6), decoder, item) @ decoder).argmax()) == item
    assert surgery.towards(Z, np.ones((2, 3)), 1).tolist() == [0, 0], "items that are all alike cannot be told apart"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zero.3", "zero.3: this run has 2 factors, not 3"),
        ("swap.1.9", "this run has 2 factors, not 9"),
        ("drop.3", "this run has 2 sequences, not 3"),
        ("put.1.3.1", "this run has 2 positions, not 3"),
        ("put.1.1.4", "this run has 3 items, not 4"),
        ("drop.1~drop.1", "sequence 1 was dropped by an earlier edit"),
        ("drop.1~put.1.1.1", "sequence 1 was dropped by an earlier edit"),
        ("drop.1~drop.2", "it is the last sequence"),
    ],
)
def test_numbers_that_the_run_does_not_have_are_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        apply(Z, M, parse(text))
    assert words in str(caught.value)


def test_the_order_of_edits_counts_where_it_should() -> None:
    one, other = (apply(Z, M, parse(text)).latent for text in ("zero.1~swap.1.2", "swap.1.2~zero.1"))
    assert not np.array_equal(one, other)
    for first, second in itertools.permutations(["zero.1", "scale.2.3", "drop.1"], 2):
        found = [apply(Z, M, parse(f"{a}~{b}")).latent for a, b in ((first, second), (second, first))]
        assert np.array_equal(*found)
