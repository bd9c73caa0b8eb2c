"""Pieces of the Data page: a data set's card, its download, and waiting for an errand."""

from collections.abc import Callable

import _ui as ui
import streamlit as st

from farzi_core.data import catalogue, errands, library
from farzi_core.data.errands import Errand
from farzi_core.data.library import SourceCard
from farzi_core.views import text
from farzi_core.views.runs import size

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
    wait(errand, "Downloading", begin=False)


def wait(errand: Errand, doing: str, *, begin: bool = True, unit: Callable[[int], str] = size) -> None:
    """Progress of an errand until it has ended, then the page again. `begin`: start it, once, where nobody has; `unit`
    writes its numbers."""
    asked: set[Errand] = st.session_state.setdefault(ui.State.ERRANDS, set())
    now = errands.look(errand)
    if not now.at_work and not now.refused and begin and errand not in asked:
        asked.add(errand)
        errands.start(errand)
        now = errands.look(errand)
    if now.at_work:
        asked.add(errand)
        st.fragment(_watch, run_every=1.0)(errand, doing, unit)
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


def _watch(errand: Errand, doing: str, unit: Callable[[int], str]) -> None:
    with ui.guard():
        now = errands.look(errand)
        if not now.at_work:
            st.rerun()
        amount = f": {unit(now.done)} of {unit(now.total)}" if now.total else ""
        st.progress(min(now.done / now.total, 0.99) if now.total else 0.0, text=now.waiting or f"{doing}{amount}")
        st.caption("It goes on if you leave this page.")
