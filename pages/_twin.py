"""Synthetic beside real on the Sequences page: nearest real ones, whom each stands for, and whether any are copies."""

import _result as result
import streamlit as st
from _columns import columns

from farzi_core.views import coverage, reading, sequence_charts, sequences
from farzi_core.views.load import COVERAGE, MEMORISATION, NEAREST, RunView
from farzi_core.views.terms import TERMS


def nearest(view: RunView, chosen: int) -> None:
    """The real windows nearest to one sequence, and one of them position by position."""
    if not view.has(NEAREST):
        return
    called, synthetic = TERMS[view.task], view.synthetic
    names = columns(called)
    st.header(f"Nearest real {called.sequences}", anchor=False)
    real = view.nearest[view.nearest["synthetic"] == chosen]
    near = sequences.neighbours(real, chosen, synthetic.xi, reading.of_run(view))
    st.dataframe(near, hide_index=True, column_config=names, alt="Nearest training windows with their distances.")
    st.caption(
        f"Distance is 1 minus the expected share of the {synthetic.xi} positions where both agree, at the best "
        f"alignment. (outside) is a position before or after the real {called.sequence}."
    )
    rank = int(st.selectbox("Compare with", near["rank"], format_func="nearest no. {}".format, width=200))
    items = real.loc[real["rank"] == rank - 1, "items"].iloc[0]
    beside = sequences.alignment(synthetic, chosen, items, view.vocab["title"])
    st.dataframe(beside, hide_index=True, column_config=names, alt=f"A synthetic {called.sequence} beside a real one.")


def stands_for(view: RunView, chosen: int) -> None:
    """Whom the chosen sequence stands for, and how evenly all of them cover the real data."""
    called = TERMS[view.task]
    st.header(f"Which real {called.sequences} it stands for", anchor=False)
    if not view.has(COVERAGE):
        st.write(
            "This run was made by an older version, which did not look this up. Duplicate it on the Runs page and run "
            "it again to see it."
        )
        return
    table = coverage.shares(view.coverage, view.synthetic.mu)
    st.write(coverage.one_sentence(table, chosen + 1, called))
    examples = coverage.stood_for(view.coverage, chosen, reading.of_run(view))
    if len(examples):
        alt = f"Real {called.sequences} whose nearest synthetic one is no. {chosen + 1}, nearest first."
        height = min(38 + 35 * len(examples), 250)
        st.dataframe(examples, hide_index=True, column_config=columns(called), alt=alt, height=height)
    st.subheader(f"All synthetic {called.sequences} together", anchor=False)
    st.write(coverage.reading(table, len(view.coverage), view.evaluation.full_sequences, called))
    left, right = st.columns(2, gap="medium")
    with left:
        result.draw(coverage.bars(table, chosen + 1, called), "coverage_bars")
    with right:
        result.draw(coverage.distances(view.coverage, view.synthetic.xi, called), "coverage_distances")


def copies(view: RunView) -> None:
    """Distances to training data beside those of people who were held out."""
    if not view.has(MEMORISATION):
        return
    called = TERMS[view.task]
    st.header("Are they copies?", anchor=False)
    xi = view.synthetic.xi
    st.write(sequence_charts.memorisation_reading(view.memorisation, xi, called))
    result.draw(sequence_charts.memorisation_chart(view.memorisation, xi, called), "memorisation")
