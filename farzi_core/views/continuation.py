"""What two students of a run say next: the typed beginning as tokens, their distributions as bars, how they go on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from farzi_core.data.tokenise import END, UNKNOWN, Tokeniser
from farzi_core.evaluation.prompt import Answer, Side
from farzi_core.evaluation.report import RowName
from farzi_core.limits import MAX_PROMPT_CHARACTERS
from farzi_core.views import text, theme
from farzi_core.views.reading import Read
from farzi_core.views.terms import Terms
from farzi_core.views.theme import Chart

HEADINGS = {RowName.FULL: "Trained on all the data", RowName.DISTILLED: "Trained on Farzi data"}
MAX_NAMED = 5  # words named in a sentence about a prompt


@dataclass(frozen=True)
class Prompt:
    """A typed beginning as the students read it; no items where there is nothing to read."""

    items: tuple[int, ...]
    """Internal ids; of a text the first is `<eos>`: a sentence begins."""
    shown: str = ""
    """What they read, for people; foreign text made `visible`."""
    note: str = ""
    """Which words they do not know, in a sentence that quotes them; empty where they know all."""


def prompt(written: str, tokeniser: Tokeniser, vocabulary: Sequence[str]) -> Prompt:
    """`written` (its first `MAX_PROMPT_CHARACTERS`) cut by the run's own tokeniser. Tokens outside the vocabulary
    become `<unk>`; a vocabulary that has no `<unk>` leaves them out."""
    plain = written[:MAX_PROMPT_CHARACTERS].encode("utf-8", errors="replace").decode("utf-8")
    tokens = tokeniser.encode(plain)
    tokens = tokens[1:] if tokens[:1] == [END] else tokens
    place = {token: item for item, token in enumerate(vocabulary)}
    foreign = list(dict.fromkeys(token for token in tokens if token not in place and not token.isspace()))
    read = [token if token in place else UNKNOWN for token in tokens]
    read = [token for token in read if token in place]
    if not read:
        return Prompt((), note=_note(foreign, UNKNOWN in place))
    shown = text.visible(tokeniser.decode(read))
    begin = [END] if END in place else []
    return Prompt(tuple(place[token] for token in begin + read), shown, _note(foreign, UNKNOWN in place))


def _note(foreign: Sequence[str], replaced: bool) -> str:
    if not foreign:
        return ""
    named = ", ".join(text.visible(text.truncate(one, 30)) for one in foreign[:MAX_NAMED])
    more = f" and {len(foreign) - MAX_NAMED} more" if len(foreign) > MAX_NAMED else ""
    return f"Not in the vocabulary, {f'read as {UNKNOWN}' if replaced else 'left out'}: {named}{more}."


def comparison(answer: Answer, titles: Sequence[str], called: Terms) -> str:
    """How much alike the two answers are, in a sentence that quotes titles."""
    full, distilled = ([one.item for one in side.top] for side in (answer.full, answer.distilled))
    first, second = (text.truncate(titles[top[0]], 40) for top in (full, distilled))
    said = f"Both put “{first}” first" if full[0] == distilled[0] else f"One puts “{first}” first, the other “{second}”"
    shared = len(set(full) & set(distilled))
    return (
        f"{said}; {shared} of their {len(full)} most probable {called.items} are the same. "
        f"Total variation distance of the two distributions: {answer.apart:.0%}."
    )


def next_chart(answer: Answer, row: RowName, titles: Sequence[str], called: Terms) -> Chart:
    """The most probable next items of one student; both students' figures have the same scale."""
    side, style = side_of(answer, row), theme.STYLES[row]
    names = [titles[one.item] for one in side.top]
    shares, places = [one.probability for one in side.top], np.arange(len(names))
    bars = go.Bar(
        x=shares,
        y=places,
        orientation="h",
        marker={"color": style.color},
        text=[f"{one:.1%}" for one in shares],
        textposition="outside",
        cliponaxis=False,
        customdata=[text.plotly(one) for one in names],
        hovertemplate="%{customdata}<br>probability %{x:.2%}<extra></extra>",
    )
    largest = max(one.probability for either in (answer.full, answer.distilled) for one in either.top)
    figure = theme.layout(
        go.Figure(bars), x="Probability", y=f"Next {called.item}", height=90 + 26 * len(names), showlegend=False
    )
    figure.update_xaxes(range=[0, 1.2 * largest], tickformat=".0%", nticks=4)  # room for the figures beside the bars
    ticks = [text.plotly(text.truncate(one, 24)) for one in names]
    figure.update_yaxes(autorange="reversed", tickvals=places, ticktext=ticks)
    listed = "; ".join(f"{text.visible(text.truncate(a, 40))} {b:.1%}" for a, b in zip(names, shares, strict=True))
    return Chart(figure, f"{HEADINGS[row]}: most probable next {called.items}. {listed}.", _caption(side, called))


def _caption(side: Side, called: Terms) -> str:
    some = f"last {side.read} {called.events}" if side.read > 1 else f"last {called.event}"
    return (
        f"It has read the {some}. The {len(side.top)} shown have {sum(one.probability for one in side.top):.0%} of the "
        "probability; both figures have the same scale."
    )


def side_of(answer: Answer, row: RowName) -> Side:
    """What the student of this row answers."""
    return answer.full if row is RowName.FULL else answer.distilled


def line(read: Read, items: Sequence[int], side: Side, end: int | None) -> str:
    """The prompt and how a student goes on, for people; an ellipsis where it would go on further."""
    whole = read((*items, *side.continuation))
    return whole if side.continuation[-1] == end else f"{whole} {text.ELLIPSIS}"
