"""Latent surgery for people: the trail of edits, what moved, and what retrained students say.

Legend: X, X' [mu, xi, V] probabilities before and after; the total variation of a position is 1/2 sum_v |X' - X|, the
share of its draws that must come out otherwise: 0 nothing moved, 1 no item is left that was possible before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from farzi_core.evaluation import surgery
from farzi_core.evaluation.report import METRIC_LABELS, METRICS, Interval, Metric, scale
from farzi_core.evaluation.surgery import Edit, Edited, Retrained, Verb
from farzi_core.views import text
from farzi_core.views.accuracy import verdict
from farzi_core.views.load import Float64, Synthetic
from farzi_core.views.progress import people
from farzi_core.views.terms import Terms

TITLE_LENGTH = 40


@dataclass(frozen=True)
class Trail:
    """All edits of an address, of which the first `done` count: the rest was undone and can be done again."""

    edits: tuple[Edit, ...]
    done: int

    @classmethod
    def of(cls, edits: str, upto: str) -> "Trail":
        """From the two parameters of an address; raises `ConfigError` for edits that cannot be read."""
        found = surgery.parse(edits)
        counted = upto.isascii() and upto.isdigit() and len(upto) < 4
        return cls(found, min(int(upto), len(found)) if counted else len(found))

    @property
    def current(self) -> tuple[Edit, ...]:
        return self.edits[: self.done]

    def to(self, done: int) -> "Trail":
        """Undone or done again until `done` edits count."""
        return Trail(self.edits, min(max(done, 0), len(self.edits)))

    def add(self, edit: Edit) -> "Trail":
        """One edit more; what was undone is gone."""
        return Trail((*self.current, edit), self.done + 1)

    @property
    def address(self) -> tuple[str, str]:
        """The parameters that give back this trail; empty ones need not stand in an address."""
        return surgery.write(self.edits), "" if self.done == len(self.edits) else str(self.done)


def verbs(called: Terms) -> dict[str, Verb]:
    """What can be done, as a person chooses it."""
    return {
        "Zero a factor": Verb.ZERO,
        "Multiply a factor": Verb.SCALE,
        "Swap two factors": Verb.SWAP,
        f"Drop a {called.sequence}": Verb.DROP,
        f"Make a position say another {called.item}": Verb.PUT,
    }


def words(edit: Edit, titles: Sequence[str], called: Terms) -> str:
    """An edit for people, plain text."""
    first, *rest = edit.at
    match edit.verb:
        case Verb.ZERO:
            return f"factor {first} to zero"
        case Verb.SCALE:
            return f"factor {first} times {edit.by:g}"
        case Verb.SWAP:
            return f"factors {first} and {rest[0]} swapped"
        case Verb.DROP:
            return f"without {called.sequence} {first}"
        case Verb.PUT:
            known = rest[1] <= len(titles)
            title = text.visible(text.truncate(titles[rest[1] - 1], TITLE_LENGTH)) if known else f"item {rest[1]}"
            return f"{called.sequence} {first}, position {rest[0]} says {title}"


@dataclass(frozen=True)
class Moved:
    """What edits did to the probabilities."""

    variation: Float64
    """[mu, xi] total variation; NaN in sequences that are gone."""
    expected: Float64
    """[2, V]: in how many positions each item is expected, before and after; gone sequences count before only."""


def restored(synthetic: Synthetic, edited: Edited) -> Synthetic:
    """What is read of the edited data, with the dropped sequences in their old place and as they were, so that both
    sides line up."""
    latent = synthetic.latent.copy()
    latent[edited.kept] = edited.latent
    return Synthetic(latent, synthetic.decoder, synthetic.tau)


def moved(before: Synthetic, edited: Edited) -> Moved:
    """How far every position and every item moved. Cost: two softmax of mu xi V numbers in float32, a few at a time."""
    variation, expected = np.full((before.mu, before.xi), np.nan), np.zeros((2, before.items))
    after, kept = restored(before, edited), np.isin(np.arange(before.mu), edited.kept)
    for part in before.parts():
        one, other = before.quick_probs(part.start, part.stop), after.quick_probs(part.start, part.stop)
        here = kept[part]
        expected += [one.sum((0, 1)), other[here].sum((0, 1))]
        other -= one
        variation[part] = np.where(here[:, None], np.abs(other, out=other).sum(2) / 2, np.nan)
    return Moved(variation, expected)


def sentence(found: Moved, called: Terms) -> str:
    """How much moved, in words."""
    gone = int(np.isnan(found.variation).all(axis=1).sum())
    mean, most = 100 * np.nanmean(found.variation), 100 * np.nanmax(found.variation)
    said = (
        f"Total variation of a position: {mean:.1f} % on average, {most:.1f} % at most. That share of its draws must "
        f"come out as another {called.item}."
    )
    return f"{said} {gone:,} {called.sequences if gone > 1 else called.sequence} gone." if gone else said


def items_table(found: Moved, vocab: pd.DataFrame, k: int = 10) -> pd.DataFrame:
    """The k items whose expected count rose most and the k whose fell most, largest change first; unmoved ones are not
    listed. Columns title, item, before, after, change."""
    before, after = found.expected
    change = after - before
    order = np.argsort(-change, kind="stable")
    up = [one for one in order[:k] if change[one] > 0]
    down = [one for one in order[::-1][:k] if change[one] < 0]
    ids = np.array([*up, *down[::-1]], dtype=np.int64)
    names = vocab[["title", "item"]].take(ids).reset_index(drop=True)
    return names.assign(before=before[ids], after=after[ids], change=change[ids])


def beside(synthetic: Synthetic, edited: Edited, sequence: int, found: Moved, vocab: pd.DataFrame) -> pd.DataFrame:
    """One sequence (index from 0) position by position: position, before, probability, after, probability_after,
    variation; a sequence that is gone says nothing after."""
    one, other = (two.probs(sequence)[0] for two in (synthetic, restored(synthetic, edited)))
    titles, places = vocab["title"].to_numpy(), np.arange(synthetic.xi)
    frame = pd.DataFrame({"position": places + 1, "before": titles[one.argmax(1)], "probability": one.max(1)})
    if sequence in edited.kept:
        frame["after"], frame["probability_after"] = titles[other.argmax(1)], other.max(1)
    else:
        frame["after"], frame["probability_after"] = "", np.nan
    return frame.assign(variation=found.variation[sequence])


def outcome_table(found: Retrained) -> pd.DataFrame:
    """Retrained students, one row a metric; fractions in percent.

    Columns metric, before, after, difference, verdict (of test users), validation (before and after in words).
    """
    return pd.DataFrame([_line(found, metric) for metric in METRICS[found.task]])


def outcome(found: Retrained) -> str:
    """What the first metric of test users says, with how it was found."""
    metric = METRICS[found.task][0]
    line, unit = _line(found, metric), " points" if metric.is_fraction else ""
    said = {
        "better": "The edits made students better",
        "worse": "The edits made students worse",
        "unclear": "The difference cannot be told from chance",
    }[verdict(found.test[metric], metric)]
    count = f"{len(found.after.test)} fresh student{'s' if len(found.after.test) > 1 else ''}"
    return (
        f"{said}: {METRIC_LABELS[metric]} {line['before']:.1f} before, {line['after']:.1f} after, difference "
        f"{line['difference']}{unit} on {found.test_users:,} test {people(metric)}; {count} on each side. That "
        f"holds with these students; the interval says how it would move with other {people(metric)}, not with other "
        "students."
    )


def _line(found: Retrained, metric: Metric) -> dict[str, object]:
    unit = scale(metric)
    test, validation = (
        [unit * float(np.mean([one[metric] for one in side])) for side in sides]
        for sides in ((found.before.test, found.after.test), (found.before.validation, found.after.validation))
    )
    return {
        "metric": METRIC_LABELS[metric],
        "before": test[0],
        "after": test[1],
        "difference": _gap(test[1] - test[0], found.test[metric], unit),
        "verdict": verdict(found.test[metric], metric),
        "validation": f"{validation[0]:.1f} to {validation[1]:.1f}, "
        + _gap(validation[1] - validation[0], found.validation[metric], unit),
    }


def _gap(value: float, interval: Interval, unit: int) -> str:
    return f"{value:+.1f} ({unit * interval.low:+.1f} to {unit * interval.high:+.1f})"
