"""Pieces of the Data page: what was read of a data set, what was set aside, and how it looks."""

import _data as parts
import streamlit as st

from farzi_core.data import errands
from farzi_core.data.library import SourceCard
from farzi_core.data.profile import Profile
from farzi_core.views import data as views
from farzi_core.views import text
from farzi_core.views.terms import TERMS, Terms
from farzi_core.views.theme import Chart


def portrait(card: SourceCard) -> None:
    """What was read and set aside, then the shape of what is left; made by another process the first time."""
    found = errands.portrait(card.key)
    if found is None or (card.kind == "builtin" and card.events not in {None, found.report.events}):
        reading = "Reading the text" if card.task == "language" else "Reading the events"
        parts.wait(errands.Errand("portrait", card.key), reading)
        return
    called = TERMS[card.task]
    st.header("What was read", anchor=False)
    st.text(views.read_words(found.report, card.task))
    noticed = [*found.report.findings, *found.findings]
    for one in noticed:
        st.text(views.finding_words(one), width="stretch")
    if not noticed:
        st.caption("Nothing was refused or set aside.")
    st.header("What will be used", anchor=False)
    _numbers(found.profile, called)
    _charts(found.profile, called)
    st.markdown(f"**Examples from the training {called.users}**")
    st.dataframe(
        views.examples(found.profile.examples, called),
        hide_index=True,
        alt=f"First {called.events} of training {called.sequences}.",
    )


def _numbers(found: Profile, called: Terms) -> None:
    with st.container(horizontal=True):
        st.metric(called.sequences.capitalize(), f"{found.sequences:,}", border=True)
        st.metric(called.events.capitalize(), f"{found.events:,}", border=True)
        st.metric(called.items.capitalize(), f"{found.items:,}", border=True)
        st.metric("Median length", f"{found.lengths.median:g}", border=True)
        if found.unknown is not None:
            st.metric("Read as <unk>", f"{found.unknown:.1%}", border=True, help="Words outside the vocabulary.")
    if found.unknown is None:
        kept, dates = "users with 3 events or more; users", f" {views.time_words(found.time)}"
    else:
        kept, dates = "one sequence a sentence; where a text brings no split, sentences", ""
    st.caption(
        f"With the default of at most 500 {called.items} and {kept} are split 80/10/10 into train, "
        f"validation and test.{dates}"
    )


def _charts(found: Profile, called: Terms) -> None:
    charts = {f"How long {called.sequences} are": views.lengths(found.lengths, called)} | _frequency(found)
    charts["How much order matters"] = views.order(found.order, called)
    for column, (title, chart) in zip(st.columns(3, gap="medium"), charts.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            st.plotly_chart(chart.figure, alt=chart.alt, key=title, config={"displayModeBar": False})
            st.caption(text.markdown(chart.caption))


def _frequency(found: Profile) -> dict[str, Chart]:
    if found.unknown is None:
        return {"How popular items are": views.popularity(found.popularity, found.events)}
    return {"How frequent words are": views.zipf(found.popularity, found.unknown)}
