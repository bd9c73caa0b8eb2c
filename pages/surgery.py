"""Latent surgery: change Z, see which probabilities move, and retrain students on what is left."""

import _result as result
import _surgery as parts
import _ui as ui
import streamlit as st
from _columns import COLUMNS, NUMBER, SHARE, TEXT

from farzi_core.errors import ConfigError
from farzi_core.evaluation import surgery as core
from farzi_core.views import surgery, surgery_charts, text
from farzi_core.views.load import SYNTHETIC, RunView
from farzi_core.views.surgery import Moved
from farzi_core.views.terms import TERMS


@ui.shared
def moved(_view: RunView, key: tuple[str, int, int], edits: str) -> tuple[core.Edited, Moved]:
    """What the edits make of a run, and how far it is from it."""
    synthetic = _view.synthetic
    edited = core.apply(synthetic.latent, synthetic.decoder, core.parse(edits))
    return edited, surgery.moved(synthetic, edited)


st.title("Surgery", anchor=False)
view = result.open_result(SYNTHETIC)
called, titles = TERMS[view.task], view.vocab["title"].tolist()
st.write(
    f"What does a factor do, and what would be lost without a {called.sequence}? Edit the latent Z, see which "
    "probabilities move, then train fresh students and read the difference. The run itself is never changed; the edits "
    "stand in the address."
)

# --- the trail
trail = parts.trail_of_address()
parts.draw_trail(trail, titles, called)
parts.one_more(trail, view, titles, called)
try:
    with st.spinner("Comparing all probabilities"):
        edited, found = moved(view, result.key_of(view), core.write(trail.current))
except ConfigError as error:
    st.error(text.markdown(str(error)), icon=":material/error:")
    st.stop()

# --- what moved
st.header("What moved", anchor=False)
st.write(surgery.sentence(found, called))
if view.synthetic.wanted:
    st.caption(
        "Shown is what students read. What they are to predict there is edited with it, but not by making a position "
        "say something else; nor does the position before then expect it."
    )
result.draw(surgery_charts.variation_chart(found, called), "variation")
table = surgery.items_table(found, view.vocab)
if len(table):
    st.dataframe(
        table,
        hide_index=True,
        alt=f"{called.items.capitalize()} expected more or less often after the edits.",
        column_config=COLUMNS
        | {
            "before": NUMBER("Expected before", format="%.2f", help="Positions of the whole data that say it."),
            "after": NUMBER("Expected after", format="%.2f"),
            "change": NUMBER("Change", format="%+.2f"),
        },
    )
    result.keep_in_range("sequence", view.synthetic.mu)
    number = st.number_input(
        called.sequence.capitalize(), 1, view.synthetic.mu, key="sequence", bind="query-params", width=200
    )
    st.dataframe(
        surgery.beside(view.synthetic, edited, number - 1, found, view.vocab),
        hide_index=True,
        alt=f"{called.sequence.capitalize()} {number} before and after the edits.",
        column_config=COLUMNS
        | {
            "before": TEXT("Says before"),
            "after": TEXT("Says after"),
            "probability_after": SHARE("Its probability after"),
            "variation": SHARE("Total variation"),
        },
    )

# --- what students make of it
st.header("Retrain the students", anchor=False)
if (trained := parts.retrain(view, trail)) is not None:
    st.write(surgery.outcome(trained))
    st.dataframe(
        surgery.outcome_table(trained),
        hide_index=True,
        alt="Metrics of students before and after the edits, with paired intervals.",
        column_config={
            "metric": "Metric",
            "before": NUMBER("Before, test", format="%.1f"),
            "after": NUMBER("After, test", format="%.1f"),
            "difference": TEXT(
                "Difference, test", help=f"In brackets the 95 % interval, paired over test {called.users}."
            ),
            "verdict": TEXT("The edits are", help="Clear only where zero is outside the interval."),
            "validation": TEXT("Validation", help="The steps of a student are chosen there."),
        },
    )
    st.caption(
        f"Fractions in percent. Students of one number start from the same weights and see the rows in the same order "
        f"where no {called.sequence} is gone. They trained {trained.before.steps:.0f} steps before and "
        f"{trained.after.steps:.0f} after, chosen on {trained.validation_users:,} validation {called.users}."
    )
