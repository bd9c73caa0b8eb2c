"""Tokenisers give back what they were given, up to what they say they normalise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farzi_core.data.tokenise import END, UNKNOWN, Characters, Spaces, Subwords, Words, dump, parse, tokeniser
from farzi_core.errors import DatasetError
from farzi_core.limits import MAX_ID_LENGTH

LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)
TRAINING = ["the lowest of the low", "newer and newest", "the widest river", "lower and lower"] * 5


@given(LINES)
def test_characters_come_back_exactly(text: str) -> None:
    assert Characters().decode(Characters().encode(text)) == text


@given(LINES)
def test_what_stands_between_spaces_comes_back_with_single_spaces(text: str) -> None:
    assert Spaces().decode(Spaces().encode(text)) == " ".join(word for word in text.split() if word != END)


@given(LINES)
def test_words_read_from_their_own_sentence_are_the_same_words(text: str) -> None:
    tokens = Words().encode(text)
    assert Words().encode(Words().decode(tokens)) == tokens
    assert "".join(tokens) == "".join(text.lower().split())  # no letter is lost


@settings(max_examples=50)
@given(st.text("abcdefg ", max_size=30))
def test_subwords_come_back_with_single_spaces(text: str) -> None:
    learnt = Subwords.trained(["abc defg", "gfe dcb a"], 40)
    assert learnt.decode(learnt.encode(text)) == " ".join(text.split())


def test_words_are_lower_case_and_keep_their_inner_marks() -> None:
    tokens = Words().encode("Don't call os.path.join(3.14), <unk> well-known!")
    assert tokens == ["don't", "call", "os.path.join", "(", "3.14", ")", ",", "<unk>", "well-known", "!"]
    assert Words().decode([END, *tokens, END]) == "don't call os.path.join (3.14), <unk> well-known!"


def test_subwords_share_the_beginnings_of_words() -> None:
    learnt = Subwords.trained(TRAINING, 30)
    assert learnt.model == Subwords.trained(TRAINING, 30).model
    pieces = {token for text in TRAINING for token in learnt.encode(text)}
    assert len(pieces) <= 30
    assert "▁the" in pieces  # frequent words are whole
    assert learnt.encode("fewest")[-1] == learnt.encode("newest")[-1] == "west"  # endings are shared
    assert UNKNOWN in learnt.encode("crème")


def test_a_word_longer_than_an_id_is_unknown() -> None:
    giant = "x" * (MAX_ID_LENGTH + 1)
    assert Words().encode(f"a {giant}") == Spaces().encode(f"a {giant}") == ["a", UNKNOWN]


@pytest.mark.parametrize("kind", ["words", "spaces", "characters", "subwords"])
def test_a_tokeniser_is_kept_as_json(kind) -> None:
    made = tokeniser(kind, TRAINING, 30)
    again = parse(dump(made))
    assert again.kind == kind
    assert again.encode(TRAINING[0]) == made.encode(TRAINING[0])


@pytest.mark.parametrize("content", ["", "[]", '{"kind": "telepathy"}', '{"kind": "subwords", "model": "{}"}'])
def test_anything_else_is_refused(content: str) -> None:
    with pytest.raises(DatasetError, match="the tokeniser cannot be read"):
        parse(content)
