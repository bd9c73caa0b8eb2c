"""A row of items as one line for people: titles with arrows between them, or, of a text, sentences that can be read.

The end mark <eos> ends a sentence: it is never shown, and sentences of one row stand apart.
"""

from collections.abc import Callable, Iterator, Sequence

from farzi_core.data.tokenise import END, Tokeniser
from farzi_core.views import text
from farzi_core.views.load import RunView

Read = Callable[[Sequence[int]], str]  # internal ids of items, -1 beyond the ends of a real sequence
ARROW = " → "
OUTSIDE = "(outside)"
APART = " ¶ "


def arrows(titles: Sequence[str]) -> Read:
    """Titles in order; places beyond the ends of a real sequence are said to be that."""
    return lambda items: ARROW.join(titles[item] if item >= 0 else OUTSIDE for item in items)


def prose(tokens: Sequence[str], tokeniser: Tokeniser) -> Read:
    """Sentences as the tokeniser writes them; places beyond the ends of a real sentence hold nothing."""
    return lambda items: APART.join(sentences([tokens[item] for item in items if item >= 0], tokeniser))


def sentences(tokens: Sequence[str], tokeniser: Tokeniser) -> Iterator[str]:
    """What stands between end marks, spaces and punctuation joined; foreign text made `visible`."""
    current: list[str] = []
    for token in (*tokens, END):
        if token != END:
            current.append(token)
        elif current:
            yield text.visible(tokeniser.decode(current))
            current = []


def of_run(view: RunView) -> Read:
    """How sequences of this run read."""
    if (tokeniser := view.tokeniser) is not None:
        return prose(view.vocab["item"].tolist(), tokeniser)
    return arrows(view.vocab["title"].tolist())
