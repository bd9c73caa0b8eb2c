"""Pieces of the Data page: a data set's card, its download, its portrait."""

import _ui as ui
import streamlit as st

from farzi_core.data import catalogue, errands, library
from farzi_core.data.errands import Errand
from farzi_core.data.library import SourceCard
from farzi_core.data.profile import Profile
from farzi_core.views import data as views
from farzi_core.views import text
from farzi_core.views.runs import size
from farzi_core.views.terms import TERMS, Terms
from farzi_core.views.theme import Chart

KINDS = {"builtin": "built in", "catalogue": "to download", "imported": "imported"}


def label(card: SourceCard) -> str:
    """One line for the chooser, plain text."""
    kind = "downloaded" if card.kind == "catalogue" and card.ready else KINDS[card.kind]
    return f"{text.visible(card.name)} · {kind}"


def describe(card: SourceCard) -> None:
    """What it is, where it is from, and under which licence."""
    with st.container(border=True):
        st.markdown(f"**{text.markdown(card.name)}**")
        st.text(text.visible(card.sentence))
        if card.licence:
            st.text(f"Licence: {text.visible(card.licence)}")
        if card.citation:
            st.caption(f"Cite: {text.markdown(card.citation)}")


def actions(card: SourceCard) -> None:
    """Distil it, or remove it where it is the person's own."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Distil this data", type="primary", icon=":material/compress:"):
            st.switch_page("distill.py", query_params={ui.Url.DATA: card.key})
        if card.kind == "imported" and st.button("Remove", icon=":material/delete:"):
            _confirm_remove(card)


@st.dialog("Remove this data set?", icon=":material/delete:")
def _confirm_remove(card: SourceCard) -> None:
    with ui.guard():
        st.text(text.visible(card.name))
        st.write("The imported copy goes; your own file stays where it is. Finished runs keep what they need.")
        if st.button("Remove for good", type="primary", icon=":material/delete_forever:"):
            library.remove(card.key.removeprefix(library.IMPORTED))
            st.rerun()


def portrait(card: SourceCard) -> None:
    """What was read and set aside, then the shape of what is left; made by another process the first time."""
    found = errands.portrait(card.key)
    if found is None or (card.kind == "builtin" and card.events not in {None, found.report.events}):
        reading = "Reading the text" if card.task == "language" else "Reading the events"
        _wait(errands.Errand("portrait", card.key), reading)
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


def download(card: SourceCard) -> None:
    """The licence first; then the download, which goes on when the page is closed."""
    entry = catalogue.ENTRIES[card.key]
    if entry.recipe:
        st.info(text.markdown(entry.recipe), icon=":material/upload_file:")
        return
    errand = errands.Errand("download", card.key)
    if not errands.look(errand).at_work:
        st.write("It is not part of Farzi Studio: it comes from its home and stays on this machine.")
        st.link_button("Home page and full licence", entry.homepage, icon=":material/open_in_new:")
        accepted = st.checkbox("I have read the licence and accept it", key=f"accept:{card.key}")
        if st.button("Download", type="primary", icon=":material/download:", disabled=not accepted):
            errands.start(errand)
            st.rerun()
    _wait(errand, "Downloading", begin=False)


def _wait(errand: Errand, doing: str, *, begin: bool = True) -> None:
    """Progress of an errand until it has ended, then the page again. `begin`: start it, once, where nobody has."""
    asked: set[Errand] = st.session_state.setdefault(ui.State.ERRANDS, set())
    now = errands.look(errand)
    if not now.at_work and not now.refused and begin and errand not in asked:
        asked.add(errand)
        errands.start(errand)
        now = errands.look(errand)
    if now.at_work:
        asked.add(errand)
        st.fragment(_watch, run_every=1.0)(errand, doing)
    elif now.refused or errand in asked:
        _ended(errand, now, begin)


def _ended(errand: Errand, now: errands.Look, again: bool) -> None:
    """It is over: the result is there, or the reason why not, or not even a reason."""
    if errands.finished(errand):
        st.rerun()
    killed = "This ended without a word: probably out of memory or killed. Try again, or take smaller data."
    st.error(text.markdown(now.refused or killed), icon=":material/error:")
    if again and st.button("Try again", icon=":material/refresh:"):
        errands.start(errand)
        st.rerun()


def _watch(errand: Errand, doing: str) -> None:
    with ui.guard():
        now = errands.look(errand)
        if not now.at_work:
            st.rerun()
        amount = f": {size(now.done)} of {size(now.total)}" if now.total else ""
        st.progress(min(now.done / now.total, 0.99) if now.total else 0.0, text=f"{doing}{amount}")
        st.caption("It goes on if you leave this page.")


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
