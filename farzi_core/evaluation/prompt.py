"""What people ask the students of a run: what comes after these items? The question, so short that it names a cached
answer, and the answer. No torch: pages use it.

    source = run / first digits of the students' checksum / items / temperature / seed / length
    items  = internal ids with dots between them, the last `MAX_PROMPT_ITEMS` of the prompt
"""

import math
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from farzi_core.errors import ConfigError
from farzi_core.limits import MAX_CONTINUED_ITEMS, MAX_PROMPT_ITEMS

TOP = 10  # next items shown of each student
HOTTEST = 5.0  # largest temperature: beyond, every item is as likely as any other
SEEDS = 1_000_000
_WHOLE_DIGITS = 9  # no catalogue has more items


@dataclass(frozen=True)
class Question:
    """Items so far (internal ids, at least one), and how each student goes on: `length` items, one after the other.

    Temperature 0 always takes the most probable item (of equal ones the first); above, items are drawn from
    softmax(logits / temperature), with the same random numbers for both students.
    """

    run: str
    digest: str
    items: tuple[int, ...]
    temperature: float = 0.0
    seed: int = 0
    length: int = 20

    @property
    def source(self) -> str:
        items = ".".join(map(str, self.items[-MAX_PROMPT_ITEMS:]))
        return f"{self.run}/{self.digest[:16]}/{items}/{self.temperature:g}/{self.seed}/{self.length}"


def parse(source: str) -> Question:
    """The question that `Question.source` wrote. Raises `ConfigError` for anything else."""
    parts = source.split("/")
    if len(parts) != 6:
        raise ConfigError(f"question: {source[:60]!r} has not six parts; ask on the Accuracy page of a run")
    run, digest, items, heat, seed, length = parts
    asked = Question(
        run, digest, tuple(map(_whole, items.split("."))), _temperature(heat), _whole(seed), _whole(length)
    )
    if len(asked.items) > MAX_PROMPT_ITEMS:
        raise ConfigError(f"question: {len(asked.items)} items; ask with the last {MAX_PROMPT_ITEMS}")
    if not 0 < asked.length <= MAX_CONTINUED_ITEMS:
        raise ConfigError(f"question: length {asked.length}; choose from 1 to {MAX_CONTINUED_ITEMS}")
    return asked


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _WHOLE_DIGITS):
        raise ConfigError(f"question: {text[:20]!r} is not a whole number from 0; ask on the Accuracy page of a run")
    return int(text)


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= HOTTEST:  # not a number either
        raise ConfigError(f"question: temperature {text[:20]!r}; choose a number from 0 to {HOTTEST:g}")
    return value


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Guess(Record):
    """A next item (internal id) and the student's probability of it, at temperature 1."""

    item: int
    probability: float


class Side(Record):
    """What one student answers."""

    read: int
    """How many of the last items it sees: students on synthetic data saw no more than xi, without labels xi - 1."""
    top: tuple[Guess, ...]
    """The `TOP` most probable next items, most probable first."""
    continuation: tuple[int, ...]
    """`length` items, fewer where a text's sentence ends: its last is then `<eos>`."""


class Answer(Record):
    """The student trained on all the data beside the one trained on the synthetic data."""

    full: Side
    distilled: Side
    apart: float
    """Total variation distance of the two distributions of the next item, from 0 (the same) to 1."""
