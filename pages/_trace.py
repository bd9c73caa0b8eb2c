"""One item traced through the run, on the Sequences page: synthetic positions, factors, neighbours, real sequences."""

import _result as result
import _ui as ui
import streamlit as st
from _choice import linked_choice
from _columns import columns

from farzi_core.views import reading, trace
from farzi_core.views.load import COVERAGE, RunView
from farzi_core.views.terms import TERMS
from farzi_core.views.trace import Occurrences


def follow_click(chart: str, view: RunView) -> None:
    """The item whose bar was clicked in the strip becomes the traced one."""
    for point in st.session_state[chart].selection.points[:1]:
        if "customdata" in point:  # not one of the bars for all other items, or of entropy
            item = int(point["customdata"][2])
            st.session_state[f"choice_{ui.Url.ITEM}"] = view.vocab["item"].iloc[item]


@ui.cached
def _occurrences(_view: RunView, item: int, key: tuple[str, int, int]) -> Occurrences:
    return trace.occurrences(_view.synthetic, item)


def traced(view: RunView) -> None:
    """The item of the address, of the last click, or the most frequent one."""
    called, vocab = TERMS[view.task], view.vocab
    st.header(f"Trace one {called.item}", anchor=False)
    titles = dict(zip(vocab["item"], vocab["title"], strict=True))
    chosen = linked_choice(f"{called.item.capitalize()} to trace", titles, ui.Url.ITEM)
    item = list(titles).index(chosen)
    seen = _occurrences(view, item, result.key_of(view))
    st.write(trace.sentence(vocab, item, seen, view.synthetic.mu * view.synthetic.xi, called))
    left, right = st.columns(2, gap="medium")
    with left:
        _synthetic(view, seen)
    with right:
        _factors(view, item)
    _real(view, item)


def _synthetic(view: RunView, seen: Occurrences) -> None:
    called = TERMS[view.task]
    st.subheader("Its surest synthetic positions", anchor=False)
    alt = f"Synthetic positions where the {called.item} is most probable."
    st.dataframe(seen.table, hide_index=True, column_config=columns(called), alt=alt, height=300)


def _factors(view: RunView, item: int) -> None:
    called = TERMS[view.task]
    st.subheader("Its column of M", anchor=False)
    result.draw(trace.column_chart(view.synthetic, item, called), "trace_column")
    st.page_link(
        "factors.py",
        label="Find it on the map of items",
        icon=":material/scatter_plot:",
        query_params={ui.Url.RUN: view.folder.name, "highlight": view.vocab["title"].iloc[item]},
    )


def _real(view: RunView, item: int) -> None:
    called = TERMS[view.task]
    names, alike = columns(called), trace.neighbours(view.synthetic, view.vocab, item)
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Nearest in factor space", anchor=False)
        st.dataframe(alike, hide_index=True, column_config=names, alt=f"{called.items} with the nearest columns of M.")
        st.caption(f"Near columns of M: the same probability wherever they stand. Compare their {called.events}.")
    with right:
        st.subheader(f"Real {called.sequences} with it", anchor=False)
        if not view.has(COVERAGE):
            st.write("This run was made by an older version, which kept no real windows to search.")
            return
        count, rows = trace.containing(view.coverage, view.covered_windows, item, reading.of_run(view))
        st.dataframe(rows, hide_index=True, column_config=names, alt=f"Real windows that contain the {called.item}.")
        st.caption(
            f"{count:,} of {len(view.coverage):,} real windows contain it; a window is the part that lies beside the "
            f"nearest synthetic {called.sequence}, whose number is shown."
        )
