"""Every synthetic sequence: what it says, how sure it is, what is nearest to it, and whether it is a copy."""

from functools import partial

import _result as result
import streamlit as st
from _columns import columns

from farzi_core.views import export, reading, sequence_charts, sequences
from farzi_core.views.load import MEMORISATION, NEAREST, SYNTHETIC
from farzi_core.views.sequences import Sort
from farzi_core.views.terms import TERMS

CSV, BINARY = "text/csv", "application/octet-stream"
PAGE = 50  # positions of a strip shown at once

st.title("Sequences", anchor=False)
view = result.open_result(SYNTHETIC)
synthetic, vocab, called, read = view.synthetic, view.vocab, TERMS[view.task], reading.of_run(view)
names = columns(called)
st.write(
    f"{synthetic.mu:,} synthetic {called.sequences} of {synthetic.xi:,} positions. A position is not one "
    f"{called.item} but a distribution over all {synthetic.items:,}: a student learns from the whole of it."
)

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
sort = Sort(order.selectbox("Sort by", [one.value for one in Sort], key="sort", bind="query-params"))
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
    column_config=names,
)
st.caption(f"{len(shown):,} of {synthetic.mu:,} {called.sequences}. Select a row to look at it below.")

# --- one sequence
result.keep_in_range("sequence", synthetic.mu)
st.header(f"One {called.sequence}", anchor=False)
number = st.number_input(called.sequence.capitalize(), 1, synthetic.mu, key="sequence", bind="query-params", width=200)
chosen = number - 1
first = PAGE * (st.pagination(-(-synthetic.xi // PAGE), key="strip_page") - 1) if synthetic.xi > PAGE else 0
positions = sequences.positions(synthetic, chosen, vocab, 5)
part = positions[positions["position"].between(first + 1, first + PAGE)]
if synthetic.xi > PAGE:
    st.caption(f"positions {first + 1} to {min(first + PAGE, synthetic.xi)} of {synthetic.xi}")
result.draw(sequence_charts.strip(part, number, synthetic.items, called), "strip")

way, seeded = st.columns([2, 1], vertical_alignment="bottom")
sampled = way.radio("Decode", ["Most probable", "Sampled"], key="decode", horizontal=True) == "Sampled"
seed = int(seeded.number_input("Seed of the sample", 0, 2**31 - 1, 0, key="seed", disabled=not sampled))
decode = partial(sequences.decode_sampled, synthetic, seed) if sampled else partial(sequences.decode_argmax, synthetic)
st.code(sequences.join(decode()[chosen : chosen + 1], read)[0], language=None, wrap_lines=True)
with st.expander(f"All values of this {called.sequence}"):
    st.dataframe(
        positions, hide_index=True, column_config=names, alt=f"The five most probable {called.items} of every position."
    )

# --- nearest real sequences
if view.has(NEAREST):
    st.header(f"Nearest real {called.sequences}", anchor=False)
    real = view.nearest[view.nearest["synthetic"] == chosen]
    near = sequences.neighbours(real, chosen, synthetic.xi, read)
    st.dataframe(near, hide_index=True, column_config=names, alt="Nearest training windows with their distances.")
    st.caption(
        f"Distance is 1 minus the expected share of the {synthetic.xi} positions where both agree, at the best "
        f"alignment. (outside) is a position before or after the real {called.sequence}."
    )
    rank = int(st.selectbox("Compare with", near["rank"], format_func="nearest no. {}".format, width=200))
    items = real.loc[real["rank"] == rank - 1, "items"].iloc[0]
    beside = sequences.alignment(synthetic, chosen, items, vocab["title"])
    st.dataframe(beside, hide_index=True, column_config=names, alt=f"A synthetic {called.sequence} beside a real one.")

# --- are they copies?
if view.has(MEMORISATION):
    st.header("Are they copies?", anchor=False)
    st.write(sequence_charts.memorisation_reading(view.memorisation, called))
    result.draw(sequence_charts.memorisation_chart(view.memorisation, synthetic.xi, called), "memorisation")

# --- downloads
st.header("Take it with you", anchor=False)
every = partial(sequences.all_positions, synthetic, vocab, 5)
name = f"farzi-{view.folder.name}"
with st.container(horizontal=True):
    result.save(
        "Positions, CSV",
        f"{name}.csv",
        lambda: export.csv(every()),
        CSV,
        f"Five {called.items} a position; cells that a spreadsheet would run are guarded.",
    )
    result.save(
        "Positions, Parquet", f"{name}.parquet", lambda: export.parquet(every()), BINARY, "The same table, lossless."
    )
    result.save(
        "Z, M and tau, safetensors",
        f"{name}.safetensors",
        partial(view.read, SYNTHETIC),
        BINARY,
        "Everything: X = softmax(Z M / tau).",
    )
    decoded = partial(sequences.decoded_table, decode, vocab)
    result.save(
        "Decoded as above, CSV",
        f"{name}-decoded.csv",
        lambda: export.csv(decoded()),
        CSV,
        f"One {called.item} a position, in the decoding chosen above.",
    )
