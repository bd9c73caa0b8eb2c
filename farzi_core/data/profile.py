"""What a data set looks like, and whether the order of its events matters.

How much order matters: HR@10 over all items, last event left out, for two rules that need no training:
  most popular   rank items by their events in the counted sequences
  Markov         rank items by how often they followed the last known event in the counted sequences; equal counts
                 (mostly 0) are ranked by popularity
Two ways to count: `users="test"` is the protocol of every quality figure (train on training users, score test users);
`users="all"` is leave-one-out (count every sequence without its last event, score every user): less noise, and known
users. Ties are broken fairly: where t items have the target's score and h of the ten places are left for them, the
target counts h / t, the expectation over random orders. Repeated items stay in the ranking unless `mask_seen`. In a
text the last event is the last word of a sentence, not its end mark.
Cost: O(N log N + users V); at most `MAX_SCORED_USERS` users are scored, evenly spaced.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from farzi_core.data import columns
from farzi_core.data.dataset import Dataset, IntArray, Sequences
from farzi_core.data.events import EventTable
from farzi_core.data.split import contexts, targets
from farzi_core.data.tokenise import END
from farzi_core.limits import MAX_CACHED_SCORES, MAX_SCORED_USERS

TOP = 10  # the k of HR@k
MAX_BINS = 30  # bars of the length histogram
CURVE_POINTS = 100  # points of the popularity curve
EXAMPLES = 5  # sequences shown with titles
EXAMPLE_EVENTS = 12  # events shown of each
PLAUSIBLE_TIMES = (datetime(1980, 1, 1, tzinfo=UTC).timestamp(), datetime(2100, 1, 1, tzinfo=UTC).timestamp())

Floats = npt.NDArray[np.float64]


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lengths(Record):
    """Events a sequence. Bin i counts sequences with edges[i] <= length < edges[i + 1]."""

    least: int
    median: float
    mean: float
    most: int
    edges: tuple[int, ...]
    counts: tuple[int, ...]


class PopularityPoint(Record):
    rank: int
    """1 is the most frequent item."""
    share: float
    """Fraction of all events that fall on the items up to this rank."""
    events: int
    """Events of the item at this rank: over ranks, both on logarithmic axes, Zipf's curve."""


class Example(Record):
    """One training sequence in words. Ids and titles are the file's: show them as text."""

    user: str
    titles: tuple[str, ...]
    """The first events."""
    events: int


class OrderMatters(Record):
    """HR@10 as fractions. Markov far above most popular: order carries information."""

    popular: float
    markov: float
    users: int
    """Users scored."""
    repeats: float
    """Fraction of these users whose last event is an item of their own past."""


class TimeSpan(Record):
    """First and last time; UTC dates where the times are plausible unix seconds, else None."""

    first: float
    last: float
    first_date: str | None
    last_date: str | None
    tied: float
    """Fraction of neighbouring events of a user that have the same time."""


class Profile(Record):
    sequences: int
    events: int
    items: int
    lengths: Lengths
    popularity: tuple[PopularityPoint, ...]
    examples: tuple[Example, ...]
    order: OrderMatters
    """On test users, as every quality figure."""
    order_all_users: OrderMatters
    """Leave-one-out over all users: less noise."""
    unknown: float | None
    """Of a text: fraction of its tokens that are read as `<unk>`; None for events."""
    time: TimeSpan | None
    """None where the event table was not given."""


def profile(dataset: Dataset, events: EventTable | None = None) -> Profile:
    """The profile of `dataset`; with the event table it came from also the time span (of all events as read)."""
    counts = np.bincount(dataset.sequences.items, minlength=len(dataset.vocab))
    return Profile(
        sequences=len(dataset.sequences),
        events=len(dataset.sequences.items),
        items=len(dataset.vocab),
        lengths=_lengths(dataset.sequences.lengths),
        popularity=_popularity(counts),
        examples=_examples(dataset),
        order=order_matters(dataset),
        order_all_users=order_matters(dataset, users="all"),
        unknown=_unknown(dataset, counts),
        time=_time_span(events) if events is not None else None,
    )


def order_matters(dataset: Dataset, users: Literal["test", "all"] = "test", mask_seen: bool = False) -> OrderMatters:
    """HR@10 of most popular and first-order Markov (see the top of this file).

    `mask_seen` takes the items of a user's own past out of the ranking, except the target.
    """
    dataset = _without_ends(dataset)
    scored = dataset.part("test") if users == "test" else dataset.sequences
    if len(scored) > MAX_SCORED_USERS:
        scored = scored.take(np.linspace(0, len(scored) - 1, MAX_SCORED_USERS).astype(np.int64))
    counted = dataset.part("train") if users == "test" else contexts(dataset.sequences)
    known, wanted = contexts(scored), targets(scored)
    counts = np.bincount(counted.items, minlength=len(dataset.vocab)).astype(np.float64)
    transitions = _Transitions(counted, counts)
    popular = markov = repeats = 0.0
    for context, target in zip(known, wanted, strict=True):
        seen = np.unique(context)
        repeats += target in seen
        hidden = seen[seen != target] if mask_seen else seen[:0]
        popular += _hit(counts, hidden, int(target))
        markov += _hit(transitions.scores(int(context[-1])), hidden, int(target))
    n = len(wanted)
    return OrderMatters(popular=popular / n, markov=markov / n, users=n, repeats=repeats / n)


def _without_ends(dataset: Dataset) -> Dataset:
    """Sentences without the mark at their end, which everybody could predict."""
    if dataset.tokeniser is None or END not in dataset.vocab.ids:
        return dataset
    ended = targets(dataset.sequences) == dataset.vocab.ids.index(END)
    return replace(dataset, sequences=contexts(dataset.sequences)) if ended.all() else dataset


def _unknown(dataset: Dataset, counts: IntArray) -> float | None:
    if dataset.info.task != "language":
        return None
    return float(counts[dataset.unknown] / counts.sum()) if dataset.unknown is not None else 0.0


def _hit(scores: Floats, hidden: IntArray, target: int) -> float:
    """Expected HR@10 of `target` under the ranking of `scores` [V] without the `hidden` items."""
    value, others = scores[target], scores[hidden]
    higher = np.count_nonzero(scores > value) - np.count_nonzero(others > value)
    tied = np.count_nonzero(scores == value) - np.count_nonzero(others == value)
    return min(max((TOP - higher) / tied, 0.0), 1.0)


class _Transitions:
    """Rows of the first-order transition counts [V], made when asked for: V x V would not fit for large V."""

    def __init__(self, counted: Sequences, popularity: Floats) -> None:
        followed = np.ones(len(counted.items), dtype=bool)
        followed[counted.offsets[1:] - 1] = False  # the last event of a sequence is followed by nothing
        before = np.flatnonzero(followed)
        order = before[np.argsort(counted.items[before], kind="stable")]
        self._source, self._target = counted.items[order], counted.items[order + 1]
        self._popularity = popularity
        self._rows: dict[int, Floats] = {}

    def scores(self, item: int) -> Floats:
        """Counts of what followed `item`, plus a popularity that only decides between equal counts."""
        if item not in self._rows:
            start, end = np.searchsorted(self._source, [item, item + 1])
            row = np.bincount(self._target[start:end], minlength=len(self._popularity))
            if len(self._rows) * len(row) > MAX_CACHED_SCORES:
                self._rows.clear()
            self._rows[item] = row * (self._popularity.max() + 1) + self._popularity
        return self._rows[item]


def _lengths(lengths: IntArray) -> Lengths:
    least, most = int(lengths.min()), int(lengths.max())
    cut = int(np.percentile(lengths, 99))  # the last bin holds the longest hundredth
    width = max(1, -(-(cut + 1 - least) // MAX_BINS))
    edges = [*range(least, max(cut, least) + width + 1, width)]
    edges[-1] = max(edges[-1], most + 1)
    counts, _ = np.histogram(lengths, bins=[*edges[:-1], edges[-1] - 0.5])
    return Lengths(
        least=least,
        median=float(np.median(lengths)),
        mean=float(lengths.mean()),
        most=most,
        edges=tuple(edges),
        counts=tuple(int(count) for count in counts),
    )


def _popularity(counts: IntArray) -> tuple[PopularityPoint, ...]:
    ranked = np.sort(counts)[::-1]
    shares = np.cumsum(ranked) / counts.sum()
    ranks = np.unique(np.geomspace(1, len(counts), CURVE_POINTS).round().astype(np.int64))
    return tuple(
        PopularityPoint(rank=int(rank), share=float(shares[rank - 1]), events=int(ranked[rank - 1])) for rank in ranks
    )


def _examples(dataset: Dataset) -> tuple[Example, ...]:
    """Evenly spaced training sequences: the same ones each time."""
    train = dataset.split["train"]
    chosen = train[np.linspace(0, len(train) - 1, min(EXAMPLES, len(train))).astype(np.int64)]
    return tuple(
        Example(
            user=dataset.sequences.users[int(index)],
            titles=tuple(dataset.vocab.titles[int(item)] for item in dataset.sequences[int(index)][:EXAMPLE_EVENTS]),
            events=len(dataset.sequences[int(index)]),
        )
        for index in chosen
    )


def _time_span(events: EventTable) -> TimeSpan:
    times = events.frame[columns.TIME].to_numpy()
    users = events.frame[columns.USER].to_numpy()
    same_user = users[1:] == users[:-1]
    tied = (times[1:] == times[:-1])[same_user]
    first, last = float(times.min()), float(times.max())
    plausible = PLAUSIBLE_TIMES[0] <= first <= last <= PLAUSIBLE_TIMES[1]
    return TimeSpan(
        first=first,
        last=last,
        first_date=_date(first) if plausible else None,
        last_date=_date(last) if plausible else None,
        tied=float(tied.mean()) if len(tied) else 0.0,
    )


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
