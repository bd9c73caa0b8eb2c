"""What the things of a task are called: pages about text say sentence and word where others say sequence and item."""

from dataclasses import dataclass

from farzi_core.data.dataset import Task


@dataclass(frozen=True)
class Terms:
    """Nouns, singular and plural: a sequence of events, each of which is an item; and whose sequence it is."""

    sequence: str
    sequences: str
    event: str
    events: str
    item: str
    items: str
    users: str


TERMS: dict[Task, Terms] = {
    "recommendation": Terms("sequence", "sequences", "event", "events", "item", "items", "users"),
    "language": Terms("sentence", "sentences", "token", "tokens", "word", "words", "sentences"),
}
EVENTS, TEXT = TERMS["recommendation"], TERMS["language"]
