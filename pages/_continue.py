"""Continue this sentence: what the student trained on all the data says next, and the one trained on Farzi data."""

import _data as parts
import _result as result
import streamlit as st

from farzi_core.data import errands
from farzi_core.data.tokenise import END, Tokeniser
from farzi_core.evaluation.prompt import HOTTEST, SEEDS, Answer, Question
from farzi_core.limits import MAX_CONTINUED_ITEMS, MAX_KEPT_STUDENT_BYTES, MAX_PROMPT_CHARACTERS, MIB
from farzi_core.views import continuation, reading, text
from farzi_core.views.continuation import HEADINGS
from farzi_core.views.load import STUDENTS, RunView
from farzi_core.views.terms import TERMS

NONE_KEPT = (
    "This run kept no students to ask: an older version made it, or they have more than "
    f"{MAX_KEPT_STUDENT_BYTES // MIB} MB of weights. Duplicate it on the Runs page, with a smaller model if need be."
)


def show(view: RunView) -> None:
    """The question, and both answers beside each other once a process has computed them."""
    called = TERMS[view.task]
    st.header("Continue this sentence" if view.tokeniser else "What comes next?", anchor=False)
    if not view.has(STUDENTS):
        st.info(NONE_KEPT, icon=":material/info:")
        return
    st.write(
        "Two students of this run are asked the same: the first one trained on all the data, and the first one trained "
        f"on Farzi data. What is the next {called.item}, and how do they go on by themselves?"
    )
    items = _typed(view, view.tokeniser) if view.tokeniser else _picked(view)
    question = _question(view, items)
    if items:
        answer = errands.answered(question.source)
        if answer is None:
            parts.wait(errands.Errand("answer", question.source), "The students are reading")
        else:
            _both(view, question, answer)


def _typed(view: RunView, tokeniser: Tokeniser) -> tuple[int, ...]:
    """The beginning of a sentence as items; what the students do not know is said."""
    written = st.text_input(
        "Beginning of a sentence",
        key="text",
        bind="query-params",
        max_chars=MAX_PROMPT_CHARACTERS,
        placeholder="Type a few words and press Enter",
    )
    found = continuation.prompt(written or "", tokeniser, view.vocab["item"].tolist())
    if found.shown:
        st.caption(f"They read: {text.markdown(found.shown)}")
    if found.note:
        st.caption(text.markdown(found.note))
    return found.items


def _picked(view: RunView) -> tuple[int, ...]:
    """Items chosen by their titles, in the order of choosing."""
    titles = view.vocab["title"].tolist()
    chosen = st.multiselect(
        "After these items",
        range(len(titles)),
        format_func=titles.__getitem__,
        key=f"after_{view.folder.name}",  # another run has other items
        placeholder="Choose items in their order",
    )
    return tuple(chosen)


def _question(view: RunView, items: tuple[int, ...]) -> Question:
    """What is asked, with the way of going on chosen here; the same for both students."""
    called = TERMS[view.task]
    heat, drawn, long = st.columns(3, vertical_alignment="bottom")
    temperature = heat.number_input(
        "Temperature",
        0.0,
        HOTTEST,
        0.0,
        0.1,
        key="temperature",
        bind="query-params",
        help=f"Of the continuation: 0 always takes the most probable {called.item}, above they are drawn. The bars "
        "show temperature 1.",
    )
    seed = drawn.number_input(
        "Seed of the drawing", 0, SEEDS, 0, key="draw", bind="query-params", disabled=not temperature
    )
    length = long.number_input(
        f"{called.events.capitalize()} to add", 1, MAX_CONTINUED_ITEMS, 20, key="length", bind="query-params"
    )
    drawing = int(seed) if temperature else 0  # greedy answers do not depend on it
    return Question(view.folder.name, view.checksum(STUDENTS), items, temperature, drawing, int(length))


def _both(view: RunView, question: Question, answer: Answer) -> None:
    called, titles, read = TERMS[view.task], view.vocab["title"].tolist(), reading.of_run(view)
    ids = view.vocab["item"].tolist()
    end = ids.index(END) if view.tokeniser and END in ids else None
    st.write(text.markdown(continuation.comparison(answer, titles, called)))
    for column, row in zip(st.columns(2, gap="medium"), HEADINGS, strict=True):
        with column:
            st.subheader(HEADINGS[row], anchor=False)
            chart = continuation.next_chart(answer, row, titles, called)
            result.draw(chart, f"next_{row}")
            side = continuation.side_of(answer, row)
            st.code(continuation.line(read, question.items, side, end), language=None, wrap_lines=True)
