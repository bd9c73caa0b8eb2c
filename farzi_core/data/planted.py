"""Built-in data "Planted": generated sequences whose best possible accuracy is known exactly.

A sequence belongs to one of K groups. It starts at an item of its group and follows a sparse Markov chain: with
probability 1 - sharing to a successor in the group, else to one of H shared items, and from there back to its group.
The group is visible in the first item but not in a shared one: a model that only sees the last event (first-order
Markov) is worse than one that remembers, and the gap is known.

Ground truth (`planted_truth`): given at least one event, the group and so the state are known, hence the Bayes-optimal
ranking is the row of the transition matrix. HR@k is the expected mass of its k largest entries where the target is
drawn, and the perplexity is exp of the mean entropy of the rows; both follow from powers of the matrix, no simulation.

Legend: K groups, n items a group, H shared items, S = K (n + H) states, b successors of a state.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from farzi_core.data import columns
from farzi_core.data.dataset import IntArray
from farzi_core.data.events import EventTable
from farzi_core.data.tables import table_of
from farzi_core.errors import DatasetError
from farzi_core.limits import MAX_EVENTS, MAX_PLANTED_STATES, MIN_EVENTS_PER_USER

SOURCE = "planted"
NAME = "Planted"
LICENCE = "Generated on this machine; no rights reserved"
SHARED_GROUP = "shared"
TREES = ("cedar", "willow", "maple", "birch", "olive", "rowan", "hazel", "aspen", "linden", "pine", "alder", "beech")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PlantedSettings:
    """What is generated; the default takes a tenth of a second, 200,000 sequences (2 million events) about a second."""

    sequences: int = 6_000
    groups: int = 8
    items_per_group: int = 30
    shared_items: int = 10
    successors: int = 16  # of an item within its group
    sharing: float = 0.2  # probability of visiting a shared item next
    decay: float = 0.85  # each successor is this much less likely than the one before
    mean_extra: float = 7.0  # mean length beyond the shortest (3 events)
    longest: int = 60  # events
    seed: int = 0

    def __post_init__(self) -> None:
        rules = {
            "sequences": 1 <= self.sequences <= MAX_EVENTS // self.longest,
            "groups": self.groups >= 1,
            "items_per_group": self.items_per_group >= 1,
            "shared_items": self.shared_items >= 1
            and self.groups * (self.items_per_group + self.shared_items) <= MAX_PLANTED_STATES,
            "successors": 1 <= self.successors <= self.items_per_group,
            "sharing": 0 <= self.sharing < 1,
            "decay": 0 < self.decay <= 1,
            "mean_extra": self.mean_extra > 0,
            "longest": self.longest >= MIN_EVENTS_PER_USER,
        }
        for name, holds in rules.items():
            if not holds:
                raise DatasetError(f"planted data: {name} = {getattr(self, name)} is out of range for {self}")


class PlantedTruth(NamedTuple):
    """What no model can beat on this source, in expectation over its sequences."""

    hr10: float
    """HR@10 of the Bayes-optimal ranking at the last event."""
    perplexity: float
    """exp of the mean negative log-likelihood (nats) of the second to last events, each event with equal weight."""


def read_planted(settings: PlantedSettings | None = None) -> EventTable:
    """The generated table; equal settings give equal tables, and `sequences` does not change the chain."""
    settings = settings or PlantedSettings()
    chain = _chain(settings)
    states, lengths = _walk(chain, settings)
    names, groups = _names(settings)
    users = pd.Series([f"walk-{number:07d}" for number in range(len(lengths))], dtype="str")
    codes = chain.item[states]
    items = pd.Series(names, dtype="str").iloc[codes].reset_index(drop=True)
    titles = [name.replace("-", " ").capitalize() for name in names]
    catalogue = pd.DataFrame({columns.ITEM: names, columns.TITLE: titles, columns.GROUP: groups})
    catalogue = catalogue.iloc[np.unique(codes)]  # a small sample may miss an item
    repeated = users.repeat(lengths.tolist()).reset_index(drop=True)
    return table_of(NAME, SOURCE, repeated, items, catalogue, licence=LICENCE)


def planted_truth(settings: PlantedSettings | None = None, k: int = 10) -> PlantedTruth:
    """Exact Bayes-optimal figures (HR@k for another `k`). O(longest S b)."""
    settings = settings or PlantedSettings()
    chain = _chain(settings)
    hits = np.sort(chain.probability, axis=1)[:, ::-1][:, :k].sum(axis=1)
    entropy = -(chain.probability * np.log(np.maximum(chain.probability, 1e-300))).sum(axis=1)
    alive = _survival(settings)  # P(length > t) for t = 0..longest - 1
    last = np.append(-np.diff(alive), alive[-1])  # P(length = t + 1)
    hr = nats = 0.0
    state = chain.start
    for t in range(1, settings.longest):  # `state` is the distribution of event t, event t + 1 is predicted
        hr += last[t] * float(state @ hits)
        nats += alive[t] * float(state @ entropy)
        state = _advance(chain, state)
    return PlantedTruth(float(hr), float(np.exp(nats / alive[1:].sum())))


class _Chain(NamedTuple):
    item: IntArray  # [S] item of a state
    successor: IntArray  # [S, b] states
    probability: Floats  # [S, b]
    start: Floats  # [S] distribution of the first event


@lru_cache(maxsize=4)
def _chain(settings: PlantedSettings) -> _Chain:
    """The S states: group k owns k (n + H) .. (k + 1)(n + H) - 1, its own items first, then the shared ones."""
    rng = np.random.Generator(np.random.PCG64([settings.seed, 0]))
    own, shared, groups = settings.items_per_group, settings.shared_items, settings.groups
    states = np.arange(groups * (own + shared)).reshape(groups, own + shared)
    item = np.concatenate([np.arange(groups * own).reshape(groups, own), _tile_shared(settings)], axis=1)
    inside = np.argsort(rng.random((*states.shape, own)), axis=2)[:, :, : settings.successors]
    outside = np.argsort(rng.random((*states.shape, shared)), axis=2) + own
    local = np.concatenate([inside, outside], axis=2)
    successor = local + states[:, :1, None]
    stay = settings.decay ** np.arange(settings.successors)
    leave = settings.decay ** np.arange(shared)
    probability = np.concatenate([(1 - settings.sharing) * stay / stay.sum(), settings.sharing * leave / leave.sum()])
    rows = np.broadcast_to(probability, local.shape).copy()
    rows[:, own:, : settings.successors] = stay / stay.sum()  # from a shared item always back to the group
    rows[:, own:, settings.successors :] = 0.0
    start = np.zeros(states.shape)
    start[:, :own] = 1 / (groups * own)
    width = local.shape[2]
    return _Chain(item.ravel(), successor.reshape(-1, width), rows.reshape(-1, width), start.ravel())


def _tile_shared(settings: PlantedSettings) -> IntArray:
    first = settings.groups * settings.items_per_group
    return np.tile(np.arange(first, first + settings.shared_items), (settings.groups, 1))


def _survival(settings: PlantedSettings) -> Floats:
    """P(length > t) for t = 0..longest - 1: 3 events for sure, then geometric, cut at `longest`."""
    stay = settings.mean_extra / (1 + settings.mean_extra)
    beyond = np.maximum(np.arange(settings.longest) - MIN_EVENTS_PER_USER + 1, 0)
    survival: Floats = stay ** beyond.astype(np.float64)
    return survival


def _advance(chain: _Chain, state: Floats) -> Floats:
    mass = state[:, None] * chain.probability
    ahead: Floats = np.bincount(chain.successor.ravel(), mass.ravel(), minlength=len(state)).astype(np.float64)
    return ahead


def _walk(chain: _Chain, settings: PlantedSettings) -> tuple[IntArray, IntArray]:
    """States of all sequences one after the other [N], and their lengths [U]."""
    rng = np.random.Generator(np.random.PCG64([settings.seed, 1]))
    lengths = np.searchsorted(-_survival(settings), -rng.random(settings.sequences), side="left").astype(np.int64)
    cumulative = np.cumsum(chain.probability, axis=1)
    grid = np.zeros((settings.sequences, int(lengths.max())), dtype=np.int64)
    grid[:, 0] = rng.choice(len(chain.start), settings.sequences, p=chain.start)
    for t in range(1, grid.shape[1]):
        active = np.flatnonzero(lengths > t)
        row = grid[active, t - 1]
        draw = rng.random(len(active)) * cumulative[row, -1]  # rounding: the row's sum need not be exactly 1
        choice = (cumulative[row] <= draw[:, None]).sum(axis=1)
        grid[active, t] = chain.successor[row, choice]
    return grid[np.arange(grid.shape[1]) < lengths[:, None]], lengths


def _names(settings: PlantedSettings) -> tuple[list[str], list[str]]:
    """Item names and groups, group items first and shared ones last."""
    digits = len(str(max(settings.items_per_group, settings.shared_items)))
    kinds = [TREES[k] if k < len(TREES) else f"group{k + 1}" for k in range(settings.groups)]
    sizes = [settings.items_per_group] * settings.groups + [settings.shared_items]
    pairs = [(kind, number) for kind, size in zip([*kinds, SHARED_GROUP], sizes, strict=True) for number in range(size)]
    return [f"{kind}-{number + 1:0{digits}d}" for kind, number in pairs], [kind for kind, _ in pairs]
