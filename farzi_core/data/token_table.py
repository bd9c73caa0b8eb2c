"""Corpus -> event table of tokens: the split first, then a tokeniser that has seen training sentences only.

sentences   one sequence a sentence, framed: <eos> w_1 ... w_n <eos>, so that every word is predicted
blocks      the sentences of a stretch one behind the other, cut into sequences of `block` tokens. Neighbours share one
            token (the last of one is the first of the next), so that every token but the first is predicted once

Split: the files' own; a part they lack is drawn from training. Otherwise 80/10/10 of the sentences, or of
`STRETCHES` stretches of neighbouring sentences where blocks are asked for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

import numpy as np
import pandas as pd

from farzi_core import limits
from farzi_core.data import columns
from farzi_core.data.corpus import Corpus, TokeniserKind
from farzi_core.data.dataset import IntArray, Part
from farzi_core.data.events import EventTable, Finding, IngestReport
from farzi_core.data.split import split_users
from farzi_core.data.tokenise import END, UNKNOWN, Tokeniser, tokeniser
from farzi_core.errors import DatasetError

Row = tuple[str, Part, list[str]]  # user, part, tokens
STRETCHES = 100  # stretches of neighbouring sentences that a split draws from: blocks never cross one


@dataclass(frozen=True)
class TextSettings:
    """How a run cuts its text: None is what the corpus asks for; `block` 0 means one sequence a sentence."""

    tokeniser: TokeniserKind | None = None
    block: int = 0


def token_table(corpus: Corpus, settings: TextSettings, vocabulary: int, seed: int) -> tuple[EventTable, Tokeniser]:
    """The tokens of `corpus` as an event table with its split in `parts`, and the tokeniser that made it.

    `vocabulary` bounds subwords only: other tokenisers keep all words, and preparing cuts them.
    Raises `DatasetError` for fewer sentences than a split needs, or more tokens than `MAX_EVENTS`.
    """
    texts = corpus.texts
    part = _parts(corpus, settings, seed)
    training = [text for text, one in zip(texts, part, strict=True) if one == "train"]
    cut = tokeniser(settings.tokeniser or corpus.tokeniser, training, vocabulary)
    sentences = _cut(corpus, cut)
    users = corpus.frame[columns.USER].tolist()
    kept = [row for row in zip(users, part, sentences, strict=True) if len(row[2]) > 2]  # more than the two marks
    rows = list(_blocks(kept, settings.block)) if settings.block else kept
    return _table(corpus, rows, len(texts) - len(kept)), cut


def _cut(corpus: Corpus, by: Tokeniser) -> list[list[str]]:
    """The framed tokens of each sentence; a text of too many is given up as soon as there are too many in memory."""
    sentences, total = list[list[str]](), 0
    for text in corpus.texts:
        sentences.append(_framed(by.encode(text)))
        total += len(sentences[-1])
        if total > limits.MAX_EVENTS:
            raise DatasetError(
                f"{corpus.name!r} has more than {limits.MAX_EVENTS:,} {by.kind}, the most that are read, in its first "
                f"{len(sentences):,} of {len(corpus):,} sentences. "
                f"{'Choose words, or less text' if by.kind in ('characters', 'subwords') else 'Take less text'}"
            )
    return sentences


def _framed(tokens: list[str]) -> list[str]:
    """With `<eos>` at both ends; a text that writes the mark itself does not get it twice."""
    first = 1 if tokens[:1] == [END] else 0
    last = len(tokens) - (tokens[-1:] == [END])
    return [END, *tokens[first:last], END]


def _parts(corpus: Corpus, settings: TextSettings, seed: int) -> list[Part]:
    """The part of each sentence."""
    given = corpus.frame[columns.PART].tolist()
    if not any(given):
        unit = _stretches(len(corpus)) if settings.block else np.arange(len(corpus))
        return _drawn(unit, seed)
    return _completed(given, seed)


def _stretches(sentences: int) -> IntArray:
    return np.arange(sentences) * min(STRETCHES, sentences) // sentences


def _drawn(unit: IntArray, seed: int) -> list[Part]:
    split = split_users(int(unit[-1]) + 1, seed)
    named: list[Part] = ["train"] * (int(unit[-1]) + 1)
    for name in ("validation", "test"):
        for index in split[name]:
            named[int(index)] = name
    return [named[int(one)] for one in unit]


def _completed(given: list[Part], seed: int) -> list[Part]:
    """The files' split; a tenth of the training sentences for each part they lack."""
    parts = list(given)
    missing: list[Part] = [name for name in ("validation", "test") if name not in parts]
    training = [index for index, name in enumerate(parts) if name == "train"]
    if missing:
        split = split_users(len(training), seed)
        for name in missing:
            for index in split[name]:
                parts[training[int(index)]] = name
    return parts


def _blocks(rows: Sequence[Row], size: int) -> Iterator[Row]:
    """Blocks of `size` tokens from each run of neighbouring sentences of one part; the rest of a run may be shorter."""
    number = 0
    for name, run in groupby(rows, key=lambda row: row[1]):
        stream = [END, *chain.from_iterable(tokens[1:] for _, _, tokens in run)]
        for first in range(0, len(stream) - 1, size - 1):
            block = stream[first : first + size]
            if len(block) >= limits.MIN_EVENTS_PER_USER:
                number += 1
                yield f"block {number}", name, block


def _table(corpus: Corpus, rows: list[Row], empty: int) -> EventTable:
    users = np.repeat(np.array([user for user, _, _ in rows], dtype=object), [len(tokens) for _, _, tokens in rows])
    items = list(chain.from_iterable(tokens for _, _, tokens in rows))
    places = np.concatenate([np.arange(1.0, len(tokens) + 1) for _, _, tokens in rows]) if rows else np.zeros(0)
    frame = pd.DataFrame(
        {columns.USER: pd.Series(users, dtype="str"), columns.ITEM: pd.Series(items, dtype="str"), columns.TIME: places}
    )
    names = sorted(set(items))
    shown, groups = [_title(name) for name in names], [_group(name) for name in names]
    catalogue = pd.DataFrame({columns.ITEM: names, columns.TITLE: shown, columns.GROUP: groups}, dtype="str")
    findings = corpus.report.findings
    if empty:
        sentence = f"sentences without a token, left out: {empty:,}"
        findings = (*findings, Finding(kind="empty_sentences", count=empty, sentence=sentence))
    report = IngestReport(
        file=corpus.report.file, format=corpus.report.format, rows=corpus.report.rows, events=len(frame),
        users=len(rows), items=len(names), findings=findings,
    )  # fmt: skip
    parts = {user: part for user, part, _ in rows}
    return EventTable(
        corpus.name, frame, catalogue, report, corpus.source, corpus.licence, corpus.citation, parts=parts
    )


def _title(token: str) -> str:
    return "space" if token.isspace() else token


def _group(token: str) -> str:
    """What kind of token it is: colours the item map."""
    if token in (END, UNKNOWN):
        return "mark"
    if token.replace(".", "").replace(",", "").isdigit():
        return "number"
    if any(letter.isalpha() for letter in token):
        return "capital" if token[:1].isupper() else "word" if len(token) > 1 else "letter"
    return "other"
