"""Sentences of the Python reference: split as documented, nothing lost without a count."""

from farzi_core.data.prepare import prepare
from farzi_core.data.python_docs import read_python_docs, sentences
from farzi_core.data.tokenise import UNKNOWN, Spaces


def test_sentences_end_at_stops_and_empty_lines() -> None:
    text = (
        'The "del" statement\n*******\n\nDeletion is\nrecursive. Use os.path, not 3.14!  It isn\'t\nhard:\n\n   del x'
    )
    assert sentences(text) == [
        ["the", "del", "statement"],
        ["deletion", "is", "recursive"],
        ["use", "os.path", "not", "3.14"],
        ["it", "isn't", "hard"],
        ["del", "x"],
    ]


def test_the_built_in_text_is_a_language_data_set() -> None:
    events = read_python_docs()
    assert events.report.users > 2_000
    assert events.report.events > 30_000
    dataset = prepare(events, max_items=1000)
    assert dataset.info.task == "language"
    assert len(dataset.vocab) == 1000
    assert UNKNOWN in dataset.vocab.ids
    marks = 2 * events.report.users  # <eos> before and after each sentence
    assert dataset.info.events == events.report.events + marks  # cut words are read as <unk>, none goes away
    assert dataset.sequences.lengths.min() >= 3


def test_what_people_type_is_cut_as_the_text_is() -> None:
    corpus = read_python_docs()
    cut = prepare(corpus, max_items=1000).tokeniser
    assert cut is not None
    assert all(cut.encode(text) == Spaces().encode(text) for text in corpus.texts)
    assert cut.encode("The list is sorted.") == ["the", "list", "is", "sorted", "."]


def test_short_sentences_are_counted() -> None:
    (finding,) = read_python_docs().report.findings
    assert finding.kind == "short_users"
    assert f"{finding.count:,}" in finding.sentence
