"""Sentences -> sequences: framed by <eos>, split before any word is counted, cut into blocks without a gap."""

from itertools import pairwise

import pytest

from farzi_core import limits
from farzi_core.data.corpus import Corpus, TokeniserKind, corpus_frame, report_of
from farzi_core.data.dataset import Dataset
from farzi_core.data.prepare import prepare
from farzi_core.data.token_table import TextSettings
from farzi_core.data.tokenise import END, UNKNOWN
from farzi_core.errors import DatasetError


def corpus(texts: list[str], parts: list[str] | None = None) -> Corpus:
    users = [str(number) for number in range(len(texts))]
    frame = corpus_frame(users, parts or [""] * len(texts), texts)
    return Corpus("by hand", frame, report_of("by hand", "lines", len(texts), texts, False), tokeniser="spaces")


def in_words(dataset: Dataset, part: str | None = None) -> list[list[str]]:
    chosen = dataset.sequences if part is None else dataset.part(part)
    return [[dataset.vocab.ids[item] for item in row] for row in chosen]


TWENTY = [f"word{number} says hello" for number in range(20)]
OFFICIAL = ["train"] * 14 + ["validation"] * 3 + ["test"] * 3


def test_every_sentence_is_framed_by_its_end_mark() -> None:
    dataset = prepare(corpus([*TWENTY, "<eos> already marked <eos>", "x"]))
    rows = in_words(dataset)
    assert rows[0] == [END, "word0", "says", "hello", END] or UNKNOWN in rows[0]
    assert rows[-2:] == [[END, "already", "marked", END], [END, "x", END]] or UNKNOWN in rows[-1] + rows[-2]
    assert dataset.info.task == "language"


def test_an_official_split_is_kept_whatever_the_seed() -> None:
    dataset = prepare(corpus(TWENTY, OFFICIAL), seed=3)
    assert {part: indices.tolist() for part, indices in dataset.split.items()} == {
        "train": list(range(14)), "validation": [14, 15, 16], "test": [17, 18, 19],
    }  # fmt: skip


def test_a_part_that_the_files_lack_is_drawn_from_training() -> None:
    parts = ["train"] * 17 + ["test"] * 3
    dataset = prepare(corpus(TWENTY, parts))
    assert dataset.split["test"].tolist() == [17, 18, 19]
    assert [len(dataset.split[part]) for part in ("train", "validation")] == [16, 1]


def test_the_vocabulary_is_that_of_the_training_sentences() -> None:
    texts = ["a b"] * 14 + ["rare rare rare a"] * 6
    dataset = prepare(corpus(texts, OFFICIAL), max_items=500)
    assert set(dataset.vocab.ids) == {END, "a", "b", UNKNOWN}
    assert in_words(dataset, "test")[0] == [END, UNKNOWN, UNKNOWN, UNKNOWN, "a", END]
    assert dataset.vocab.ids[dataset.unknown or 0] == UNKNOWN
    assert "read as <unk>" in dataset.findings[0].sentence


def test_subwords_are_learnt_from_training_sentences_only() -> None:
    texts = ["abab abab"] * 14 + ["zzzz"] * 6
    dataset = prepare(corpus(texts, OFFICIAL), text=TextSettings("subwords"))
    assert not any("z" in token for token in dataset.vocab.ids)
    assert set(in_words(dataset, "test")[0]) == {END, UNKNOWN}


@pytest.mark.parametrize("size", [3, 5, 7, 100])
def test_blocks_predict_every_token_once(size: int) -> None:
    texts = [f"w{number} x" for number in range(20)]
    dataset = prepare(corpus(texts, OFFICIAL), max_items=500, text=TextSettings(None, size))
    for part, first, last in (("train", 0, 14), ("validation", 14, 17), ("test", 17, 20)):
        rows = in_words(dataset, part)
        assert all(len(row) <= size for row in rows)
        assert all(one[-1] == then[0] for one, then in pairwise(rows))
        predicted = [token for row in rows for token in row[1:]]
        wanted = [token for number in range(first, last) for token in (f"w{number}", "x", END)]
        if part != "train":
            wanted = [UNKNOWN if token.startswith("w") else token for token in wanted]
        assert len(wanted) - len(predicted) in (0, 1)  # a last block of one target is too short for a sequence
        assert predicted == wanted[: len(predicted)]


def test_without_a_split_blocks_are_drawn_by_stretches() -> None:
    texts = [f"t{number}" for number in range(1000)]
    dataset = prepare(corpus(texts), max_items=2000, text=TextSettings("spaces", 11))
    training = [token for row in in_words(dataset, "train") for token in row if token.startswith("t")]
    numbers = sorted({int(token[1:]) // 10 for token in training})
    assert len(numbers) == 80  # whole stretches of ten sentences, none of them shared with another part


def test_sentences_without_a_token_are_counted() -> None:
    dataset = prepare(corpus([*TWENTY, END]))
    assert dataset.info.sequences == 20
    assert (dataset.findings[0].kind, dataset.findings[0].count) == ("empty_sentences", 1)


@pytest.mark.parametrize(("kind", "advice"), [("characters", "Choose words"), ("spaces", "Take less text")])
def test_too_many_tokens_are_refused_before_all_of_them_are_in_memory(
    kind: TokeniserKind, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_EVENTS", 50)
    with pytest.raises(DatasetError, match=rf"more than 50 {kind}.*of 20 sentences. {advice}"):
        prepare(corpus(TWENTY), text=TextSettings(kind))


def test_too_few_sentences_are_refused() -> None:
    with pytest.raises(DatasetError, match="the 80/10/10 split needs at least 10"):
        prepare(corpus(["a b", "c d"]))
