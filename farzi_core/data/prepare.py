"""Event table -> data set: which users and items are kept, the vocabulary, the split. Nothing goes without a finding.

Order of the cuts: users with fewer than `MIN_EVENTS_PER_USER` events; then items beyond the `max_items` most frequent
(ties by id); then users whose remaining events are too few. Items are counted among the users that can be used at
all, so that 69,000 one-time buyers do not choose the catalogue of 3,092 sequences (Amazon Magazine). A text's words
are counted in its training sentences.

Time and memory O(N log N) and O(N); 1,000,000 events take about a second.
"""

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from farzi_core.data import columns
from farzi_core.data.corpus import Corpus
from farzi_core.data.dataset import Dataset, DatasetInfo, IntArray, Part, Sequences, Task, Vocab, digest_of
from farzi_core.data.events import EventTable, Finding
from farzi_core.data.split import split_users
from farzi_core.data.token_table import TextSettings, token_table
from farzi_core.data.tokenise import UNKNOWN
from farzi_core.errors import DatasetError
from farzi_core.limits import MIN_EVENTS_PER_USER

Mask = npt.NDArray[np.bool_]


def prepare(
    source: EventTable | Corpus,
    *,
    task: Task | None = None,
    max_items: int = 500,
    seed: int = 0,
    text: TextSettings | None = None,
) -> Dataset:
    """The data set of a source: at most `max_items` items, users with at least 3 events, an 80/10/10 user split.

    task    default: language for a corpus, else recommendation. In a language task the cut words become `<unk>`
            instead of going away, and a split that the source brings is kept
    seed    decides the split and nothing else
    text    how a corpus is cut into tokens; default: as it asks for
    `Dataset.findings` says what was set aside. Raises `DatasetError` where fewer than 10 usable users are left.
    """
    if isinstance(source, Corpus):
        events, tokeniser = token_table(source, text or TextSettings(), max_items, seed)
        made = prepare(events, task="language", max_items=max_items, seed=seed)
        cut = events.report.findings[len(source.report.findings) :]  # what cutting into tokens set aside
        return replace(made, findings=(*cut, *made.findings), tokeniser=tokeniser)
    task = task or "recommendation"
    coded = _coded(source)
    short = _drop_short_users(coded, "short_users", "as read")
    if task == "language":
        rare = _replace_rare_items(coded, max_items, _training(coded, _split(source, coded, seed)))
        short_after = None
    else:
        rare = _drop_rare_items(coded, max_items)
        short_after = _drop_short_users(coded, "short_users_after_cut", f"among the {max_items} items kept")
    return _assemble(source, coded, task, seed, tuple(one for one in (short, rare, short_after) if one))


@dataclass
class _Coded:
    """Events as integer codes, user codes ascending; the cuts shorten `users` and `items` together."""

    users: IntArray  # [N]
    items: IntArray  # [N]
    user_ids: npt.NDArray[np.object_]
    item_ids: npt.NDArray[np.object_]

    def keep(self, mask: Mask) -> None:
        self.users, self.items = self.users[mask], self.items[mask]


def _coded(events: EventTable) -> _Coded:
    if events.frame.empty:
        raise DatasetError(f"{events.name!r} has no events; a data set needs at least 10 users with 3 events each")
    users, user_ids = pd.factorize(events.frame[columns.USER])
    items, item_ids = pd.factorize(events.frame[columns.ITEM])
    assert (np.diff(users) >= 0).all(), "an event table is sorted by user in order of first appearance"
    return _Coded(users.astype(np.int64), items.astype(np.int64), _objects(user_ids), _objects(item_ids))


def _objects(index: "pd.Index[str]") -> npt.NDArray[np.object_]:
    return np.asarray(index, dtype=object)


def _drop_short_users(coded: _Coded, kind: str, when: str) -> Finding | None:
    lengths = np.bincount(coded.users, minlength=len(coded.user_ids))
    keep = lengths[coded.users] >= MIN_EVENTS_PER_USER
    short = np.flatnonzero((lengths > 0) & (lengths < MIN_EVENTS_PER_USER))
    events = int((~keep).sum())
    coded.keep(keep)
    if not len(short):
        return None
    sentence = (
        f"users with fewer than {MIN_EVENTS_PER_USER} events {when}: {len(short):,}, set aside with their "
        f"{events:,} events; for example {coded.user_ids[short[0]]!r} with {lengths[short[0]]}"
    )
    return Finding(kind=kind, count=len(short), sentence=sentence)


def _split(events: EventTable, coded: _Coded, seed: int) -> dict[Part, IntArray]:
    """Indices into the users that are left, a part: the source's own split, or a random one."""
    used = np.unique(coded.users)
    if events.parts is None:
        return split_users(len(used), seed)
    named = np.array([events.parts[str(user)] for user in coded.user_ids[used]], dtype=object)
    split: dict[Part, IntArray] = {part: np.flatnonzero(named == part) for part in get_args(Part)}
    for part, users in split.items():
        if not len(users):
            raise DatasetError(f"{events.name!r}: no {part} sentence is left; give that part at least one sentence")
    return split


def _training(coded: _Coded, split: dict[Part, IntArray]) -> Mask:
    """Which events are those of training users."""
    return np.isin(coded.users, np.unique(coded.users)[split["train"]])


def _ranking(coded: _Coded, counted: Mask | slice = slice(None)) -> tuple[IntArray, IntArray]:
    """Codes of the items that occur, most frequent first and ties by id; and the count of every code.

    `counted`: the events that count; all of them where not given.
    """
    counts = np.bincount(coded.items[counted], minlength=len(coded.item_ids))
    order = np.lexsort((_rank_of_id(coded.item_ids), -counts))
    return order[counts[order] > 0], counts


def _rank_of_id(ids: npt.NDArray[np.object_]) -> IntArray:
    rank = np.empty(len(ids), dtype=np.int64)
    rank[np.argsort(ids, kind="stable")] = np.arange(len(ids))
    return rank


def _rare(coded: _Coded, max_items: int) -> tuple[IntArray, IntArray, Mask]:
    """Codes of the items to cut, the count of every code, and which codes stay."""
    ranking, counts = _ranking(coded)
    kept = np.zeros(len(coded.item_ids), dtype=bool)
    kept[ranking[:max_items]] = True
    return ranking[max_items:], counts, kept


def _drop_rare_items(coded: _Coded, max_items: int) -> Finding | None:
    rare, counts, kept = _rare(coded, max_items)
    before = len(coded.items)
    coded.keep(kept[coded.items])
    if not len(rare):
        return None
    events = before - len(coded.items)
    sentence = (
        f"items beyond the {max_items:,} most frequent: {len(rare):,}, removed with their {events:,} events "
        f"({events / before:.1%}); for example {coded.item_ids[rare[0]]!r} with {counts[rare[0]]:,}"
    )
    return Finding(kind="rare_items", count=len(rare), sentence=sentence)


def _replace_rare_items(coded: _Coded, max_items: int, training: Mask) -> Finding | None:
    """Every word outside the vocabulary of the training sentences becomes `<unk>`, which takes one of the places."""
    ranking, _ = _ranking(coded, training)
    words = ranking[coded.item_ids[ranking] != UNKNOWN]
    occur = np.unique(coded.items)
    occur = occur[coded.item_ids[occur] != UNKNOWN]
    kept = words[:max_items] if len(occur) == len(words) <= max_items - _has(coded, UNKNOWN) else words[: max_items - 1]
    rare = np.setdiff1d(occur, kept)
    if not len(rare):
        return None
    if not _has(coded, UNKNOWN):
        coded.item_ids = np.append(coded.item_ids, UNKNOWN)
    unknown = int(np.flatnonzero(coded.item_ids == UNKNOWN)[0])
    cut = np.isin(coded.items, rare)
    coded.items = np.where(cut, unknown, coded.items)
    sentence = (
        f"words beyond the {len(kept):,} most frequent of the training sentences: {len(rare):,}, read as {UNKNOWN} "
        f"({cut.mean():.1%} of all)"
    )
    return Finding(kind="unknown_words", count=len(rare), sentence=sentence)


def _has(coded: _Coded, item: str) -> bool:
    return bool((coded.item_ids == item).any())


def _assemble(events: EventTable, coded: _Coded, task: Task, seed: int, findings: tuple[Finding, ...]) -> Dataset:
    used, user_codes = np.unique(coded.users, return_inverse=True)
    split = _split(events, coded, seed)
    ranking, _ = _ranking(coded)
    internal = np.full(len(coded.item_ids), -1, dtype=np.int64)
    internal[ranking] = np.arange(len(ranking))
    items = internal[coded.items]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(user_codes))]).astype(np.int64)
    sequences = Sequences(items, offsets, tuple(str(one) for one in coded.user_ids[used]))
    training = np.isin(user_codes, split["train"])
    counts = np.bincount(items[training], minlength=len(ranking)).astype(np.int64)
    vocab = _vocab(events, [str(one) for one in coded.item_ids[ranking]], counts)
    info = DatasetInfo(
        name=events.name,
        task=task,
        source=events.source,
        licence=events.licence,
        citation=events.citation,
        seed=seed,
        sequences=len(sequences),
        events=len(items),
        items=len(vocab),
        digest=digest_of(sequences, vocab, split),
    )
    return Dataset(info, sequences, vocab, split, findings)


def _vocab(events: EventTable, ids: list[str], counts: IntArray) -> Vocab:
    """Titles fall back to the id where the table has none."""
    known = events.items.drop_duplicates(columns.ITEM).set_index(columns.ITEM).reindex(ids).fillna("")
    titles = tuple(title or item for title, item in zip(known[columns.TITLE], ids, strict=True))
    return Vocab(tuple(ids), titles, tuple(known[columns.GROUP]), counts)
