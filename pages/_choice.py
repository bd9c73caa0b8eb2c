"""What a person chose, kept in the address and for the session: a run, or one of some options."""

from collections.abc import Collection, Mapping, Sequence

import streamlit as st
from _ui import Url

from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run, RunSummary
from farzi_core.runs.store import Store
from farzi_core.views import runs as views
from farzi_core.views import text


def current_run(states: Collection[RunState] | None = None, known: Sequence[RunSummary] | None = None) -> Run | None:
    """The run named by `?run=`, changed by a chooser; None where no run is in one of `states` (None: any state).

    `known` is `Store().list()` where the page has it already: a thousand runs take a fifth of a second. The newest is
    first. The choice follows the person from page to page and stands in the address of each.
    """
    listed = Store().list() if known is None else known
    runs = {one.id: views.label(one) for one in listed if states is None or one.state in states}
    return Run(Store().root / linked_choice("Run", runs, Url.RUN)) if runs else None


def linked_choice(
    label: str, options: Mapping[str, str], url: Url, default: str | None = None, *, radio: bool = False
) -> str:
    """A chooser of ids (shown as their labels, plain text) that is written to and read from the address.

    A link wins over the chooser, but only once: afterwards the chooser writes the address. The choice is kept for the
    session, so that it follows from page to page.
    """
    choice, followed = f"choice_{url}", f"followed_{url}"
    linked = st.query_params.get(url)
    if linked and linked != st.session_state.get(followed):
        if linked in options:
            st.session_state[choice] = linked
        else:
            st.warning(f"{text.markdown(text.truncate(linked, 80))} is not here; choose another {label.lower()}.")
    if st.session_state.get(choice) not in options:
        st.session_state[choice] = default if default in options else next(iter(options))
    ids, show = list(options), options.__getitem__
    if radio:
        chosen = st.radio(label, ids, format_func=show, key=choice, persist_state="session", horizontal=True)
    else:
        chosen = st.selectbox(label, ids, format_func=show, key=choice, persist_state="session")
    st.query_params[url] = st.session_state[followed] = chosen
    return chosen
