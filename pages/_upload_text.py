"""Pieces of the Data page: a text becomes a data set. Every byte is read by a child process with limits."""

from typing import get_args

import _ui as ui
import streamlit as st
from streamlit.typing import UploadedFile

from farzi_core import limits
from farzi_core.data import library, sandbox
from farzi_core.data.encoding import ENCODINGS
from farzi_core.data.layouts import LAYOUT_NAMES, Layout
from farzi_core.data.text import TextOptions, TextPreview
from farzi_core.views import data as views
from farzi_core.views import text

AUTOMATIC = "recognise"
LAYOUTS: dict[str, Layout] = {LAYOUT_NAMES[one]: one for one in get_args(Layout)}


def upload() -> None:
    """File, preview, name, import: top to bottom, each step appears when the one before is done."""
    file = st.file_uploader(
        "Text",
        key="text_file",
        help="Plain text, Markdown or JSON lines, gzip allowed, or a zip of such files. Files named train, valid and "
        "test keep their split.",
    )
    if file is None:
        st.caption(
            "A book, notes, one sentence a line, or a zip of files. It stays on this machine. "
            f"At most {limits.MAX_UPLOAD_BYTES // limits.MIB} MiB."
        )
        return
    options = _options()
    preview = _preview(file.file_id, options.model_dump_json(), file)
    st.markdown("**First sentences, as they are read**")
    st.caption(text.markdown(views.text_words(preview)))
    st.dataframe(views.first_sentences(preview), hide_index=True, height=260, alt="First sentences of the text.")
    name = st.text_input(
        "Name of the data set", value=file.name.split(".")[0][:100], max_chars=100, key=f"name:{file.file_id}"
    )
    if st.button("Import", type="primary", icon=":material/download_done:", key="import"):
        with st.spinner("Reading the whole text"), sandbox.staged(file.getvalue(), file.name) as path:
            identifier, _ = sandbox.import_words(path, file.name, options, name=name or None)
        st.session_state[ui.State.IMPORTED] = library.IMPORTED + identifier
        st.rerun()


@ui.cached(max_entries=16)
def _preview(file_id: str, options: str, _file: UploadedFile) -> TextPreview:
    """Once a file and way of reading: the id of an upload is never used twice."""
    with sandbox.staged(_file.getvalue(), _file.name) as path:
        return sandbox.preview_words(path, _file.name, TextOptions.model_validate_json(options))


def _options() -> TextOptions:
    with st.expander("Reading went wrong? Say how to read it", icon=":material/tune:"):
        columns = st.columns(3)
        layout = columns[0].selectbox("Layout", [AUTOMATIC, *LAYOUTS], key="text:layout")
        encoding = columns[1].selectbox("Encoding", ENCODINGS, key="text:encoding")
        key = columns[2].text_input(
            "Key of the text", key="text:key", max_chars=100, help="JSON lines: the key that holds the text."
        )
    return TextOptions(layout=LAYOUTS.get(layout), encoding=encoding, key=key or None)
