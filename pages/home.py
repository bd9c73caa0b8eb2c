"""What Farzi is in one picture and three sentences; one button that distils; the latest runs."""

import _ui as ui
import streamlit as st

from farzi_core.presets import PRESETS
from farzi_core.runs import launcher
from farzi_core.runs.store import Store
from farzi_core.views import picture, text
from farzi_core.views import runs as views

RECENT = 6  # rows; the Runs page has the rest

st.title("Farzi Studio", anchor=False)
st.markdown(
    "Farzi turns a log of what many people did into a few synthetic sequences, so small that you can read them all. "
    "They are learned by training a model on them, again and again, and correcting the sequences until the model does "
    "well on real people. Here you distil your own data, look inside the result, and see how much accuracy it keeps."
)

with st.container(border=True):
    for column, panel in zip(st.columns(3, gap="medium"), picture.panels(), strict=True):
        with column:
            st.image(panel.svg, width="stretch", alt=panel.alt)
            st.markdown(f"**{panel.title}**")
            st.caption(panel.sentence)

demo = PRESETS["demo"]
with st.container(horizontal=True, vertical_alignment="center"):
    clicked = st.button("Distil the built-in data now", type="primary", icon=":material/play_arrow:", key="distil_now")
    st.page_link("data.py", label="Use your own data", icon=":material/upload_file:")
st.caption(f"Python calls: which function is called next in the source code on this machine. {demo.sentence}")
request = ui.request_id(clicked)
if clicked:
    ui.open_run(launcher.submit(demo.config, request))

st.header("Recent runs", anchor=False)
recent = Store().list()[:RECENT]
for run in recent:
    with st.container(horizontal=True, vertical_alignment="center"):
        label = text.markdown(text.truncate(views.title(run), 60))
        st.page_link("runs.py", label=label, query_params={ui.Url.RUN: run.id})
        ui.badge(run.state)
        if run.created:
            st.caption(views.age(run.created))
if not recent:
    ui.empty_state(
        "No runs yet",
        "A run is one distillation. The button above starts the first. It survives closing the browser.",
        page="data.py",
        label="Or choose your data first",
    )
