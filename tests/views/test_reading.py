"""Rows of items as lines for people: sentences end where the mark is, and are written as their tokeniser writes."""

from pathlib import Path

import fixtures
import pytest

from farzi_core.data.tokenise import END, Characters, Spaces, Subwords, Tokeniser, Words
from farzi_core.views import reading
from farzi_core.views.load import RunView

SENTENCES = ("The cat (Tom) sees a dog, a tree.", "It runs!")


def read(tokeniser: Tokeniser, *sentences: str) -> str:
    """What a row reads like that holds these sentences as data do: one mark before, between and after."""
    row = [END]
    for one in sentences:
        row += [*tokeniser.encode(one), END]
    tokens = list(dict.fromkeys(row))
    return reading.prose(tokens, tokeniser)([-1, *(tokens.index(one) for one in row), -1])


@pytest.mark.parametrize(
    "tokeniser", [Spaces(), Characters(), Subwords.trained(SENTENCES, 60)], ids=lambda one: one.kind
)
def test_what_was_cut_into_tokens_reads_as_it_was_written(tokeniser: Tokeniser) -> None:
    assert read(tokeniser, *SENTENCES) == " ¶ ".join(SENTENCES)


def test_words_read_in_lower_case_with_punctuation_joined() -> None:
    assert read(Words(), *SENTENCES) == "the cat (tom) sees a dog, a tree. ¶ it runs!"


def test_a_sentence_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    assert reading.prose(["a", "dog", END], Words())([0, 1, 2, 2, 1]) == "a dog ¶ dog"
    assert reading.prose(["a", "dog", END], Words())([2, 2]) == ""


def test_foreign_text_stays_one_honest_line() -> None:
    assert reading.prose(["a\u202e\nb"], Characters())([0]) == "a\ufffd\ufffdb"


def test_items_are_joined_by_arrows_and_say_what_is_outside() -> None:
    assert reading.arrows(["len", "open"])([0, 1, -1]) == "len → open → (outside)"


def test_a_run_on_text_is_read_as_sentences_and_every_other_one_as_items(farzi_home: Path) -> None:
    language = fixtures.make_finished_run(farzi_home, number=1, task="language", titles=fixtures.WORDS)
    words = RunView(language)
    assert words.task == "language"
    assert reading.of_run(words)([0, 1, 4, 5, 0]) == "the list."
    events = RunView(fixtures.make_finished_run(farzi_home, number=2))
    assert events.tokeniser is None
    assert reading.of_run(events)([0, 5]) == "len → open"
