"""A data set ready for training: integer sequences, a vocabulary and a user split. No torch: pages read it too.

Legend: U users (sequences), V items, N events.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from farzi_core.data.events import Finding
from farzi_core.data.tokenise import UNKNOWN, Tokeniser

Task = Literal["recommendation", "language"]
Part = Literal["train", "validation", "test"]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Vocab:
    """External item ids in internal order (0..V-1, most frequent first), with titles, groups and training counts."""

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    groups: tuple[str, ...]
    counts: IntArray  # [V] events among training users

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Sequences:
    """Ragged integer sequences in one flat array (CSR): sequence u is items[offsets[u]:offsets[u + 1]]."""

    items: IntArray  # [N] internal item ids, 0..V-1
    offsets: IntArray  # [U + 1]
    users: tuple[str, ...]  # [U] external user ids

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> IntArray:
        return self.items[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[IntArray]:
        return (self[index] for index in range(len(self)))

    @property
    def lengths(self) -> IntArray:
        return np.diff(self.offsets)

    def take(self, indices: IntArray) -> "Sequences":
        """The sequences at `indices`, in that order."""
        chosen = [self[int(index)] for index in indices]
        items = np.concatenate(chosen) if chosen else np.zeros(0, dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in chosen], dtype=np.int64)])
        return Sequences(items, offsets.astype(np.int64), tuple(self.users[int(index)] for index in indices))


class DatasetInfo(BaseModel):
    """Where a data set comes from and what it holds; stored beside it as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    task: Task
    source: str
    licence: str = ""
    citation: str = ""
    seed: int
    """Seed of the user split."""
    sequences: int
    events: int
    items: int
    digest: str
    """SHA-256 over the sequences, the vocabulary and the split: the same digest is the same experiment."""


@dataclass(frozen=True)
class Dataset:
    """Sequences, vocabulary and the disjoint user split of strong generalisation (paper, appendix C.2)."""

    info: DatasetInfo
    sequences: Sequences
    vocab: Vocab
    split: dict[Part, IntArray]  # sequence indices, disjoint, together all of 0..U-1
    findings: tuple[Finding, ...] = ()  # what was set aside on the way here, and why
    tokeniser: Tokeniser | None = None  # how text became items; None for events

    @property
    def unknown(self) -> int | None:
        """Internal id of `<unk>`, None where every item is known."""
        return self.vocab.ids.index(UNKNOWN) if UNKNOWN in self.vocab.ids else None

    def part(self, name: Part) -> Sequences:
        return self.sequences.take(self.split[name])


def digest_of(sequences: Sequences, vocab: Vocab, split: dict[Part, IntArray]) -> str:
    """SHA-256 hex over everything that changes a result; titles and groups are left out, they change none."""
    sha = hashlib.sha256()
    for array in (sequences.items, sequences.offsets, *(split[part] for part in ("train", "validation", "test"))):
        sha.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
        sha.update(b"|")
    sha.update("\x00".join(vocab.ids).encode())
    return sha.hexdigest()
