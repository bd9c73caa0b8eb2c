"""Latent surgery: edits of Z, written so short that a link carries them, and what retrained students make of them.

    edits = edit ~ edit ~ ...
    edit  = zero.F        factor F of every position becomes 0
          | scale.F.X     factor F is multiplied with the number X
          | swap.F.G      factors F and G change places in Z; M stays, so each now means what the other meant
          | drop.S        sequence S goes
          | put.S.I.V     position I of sequence S says item V (`towards`)

Everything is counted from 1, and a dropped sequence leaves its number unused. Only Z is edited: zeroing or scaling a
row of M would do the same. Legend: mu sequences, xi positions, d factors, V items. No torch: pages use it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from farzi_core.data.dataset import Task
from farzi_core.errors import ConfigError
from farzi_core.evaluation.report import Interval, Metric
from farzi_core.sections import Kind

Array = npt.NDArray[Any]
BETWEEN, WITHIN = "~", "."
MAX_EDITS = 50  # a trail that people still read, and a link that every browser keeps
RULE = 2  # part of the names of kept retrainings: raise it when students are trained or judged otherwise
LARGEST_FACTOR = 100.0  # of scale: beyond, every position is certain long since
WHOLE_DIGITS = 9  # of a number: no item, sequence or factor has more


class Verb(StrEnum):
    """What an edit does."""

    ZERO = "zero"
    SCALE = "scale"
    SWAP = "swap"
    DROP = "drop"
    PUT = "put"


COUNTED: dict[Verb, tuple[str, ...]] = {
    Verb.ZERO: ("factor",),
    Verb.SCALE: ("factor",),
    Verb.SWAP: ("factor", "factor"),
    Verb.DROP: ("sequence",),
    Verb.PUT: ("sequence", "position", "item"),
}
"""What the whole numbers of each edit count."""


@dataclass(frozen=True)
class Edit:
    """One edit; `str` writes it as the grammar has it."""

    verb: Verb
    at: tuple[int, ...]
    by: float | None = None
    """Of scale only."""

    def __str__(self) -> str:
        number = () if self.by is None else (repr(float(self.by)),)
        return WITHIN.join([self.verb.value, *map(str, self.at), *number])


def write(edits: Sequence[Edit]) -> str:
    """The text of a trail of edits."""
    return BETWEEN.join(map(str, edits))


def parse(text: str) -> tuple[Edit, ...]:
    """The edits in `text` (none in an empty one). Raises `ConfigError` that names the first bad one and the rule."""
    parts = text.split(BETWEEN) if text else []
    if len(parts) > MAX_EDITS:
        raise ConfigError(f"edits: {len(parts)} edits are more than the {MAX_EDITS} allowed; remove some")
    return tuple(map(_edit, parts))


def readable(text: str) -> tuple[Edit, ...]:
    """The edits before the first one that cannot be read."""
    parts = text.split(BETWEEN)[:MAX_EDITS] if text else []
    for count in range(len(parts), 0, -1):
        try:
            return parse(BETWEEN.join(parts[:count]))
        except ConfigError:
            continue
    return ()


def _edit(text: str) -> Edit:
    word, *numbers = text.split(WITHIN, 1)
    if word not in set(Verb):
        raise ConfigError(f"edits: {text[:40]!r} begins with none of {', '.join(Verb)}; write for example zero.3")
    verb = Verb(word)
    names = COUNTED[verb]
    scaled = verb is Verb.SCALE
    fields = numbers[0].split(WITHIN, len(names) if scaled else -1) if numbers else []
    counted = fields[: len(names)]
    if len(fields) != len(names) + scaled or not all(_is_whole(one) for one in counted):
        form = WITHIN.join([word, *(f"<{name}>" for name in names), *(["<number>"] if scaled else [])])
        raise ConfigError(f"edits: {text[:40]!r} is not of the form {form}, where whole numbers count from 1")
    return Edit(verb, tuple(map(int, counted)), _number(fields[-1]) if scaled else None)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= WHOLE_DIGITS and int(text) > 0


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST_FACTOR:  # not a number either
        raise ConfigError(
            f"edits: scale by {text[:20]!r}: choose a number from -{LARGEST_FACTOR:g} to {LARGEST_FACTOR:g}"
        )
    return value


@dataclass(frozen=True)
class Edited:
    """Z after the edits: [mu - dropped, xi, d], and which of the sequences each row was, from 0."""

    latent: Array
    kept: npt.NDArray[np.int64]


def apply(latent: Array, decoder: Array, edits: Sequence[Edit]) -> Edited:
    """Z [mu, xi, d] after `edits`, one after the other; M [d, V] says what an item is. Nothing given is changed. With
    labels (Z [mu, 2, xi, d]) both are edited, but that `put` changes what is read alone.

    Raises `ConfigError` for numbers that this run does not have.
    """
    *_, xi, d = latent.shape
    mu = len(latent)
    sizes = {"sequence": mu, "position": xi, "factor": d, "item": decoder.shape[1]}
    now, kept = latent.copy(), np.ones(mu, dtype=bool)
    for edit in edits:
        _check(edit, sizes, kept)
        _apply(edit, now, kept, decoder)
    return Edited(now[kept], np.flatnonzero(kept))


def _check(edit: Edit, sizes: dict[str, int], kept: npt.NDArray[np.bool_]) -> None:
    names = COUNTED[edit.verb]
    for name, number in zip(names, edit.at, strict=True):
        if number > sizes[name]:
            raise ConfigError(
                f"edits: {edit}: this run has {sizes[name]} {name}s, not {number}; choose a smaller number"
            )
    if names[0] == "sequence" and not kept[edit.at[0] - 1]:
        raise ConfigError(f"edits: {edit}: sequence {edit.at[0]} was dropped by an earlier edit; undo one of the two")
    if edit.verb is Verb.DROP and kept.sum() == 1:
        raise ConfigError(f"edits: {edit}: it is the last sequence, and a student needs one; undo an edit")


def _apply(edit: Edit, now: Array, kept: npt.NDArray[np.bool_], decoder: Array) -> None:
    first, *rest = (number - 1 for number in edit.at)
    match edit.verb:
        case Verb.ZERO:
            now[..., first] = 0
        case Verb.SCALE:
            now[..., first] *= edit.by
        case Verb.SWAP:
            now[..., [first, rest[0]]] = now[..., [rest[0], first]]
        case Verb.DROP:
            kept[first] = False
        case Verb.PUT:
            read = now if now.ndim == 3 else now[:, 0]
            read[first, rest[0]] = towards(read, decoder, rest[1])


def towards(latent: Array, decoder: Array, item: int) -> Array:
    """[d]: the latent that says `item` (from 0): the least-squares solution of z M = (1 at the item, 0 elsewhere), but
    for a constant that softmax does not see, made as sharp as the positions of Z are on average.

    Sharpness is the standard deviation of a position's logits over all items. With d < V - 1 a latent cannot say one
    item alone: others whose columns of M resemble it rise with it.
    """
    centred = decoder.astype(np.float64) - decoder.mean(axis=1, keepdims=True, dtype=np.float64)
    covariance = centred @ centred.T / decoder.shape[1]
    solution = np.linalg.pinv(covariance) @ centred[:, item]

    def sharpness(one: Array) -> Array:
        squares: Array = ((one @ covariance) * one).sum(-1)
        return np.asarray(np.sqrt(np.maximum(squares, 0)))

    own = float(sharpness(solution))
    wanted = float(sharpness(latent.astype(np.float64)).mean())
    found: Array = (solution * (wanted / own if own else 0.0)).astype(latent.dtype)
    return found


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Side(Record):
    """What students learnt from the data before or after the edits: metrics of each, one entry a student."""

    test: tuple[dict[Metric, float], ...]
    validation: tuple[dict[Metric, float], ...]
    steps: float
    """Mean training steps, chosen on validation users."""


class Retrained(Record):
    """The same fresh students (same first weights, same order of rows) before and after the edits."""

    edits: str
    student: Kind
    task: Task
    test_users: int
    validation_users: int
    before: Side
    after: Side
    test: dict[Metric, Interval]
    """After minus before: 95 % interval of the mean over students, bootstrap paired over test users."""
    validation: dict[Metric, Interval]
    """The same over validation users, on whom the steps were chosen."""


def source(run_id: str, digest: str, edits: Sequence[Edit]) -> str:
    """The name of one retraining: the run, the first digits of the checksum of its result, and the edits."""
    return f"{run_id}/{digest[:16]}/{write(edits)}"
