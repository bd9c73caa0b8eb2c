"""The generated data have the optimum that is claimed: by enumerating a tiny chain, by an oracle on a large sample."""

from collections import defaultdict
from itertools import groupby, pairwise
from operator import itemgetter

import numpy as np
import pytest

from farzi_core.data import planted
from farzi_core.data.planted import SHARED_GROUP, PlantedSettings, planted_truth, read_planted
from farzi_core.data.prepare import prepare
from farzi_core.data.profile import order_matters
from farzi_core.errors import DatasetError

TINY = PlantedSettings(
    sequences=60_000, groups=2, items_per_group=3, shared_items=2, successors=2, sharing=0.3, longest=5, mean_extra=1.0
)


def test_equal_settings_give_equal_tables() -> None:
    assert read_planted().frame.equals(read_planted().frame)
    assert not read_planted().frame.equals(read_planted(PlantedSettings(seed=1)).frame)


def test_more_sequences_come_from_the_same_chain() -> None:
    def steps(sequences: int) -> set[tuple[str, str]]:
        frame = read_planted(PlantedSettings(sequences=sequences, groups=2, items_per_group=5, successors=2)).frame
        pairs = zip(frame["user"], frame["item"], strict=True)
        return {(a, b) for (user, a), (same, b) in pairwise(pairs) if user == same}

    assert steps(1000) == steps(5000)


def test_a_sequence_stays_in_one_group_and_the_shared_items() -> None:
    events = read_planted()
    group = dict(zip(events.items["item"], events.items["group"], strict=True))
    for _, items in events.frame.head(20_000).groupby("user")["item"]:
        groups = [group[item] for item in items]
        assert len({one for one in groups} - {SHARED_GROUP}) == 1
        assert groups[0] != SHARED_GROUP
        assert (SHARED_GROUP, SHARED_GROUP) not in set(pairwise(groups))


def test_lengths_and_catalogue_are_as_set() -> None:
    report = read_planted().report
    assert (report.users, report.items) == (6000, 250)
    assert report.events / report.users == pytest.approx(10, abs=0.5)  # 3 + 7, minus the cut at 60


def walks(settings: PlantedSettings) -> list[list[str]]:
    frame = read_planted(settings).frame
    pairs = zip(frame["user"].tolist(), frame["item"].tolist(), strict=True)
    return [[item for _, item in group] for _, group in groupby(pairs, key=itemgetter(0))]


def tables(sequences: list[list[str]]) -> dict[tuple[str, ...], dict[str, float]]:
    """P(next item | all items so far) estimated by counting whole prefixes: knows nothing of the chain."""
    counts: dict[tuple[str, ...], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for items in sequences:
        for at in range(1, len(items)):
            counts[tuple(items[:at])][items[at]] += 1
    return counts


def test_the_optimum_equals_counting_whole_prefixes_on_a_tiny_chain() -> None:
    """HR@1 and perplexity of the best rule that may use the whole past, from 60,000 sequences of at most 5 events.

    Rules fitted to the sample they are scored on are a little too good: the bound is one-sided small.
    """
    truth = planted_truth(TINY, k=1)
    sequences = walks(TINY)
    counts = tables(sequences)
    total = sum(sum(row.values()) for row in counts.values())
    nats = -sum(n * np.log(n / sum(row.values())) for row in counts.values() for n in row.values()) / total
    assert np.exp(nats) == pytest.approx(truth.perplexity, rel=0.01)
    best = {past: max(row, key=row.__getitem__) for past, row in counts.items()}
    hits = [best[tuple(items[:-1])] == items[-1] for items in sequences]
    assert np.mean(hits) == pytest.approx(truth.hr10, abs=0.012)


def test_the_optimum_equals_enumerating_every_sequence() -> None:
    """Exact second road: all paths of 3 or 4 events with their probabilities, read off the tiny chain."""
    settings = PlantedSettings(
        groups=2, items_per_group=2, shared_items=1, successors=2, sharing=0.25, longest=4, mean_extra=0.5
    )
    chain = planted._chain(settings)
    rows = [
        {int(chain.item[s]): p for s, p in zip(to, probability, strict=True) if p > 0}
        for to, probability in zip(chain.successor, chain.probability, strict=True)
    ]
    paths = [((s,), p) for s, p in enumerate(chain.start) if p > 0]
    last_step = {3: 2 / 3, 4: 1 / 3}  # P(length): geometric with mean 0.5 beyond 3, cut at 4
    hit = nats = weight = 0.0
    for length in (2, 3, 4):
        grown = []
        for states, p in paths:
            for to, q in zip(chain.successor[states[-1]], chain.probability[states[-1]], strict=True):
                if q > 0:
                    grown.append(((*states, int(to)), p * q))
        reached = sum(share for n, share in last_step.items() if n >= length)
        for states, p in grown:
            row = rows[states[-2]]
            nats -= reached * p * np.log(row[int(chain.item[states[-1]])])
            weight += reached * p
            hit += last_step.get(length, 0.0) * p * (row[int(chain.item[states[-1]])] == max(row.values()))
        paths = grown
    truth = planted_truth(settings, k=1)
    assert truth.hr10 == pytest.approx(hit, abs=1e-12)
    assert truth.perplexity == pytest.approx(np.exp(nats / weight), rel=1e-12)


def test_no_rule_without_memory_reaches_the_optimum() -> None:
    """The last event alone is not enough at shared items; the oracle's hit rate is met within 4 standard errors."""
    settings = PlantedSettings(sequences=30_000)
    found = order_matters(prepare(read_planted(settings)), users="all")
    truth = planted_truth(settings)
    assert found.popular < 0.2 < 0.5 < found.markov < truth.hr10 - 0.05


def test_an_oracle_reaches_the_optimum_on_a_sample() -> None:
    settings = PlantedSettings(sequences=40_000, seed=5)
    chain = planted._chain(settings)
    states, lengths = planted._walk(chain, settings)
    last = np.cumsum(lengths) - 1
    before, after = states[last - 1], states[last]
    best = np.take_along_axis(chain.successor, np.argsort(-chain.probability, axis=1)[:, :10], axis=1)
    hits = (best[before] == after[:, None]).any(axis=1).mean()
    truth = planted_truth(settings).hr10
    assert hits == pytest.approx(truth, abs=4 * np.sqrt(truth * (1 - truth) / settings.sequences))


@pytest.mark.parametrize(
    "wrong",
    [{"successors": 31}, {"sharing": 1.0}, {"decay": 0.0}, {"sequences": 0}, {"groups": 10_000}, {"longest": 2}],
)
def test_settings_out_of_range_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(DatasetError, match=f"planted data: {next(iter(wrong))} = |planted data: shared_items"):
        PlantedSettings(**wrong)
