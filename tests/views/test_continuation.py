"""A typed beginning as the students read it, and both answers in figures and words."""

import fixtures
import pytest

from farzi_core.data.tokenise import END, UNKNOWN, Characters, Spaces, Subwords, Words
from farzi_core.evaluation.prompt import Answer, Guess, Question, Side, parse
from farzi_core.evaluation.report import RowName
from farzi_core.limits import MAX_PROMPT_CHARACTERS, MAX_PROMPT_ITEMS
from farzi_core.views import continuation, reading, terms

VOCABULARY = list(fixtures.WORDS)


def answer() -> Answer:
    """Of a vocabulary like the fixture's: both put "list" first, and share it and "the"."""
    full = Side(read=3, continuation=(4, 5, 0), top=_top((4, 0.5), (1, 0.25), (7, 0.125)))
    distilled = Side(read=1, continuation=(4, 4), top=_top((4, 0.4), (3, 0.3), (1, 0.2)))
    return Answer(full=full, distilled=distilled, apart=0.25)


def _top(*pairs: tuple[int, float]) -> tuple[Guess, ...]:
    return tuple(Guess(item=item, probability=probability) for item, probability in pairs)


def test_words_are_read_by_the_tokeniser_and_unknown_ones_said() -> None:
    found = continuation.prompt("The LIST, of zebras returns a zebras", Words(), VOCABULARY)
    words = [END, "the", "list", ",", "of", UNKNOWN, "returns", "a", UNKNOWN]
    assert [VOCABULARY[item] for item in found.items] == words
    assert found.shown == "the list, of <unk> returns a <unk>"
    assert found.note == "Not in the vocabulary, read as <unk>: zebras."


def test_a_vocabulary_without_unk_leaves_foreign_tokens_out() -> None:
    found = continuation.prompt("abzcz", Characters(), [END, "a", "b", "c"])
    assert (found.items, found.shown) == ((0, 1, 2, 3), "abc")
    assert found.note == "Not in the vocabulary, left out: z."
    assert continuation.prompt("zz", Characters(), [END, "a"]).items == ()


@pytest.mark.parametrize("written", ["", "  \t\n", END])
def test_nothing_typed_is_no_question(written: str) -> None:
    assert continuation.prompt(written, Spaces(), VOCABULARY) == continuation.Prompt(())


@pytest.mark.parametrize("tokeniser", [Words(), Spaces(), Characters(), Subwords.trained(["a list of the"], 20)])
def test_hostile_text_is_cut_and_stays_one_honest_line(tokeniser: object) -> None:
    hostile = "\0\u202ea list\ud800\n<b>![x](http://evil.example)</b> " + "\N{PILE OF POO}" * 10_000
    found = continuation.prompt(hostile, tokeniser, VOCABULARY)  # type: ignore[arg-type]
    assert len(found.items) <= MAX_PROMPT_CHARACTERS + 1
    assert not {"\0", "\n", "\u202e"} & set(found.shown + found.note)
    assert len(found.note) < 300


def test_a_question_survives_its_own_writing_and_keeps_the_last_items() -> None:
    asked = Question("r-1", "abcdef0123456789", (0, 7, 12), 0.7, 3, 5)
    assert parse(asked.source) == asked
    many = Question("r-1", "d", tuple(range(1000)))
    assert parse(many.source).items == tuple(range(1000 - MAX_PROMPT_ITEMS, 1000))


def test_the_comparison_counts_what_both_say() -> None:
    said = continuation.comparison(answer(), VOCABULARY, terms.TEXT)
    assert said == (
        "Both put “list” first; 2 of their 3 most probable words are the same. "
        "Total variation distance of the two distributions: 25%."
    )
    other = answer().model_copy(update={"distilled": Side(read=1, continuation=(3,), top=_top((3, 1.0)))})
    assert continuation.comparison(other, VOCABULARY, terms.TEXT).startswith(
        "One puts “list” first, the other “a”; 0 of their 3"
    )


def test_both_figures_have_the_same_scale_and_say_their_numbers() -> None:
    charts = [continuation.next_chart(answer(), row, VOCABULARY, terms.TEXT) for row in continuation.HEADINGS]
    assert {chart.figure.layout.xaxis.range for chart in charts} == {(0, 0.6)}
    assert list(charts[1].figure.data[0].x) == [0.4, 0.3, 0.2]
    assert list(charts[1].figure.layout.yaxis.ticktext) == ["list", "a", "the"]
    assert charts[0].alt == ("Trained on all the data: most probable next words. list 50.0%; the 25.0%; of 12.5%.")
    assert charts[0].caption.startswith("It has read the last 3 tokens. The 3 shown have 88% of the probability")
    assert "the last token." in charts[1].caption


def test_titles_stay_text_in_the_figure() -> None:
    chart = continuation.next_chart(answer(), RowName.FULL, fixtures.HOSTILE_TITLES, terms.EVENTS)
    texts = [*chart.figure.layout.yaxis.ticktext, *chart.figure.data[0].customdata]
    assert not [one for one in texts if "<" in one or "$" in one]


def test_the_line_reads_on_and_shows_whether_the_sentence_ended() -> None:
    read = reading.prose(VOCABULARY, Words())
    assert continuation.line(read, (0, 3), answer().full, 0) == "a list."
    assert continuation.line(read, (0, 3), answer().distilled, 0) == "a list list …"
    assert continuation.line(reading.arrows(["x", "y"]), (0,), Side(read=1, top=(), continuation=(1,)), None) == (
        "x → y …"
    )
