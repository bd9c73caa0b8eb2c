"""Every synthetic sequence: what it says, how sure it is, which real ones it stands for, and whether it is a copy."""

import _result as result
import _strip as one
import _take as take
import _trace as trace
import _twin as twin
import streamlit as st
from _columns import columns

from farzi_core.views import sequences
from farzi_core.views.load import SYNTHETIC
from farzi_core.views.sequences import Sort
from farzi_core.views.terms import TERMS

st.title("Sequences", anchor=False)
view = result.open_result(SYNTHETIC)
synthetic, called = view.synthetic, TERMS[view.task]
twice = " At each a student reads one, and is to predict another." if synthetic.wanted else ""
st.write(
    f"{synthetic.mu:,} synthetic {called.sequences} of {synthetic.xi:,} positions. A position is not one "
    f"{called.item} but a distribution over all {synthetic.items:,}: a student learns from the whole of it.{twice}"
)
if view.config.excerpts:
    st.caption(sequences.EXCERPTS)
if view.tokeniser:
    st.caption(f"Below they are read as {called.sequences}; ¶ stands where one ends.")

# --- all sequences
find, order, direction = st.columns([3, 2, 1], vertical_alignment="bottom")
contains = find.text_input(
    "Decoded contains",
    key="find",
    bind="query-params",
    type="search",
    placeholder=f"part of a {called.item}" if view.tokeniser else "part of a title",
)
sort = Sort(order.selectbox("Sort by", [each.value for each in Sort], key="sort", bind="query-params"))
descending = direction.toggle("Descending", key="descending", bind="query-params")
shown = sequences.select(result.overview(view, result.key_of(view)), contains, sort, descending)
table = f"overview_{view.folder.name}_{sort}_{descending}_{len(shown)}"


def follow_selection() -> None:
    for row in st.session_state[table].selection.rows:
        st.session_state["sequence"] = int(shown["number"].iloc[row])


st.dataframe(
    shown,
    hide_index=True,
    height=min(38 + 35 * max(len(shown), 1), 320),
    key=table,
    on_select=follow_selection,
    selection_mode="single-row",
    alt=f"{len(shown)} synthetic {called.sequences} with their decoded {called.items}, entropy and distance.",
    column_config=columns(called),
)
st.caption(f"{len(shown):,} of {synthetic.mu:,} {called.sequences}. Select a row to look at it below.")

# --- one sequence, beside the real ones
st.header(f"One {called.sequence}", anchor=False)
chosen = one.choose(view)
face = result.face(view)
if synthetic.wanted:
    st.caption(
        "The strip, its decoding and the downloads are as chosen here; all else on this page is of what is read."
    )
one.strip(view, face, chosen)
decode = one.decoding(view, face, chosen)
twin.nearest(view, chosen)
twin.stands_for(view, chosen)

# --- one item, all of them, and away
trace.traced(view)
twin.copies(view)
take.downloads(view, face, decode)
