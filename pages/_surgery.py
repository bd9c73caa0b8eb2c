"""Pieces of the Surgery page: the trail of edits in the address, the form for one more, and retraining."""

import _data as parts
import _result as result
import _ui as ui
import streamlit as st

from farzi_core.data import errands
from farzi_core.errors import ConfigError
from farzi_core.evaluation import surgery as core
from farzi_core.evaluation.report import RowName
from farzi_core.evaluation.surgery import COUNTED, LARGEST_FACTOR, MAX_EDITS, Edit, Retrained, Verb
from farzi_core.views import surgery, text
from farzi_core.views.load import EVALUATION, SYNTHETIC, RunView
from farzi_core.views.surgery import Trail
from farzi_core.views.terms import Terms


def trail_of_address() -> Trail:
    """The edits in the address; where they cannot be read the page says why, offers what can, and stops."""
    written = st.query_params.get(ui.Url.EDITS, "")
    try:
        return Trail.of(written, st.query_params.get(ui.Url.UPTO, ""))
    except ConfigError as error:
        st.error(text.markdown(str(error)), icon=":material/error:")
        good = core.readable(written)
        st.write("The address is unchanged: correct it there, or go on with the edits before the one that is wrong.")
        st.button(f"Keep the first {len(good)} edits", on_click=go, args=(Trail(good, len(good)),))
        st.stop()


def go(trail: Trail) -> None:
    """Write the trail into the address."""
    for name, value in zip((ui.Url.EDITS, ui.Url.UPTO), trail.address, strict=True):
        if value:
            st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]


def draw_trail(trail: Trail, titles: list[str], called: Terms) -> None:
    """Every state of the data as a button, the shown one marked; undone edits stay until another is made."""
    with st.container(horizontal=True):
        st.button(
            "Undo", icon=":material/undo:", on_click=go, args=(trail.to(trail.done - 1),), disabled=not trail.done
        )
        at_end = trail.done == len(trail.edits)
        st.button("Redo", icon=":material/redo:", on_click=go, args=(trail.to(trail.done + 1),), disabled=at_end)
    with st.container(horizontal=True):
        for place in range(len(trail.edits) + 1):
            said = surgery.words(trail.edits[place - 1], titles, called) if place else "as distilled"
            shown = place == trail.done
            label = text.markdown(f"{place}. {said}{' (undone)' if place > trail.done else ''}")
            kind = "primary" if shown else "secondary"
            st.button(label, key=f"trail_{place}", type=kind, on_click=go, args=(trail.to(place),))


def one_more(trail: Trail, view: RunView, titles: list[str], called: Terms) -> None:
    """The form for another edit, in one line where the window is wide enough."""
    verbs = surgery.verbs(called)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        verb = verbs[st.selectbox("Edit", list(verbs), key="verb", bind="query-params", width=280)]
        numbers = tuple(_number(name, place, verb, view, titles, called) for place, name in enumerate(COUNTED[verb]))
        by = None
        if verb is Verb.SCALE:
            by = st.number_input("Times", -LARGEST_FACTOR, LARGEST_FACTOR, 0.5, 0.1, key="edit_by", width=140)
        full = len(trail.current) >= MAX_EDITS
        more = trail if full else trail.add(Edit(verb, numbers, by))
        st.button("Make this edit", icon=":material/content_cut:", on_click=go, args=(more,), disabled=full)


def _number(name: str, place: int, verb: Verb, view: RunView, titles: list[str], called: Terms) -> int:
    """One whole number of an edit, from 1: a factor, sequence or position by its number, an item by its title."""
    if name == "item":
        ids = range(1, len(titles) + 1)
        return st.selectbox(
            called.item.capitalize(), ids, format_func=lambda one: titles[one - 1], key="edit_item", width=220
        )
    synthetic = view.synthetic
    size = {"factor": len(synthetic.decoder), "sequence": synthetic.mu, "position": synthetic.xi}[name]
    result.keep_in_range(key := f"edit_{name}_{place}", size)
    noun = (called.sequence if name == "sequence" else name).capitalize()
    label = noun if COUNTED[verb].count(name) == 1 else f"{noun} {place + 1}"
    return int(st.number_input(label, 1, size, key=key, width=140))


def retrain(view: RunView, trail: Trail) -> Retrained | None:
    """The students of these edits if they were trained before, else the way to train them."""
    source = core.source(view.folder.name, view.checksum(SYNTHETIC), trail.current)
    found = errands.retrained(source)
    if found is not None:
        return found
    errand = errands.Errand("retrain", source)
    if not errands.look(errand).at_work:
        st.write(_cost(view))
        if st.button("Retrain the students", type="primary", icon=":material/model_training:", disabled=not trail.done):
            errands.start(errand)
            st.session_state.setdefault(ui.State.ERRANDS, set()).add(errand)
            st.rerun()
    parts.wait(errand, "Students trained", begin=False, unit="{:,}".format)
    return None


def _cost(view: RunView) -> str:
    said = "Fresh students learn from the data before and after the edits; what they reach is kept for this link."
    row = view.evaluation.row(RowName.DISTILLED) if view.has(EVALUATION) else None
    if row is None:
        return said
    count = view.config.evaluation.seeds
    return f"{said} One of them took {row.seconds:.1f} s in this run; there are {count} on each side."
