"""Pieces of the Data page: a file becomes a data set. Every byte is read by a child process with limits."""

import _ui as ui
import streamlit as st
from streamlit.typing import UploadedFile

from farzi_core import limits
from farzi_core.data import library, sandbox
from farzi_core.data.encoding import ENCODINGS
from farzi_core.data.ingest import Preview
from farzi_core.data.mapping import ROLES, Mapping, Role
from farzi_core.data.source import ReadOptions
from farzi_core.views import data as views
from farzi_core.views import text

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " ", "double colon": "::"}
HELP: dict[Role, str] = {
    "user": "Whose sequence an event belongs to: a person, a session, a song.",
    "item": "What happened: the thing that is predicted.",
    "order": "A number that orders the events of a user.",
    "time": "Unix seconds or milliseconds, or ISO 8601. Without time and order, the order of the file counts.",
    "title": "The item's name for people.",
    "group": "The item's genre, category or package; colours the item map.",
    "sequence": "Instead of item: a column whose cells hold whole sequences, items separated by spaces.",
}
TITLE_ROLES: tuple[Role, ...] = ("item", "title", "group")


def upload() -> None:
    """File, preview, mapping, titles, import: top to bottom, each step appears when the one before is done."""
    file = st.file_uploader(
        "Events",
        key="events_file",
        help="CSV, TSV, Parquet, JSON lines, RecBole, MovieLens, Amazon ratings, UCI e-shop; gzip and known zips too.",
    )
    if file is None:
        st.caption(
            "A table with one event a row (whose, what, when), or one sequence a row. It stays on this machine. "
            f"At most {limits.MAX_UPLOAD_BYTES // limits.MIB} MiB."
        )
        return
    options = _options("events")
    preview = _preview(file.file_id, options.model_dump_json(), file)
    st.markdown("**First rows, as they are read**")
    st.caption(text.markdown(_kind(preview)))
    st.dataframe(views.first_rows(preview), hide_index=True, height=210, alt="First rows of the file.")
    mapping = _mapping(preview)
    titles, titles_mapping, titles_options = _titles(preview, mapping.item)
    name = st.text_input(
        "Name of the data set", value=file.name.split(".")[0][:100], max_chars=100, key=f"name:{file.file_id}"
    )
    if st.button("Import", type="primary", icon=":material/download_done:", key="import"):
        with st.spinner("Reading the whole file"), sandbox.staged(file.getvalue(), file.name) as path:
            chosen = {"mapping": mapping, "options": options, "name": name or None}
            if titles is None:
                identifier, _ = sandbox.import_file(path, file.name, **chosen)
            else:
                with sandbox.staged(titles.getvalue(), titles.name) as second:
                    more = {
                        "titles_filename": titles.name,
                        "titles_mapping": titles_mapping,
                        "titles_options": titles_options,
                    }
                    identifier, _ = sandbox.import_file(path, file.name, titles_path=second, **chosen, **more)
        st.session_state[ui.State.IMPORTED] = library.IMPORTED + identifier
        st.rerun()


@ui.cached(max_entries=16)
def _preview(file_id: str, options: str, _file: UploadedFile) -> Preview:
    """Once a file and way of reading: the id of an upload is never used twice."""
    with sandbox.staged(_file.getvalue(), _file.name) as path:
        return sandbox.preview_file(path, _file.name, ReadOptions.model_validate_json(options))


def _kind(preview: Preview) -> str:
    """Format and what was recognised, in words; foreign text."""
    names = {mark: name for name, mark in DELIMITERS.items()}
    parts = [preview.format, f"{len(preview.columns)} columns"]
    if preview.delimiter:
        parts.append(f"separated by {names.get(preview.delimiter, repr(preview.delimiter))}")
    if preview.encoding:
        parts.append(preview.encoding)
    return " · ".join([*parts, *preview.notes])


def _options(which: str) -> ReadOptions:
    with st.expander("Reading went wrong? Say how to read it", icon=":material/tune:"):
        columns = st.columns(3)
        automatic = "recognise"
        with columns[0]:
            delimiter = st.selectbox("Columns are separated by", [automatic, *DELIMITERS], key=f"{which}:delimiter")
        with columns[1]:
            encoding = st.selectbox("Encoding", [automatic, *ENCODINGS], key=f"{which}:encoding")
        with columns[2]:
            header = st.selectbox("First line", [automatic, "column names", "data"], key=f"{which}:header")
    return ReadOptions(
        delimiter=DELIMITERS.get(delimiter),
        encoding=None if encoding == automatic else encoding,
        header=None if header == automatic else header == "column names",
    )


def _mapping(preview: Preview) -> Mapping:
    """What the columns of the events mean: one chooser a role, with the guess preselected."""
    st.markdown("**Which column is what**")
    guess = preview.guess
    reason = text.markdown(f"{guess.reason[:1].upper()}{guess.reason[1:]}.")
    (st.warning if guess.confidence in {"position", "none"} else st.caption)(f"Preselected. {reason}")
    return _choosers(preview, ROLES, guess.mapping, "events")


def _choosers(preview: Preview, roles: tuple[Role, ...], guess: Mapping, which: str) -> Mapping:
    chosen: dict[str, str | None] = {}
    options: list[str | None] = [None, *preview.columns]
    for start in range(0, len(roles), 4):
        for column, role in zip(st.columns(4), roles[start : start + 4], strict=False):
            with column:
                guessed = getattr(guess, role)
                chosen[role] = st.selectbox(
                    role.capitalize(),
                    options,
                    index=options.index(guessed) if guessed in options else 0,
                    format_func=lambda name: "(none)" if name is None else text.visible(name),
                    key=f"{which}:{hash(preview)}:{role}",
                    help=HELP[role],
                )
    return Mapping.model_validate(chosen)


def _titles(preview: Preview, item: str | None) -> tuple[UploadedFile | None, Mapping | None, ReadOptions | None]:
    """A second table that gives items their names; its item column is likely called like that of the events, `item`."""
    if preview.has_titles:
        st.caption("The file brings its own table of titles.")
    with st.expander("Item titles from a second file (optional)", icon=":material/title:"):
        file = st.file_uploader(
            "Titles", key="titles_file", help="A table with a column of item ids and one of titles."
        )
        if file is None:
            return None, None, None
        options = _options("titles")
        second = _preview(file.file_id, options.model_dump_json(), file)
        st.dataframe(views.first_rows(second), hide_index=True, height=160, alt="First rows of the titles file.")
        guess = second.guess.mapping
        if guess.item is None and item in second.columns:
            guess = guess.model_copy(update={"item": item})
        return file, _choosers(second, TITLE_ROLES, guess, "titles"), options
