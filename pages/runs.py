"""One run live, with what can be done about it; all runs; several runs side by side."""

import _ui as ui
import streamlit as st
from _actions import actions
from _choice import current_run
from _doors import doors
from _live import live
from _overview import compare, overview

from farzi_core.runs.store import Store

st.title("Runs", anchor=False)

known = Store().list()
run = current_run(known=known)
if run is None:
    ui.empty_state(
        "No runs yet",
        "A run is one distillation: it works in its own process, survives closing the browser, and is listed here.",
        page="distill.py",
        label="Choose settings and start one",
    )
    st.stop()

state = run.state()
ui.announce(run, state)
actions(run, state)
live(run, state)
doors(run, state)

st.divider()
st.header("All runs", anchor=False)
st.caption("Select two or more rows to compare them.")
chosen = overview(known)
if len(chosen) > 1:
    compare(chosen)
