"""What can be done with a run: stop, resume, duplicate, delete, and look at its results."""

from collections.abc import Callable

import _ui as ui
import streamlit as st

from farzi_core.runs import launcher
from farzi_core.runs.manifest import RESUMABLE, RunState
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store
from farzi_core.views import runs as views

RESULTS = (
    ("sequences.py", "Sequences", ":material/view_timeline:"),
    ("factors.py", "Factors", ":material/bubble_chart:"),
    ("replay.py", "Replay", ":material/slow_motion_video:"),
    ("surgery.py", "Surgery", ":material/content_cut:"),
    ("accuracy.py", "Accuracy", ":material/leaderboard:"),
)
WHILE_IT_WORKS = tuple(one for one in RESULTS if one[1] == "Replay")


def actions(run: Run, state: RunState) -> None:
    """Stop, resume, duplicate, delete, each where it can be done; and the way to the results."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if state.active:
            stopping = state is RunState.STOPPING
            st.button("Stop", icon=":material/stop:", on_click=_do, args=(launcher.stop, run), disabled=stopping)
        if state in RESUMABLE:
            st.button("Resume", icon=":material/resume:", on_click=_do, args=(launcher.resume, run))
        if st.button("Duplicate", icon=":material/content_copy:", help="Opens its settings as a new form."):
            st.switch_page("distill.py", query_params={ui.Url.LIKE: run.id})
        why = "Stop it first." if state.active else None
        if st.button("Delete", icon=":material/delete:", disabled=state.active, help=why):
            _confirm_delete(run)
        begun = WHILE_IT_WORKS if state.active and run.snapshots else ()
        for page, label, icon in RESULTS if state is RunState.DONE else begun:
            st.page_link(page, label=label, icon=icon, query_params={ui.Url.RUN: run.id})


def _do(action: Callable[[Run], object], run: Run) -> None:
    """Callbacks run before the page and outside its guard."""
    with ui.guard():
        action(run)


@st.dialog("Delete this run?", icon=":material/delete:")
def _confirm_delete(run: Run) -> None:
    with ui.guard():
        st.text(f"{views.title(run.summary())}\n{run.id}, {views.size(run.size())}")
        st.write("Its checkpoints, results and log are removed from this machine. This cannot be undone.")
        with st.container(horizontal=True):
            gone = st.button("Delete for good", type="primary", icon=":material/delete_forever:")
            kept = st.button("Keep it")
        if gone:
            Store().delete(run.id)
        if gone or kept:
            st.rerun()
