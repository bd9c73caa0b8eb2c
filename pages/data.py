"""Choose, download or upload events or a text; what was read and refused; how the data look."""

import _data as parts
import _portrait as portrait
import _ui as ui
import _upload as upload
import _upload_text as upload_text
import streamlit as st
from _choice import linked_choice

from farzi_core.data import library

CHOOSE, UPLOAD = "Choose a data set", "Upload a file"
EVENTS, TEXT = "Events", "Text"

st.title("Data", anchor=False)
if imported := st.session_state.pop(ui.State.IMPORTED, None):
    st.session_state[ui.Url.MODE] = CHOOSE
    st.query_params[ui.Url.DATA] = imported
    st.toast("Imported. Below is what was read, and how the data look.", icon=":material/check_circle:")

mode = st.radio(
    "Where from",
    [CHOOSE, UPLOAD],
    horizontal=True,
    key=ui.Url.MODE,
    bind="query-params",
    label_visibility="collapsed",
)
if mode == UPLOAD:
    what = st.radio(
        "What it holds",
        [EVENTS, TEXT],
        horizontal=True,
        key=ui.Url.CONTENT,
        bind="query-params",
        label_visibility="collapsed",
    )
    (upload_text if what == TEXT else upload).upload()
    st.stop()

cards = {card.key: card for card in library.list_sources(counts=False)}
card = cards[linked_choice("Data", {key: parts.label(one) for key, one in cards.items()}, ui.Url.DATA)]
parts.describe(card)
if card.ready:
    parts.actions(card)
    portrait.portrait(card)
elif card.kind == "catalogue":
    parts.download(card)
