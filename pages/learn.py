"""Six lessons on how Farzi works: a live picture, a question to answer before the reason is shown, a link to share."""

import _ui as ui
import streamlit as st
from _choice import linked_choice

from farzi_core.views import lessons
from farzi_core.views.lesson_charts import Shown
from farzi_core.views.lessons import LESSONS, Control, Experiment, Lesson, Question

st.title("Learn", anchor=False)
hide = lessons.hidden(st.query_params.get_all("hide"))


def chosen_lesson() -> str:
    """`?lesson=`, with the chooser unless it is hidden."""
    if "lesson" in hide:
        linked = st.query_params.get(ui.Url.LESSON, "")
        return linked if linked in LESSONS else next(iter(LESSONS))
    titles = {number: f"{number}. {lesson.title}" for number, lesson in LESSONS.items()}
    return linked_choice("Lesson", titles, ui.Url.LESSON)


def value_of(control: Control) -> float:
    """The slider's value, or the address's where the slider is hidden."""
    if control.name in hide:
        return control.read(st.query_params.get(control.name))
    # not st.slider: its value has the primary colour, which on the dark page is too faint for text (axe)
    value: float = st.number_input(
        control.label,
        control.low,
        control.high,
        control.value,
        control.step,
        key=control.name,
        bind="query-params",
        help=control.help,
    )
    return value


def draw(shown: Shown, number: str) -> None:
    """Numbers, charts beside each other, and the steps as a table where there are any."""
    for column, fact in zip(st.columns(max(len(shown.facts), 1)), shown.facts, strict=False):
        column.metric(fact.label, fact.value, help=fact.help)
    for place, (column, chart) in enumerate(zip(st.columns(2, gap="medium"), shown.charts, strict=True)):
        with column:
            key = f"lesson_{number}_{place}"
            st.plotly_chart(chart.figure, alt=chart.alt, key=key, config={"displayModeBar": False})
            st.caption(chart.caption)
    if shown.table is not None:
        with st.expander("Every step walked back, first weight"):
            st.dataframe(
                shown.table, hide_index=True, alt="Gradient, moments and adjoints of the first weight by step."
            )


def ask(lesson: Lesson, number: str) -> None:
    """Predict first: the answer can be opened once a choice is made."""
    question = lesson.question
    st.header("Predict, then look", anchor=False)
    guess = st.radio(question.asks, question.choices, index=None, key=f"guess_{number}")
    if st.button("Reveal the answer", key=f"reveal_{number}", disabled=guess is None):
        answer(question, guess)


@ui.cached
def _measured(number: str) -> Shown:
    experiment = LESSONS[number].experiment
    assert experiment
    return experiment.measure()


def measure(experiment: Experiment, number: str) -> None:
    """Predict again, then let the machine measure; the result is kept for everybody."""
    question = experiment.question
    st.header("Predict, then measure", anchor=False)
    st.write(experiment.sentence)
    guess = st.radio(question.asks, question.choices, index=None, key=f"bet_{number}")
    if st.toggle("Measure on this machine, about 10 seconds", key=f"measure_{number}", disabled=guess is None):
        with st.spinner("Measuring in a process of its own", show_time=True), ui.guard():
            draw(_measured(number), f"{number}_measured")
            answer(question, guess)


def answer(question: Question, guess: str | None) -> None:
    """Whether the guess was right, and the reason."""
    right = question.choices[question.right]
    (st.success if guess == right else st.info)(
        f"{'Right' if guess == right else 'Not quite'}: **{right}**. {question.reason}",
        icon=":material/check_circle:" if guess == right else ":material/lightbulb:",
    )


def share(lesson: Lesson, number: str, values: dict[str, float]) -> None:
    """How a teacher makes a link to this view."""
    names = [*lesson.parts, *values]
    with st.expander("Share this view with a class", icon=":material/link:"):
        st.write(
            "Copy this address: the lesson and every slider stand in it. Add `hide=` with names, commas between, to "
            "take controls away; a hidden slider keeps the value in the address."
        )
        st.write("Names here: " + ", ".join(f"`{name}`" for name in names))
        bare = lessons.link(number, values, frozenset(["lesson", "teacher", *values]))
        st.page_link("learn.py", label="Open this view without its controls", query_params=bare)


number = chosen_lesson()
lesson = LESSONS[number]
st.header(f"{number}. {lesson.title}", anchor=False)
st.write(lesson.intro)
values = {}
for column, control in zip(st.columns(len(lesson.controls), gap="medium"), lesson.controls, strict=True):
    with column:
        values[control.name] = value_of(control)
draw(lesson.show(*values.values()), number)
if "question" not in hide:
    ask(lesson, number)
if lesson.experiment and "experiment" not in hide:
    measure(lesson.experiment, number)
st.page_link(lesson.page, label=lesson.link, icon=":material/arrow_forward:")
if "teacher" not in hide:
    share(lesson, number, values)
