"""One synthetic sequence on the Sequences page: its strip, whose items can be clicked, and its decoding."""

from collections.abc import Callable
from functools import partial

import _result as result
import _trace as trace
import streamlit as st
from _columns import columns

from farzi_core.views import reading, sequence_charts, sequences
from farzi_core.views.load import RunView
from farzi_core.views.sequences import Face, Ints
from farzi_core.views.terms import TERMS

PAGE = 50  # positions of a strip shown at once


def choose(view: RunView) -> int:
    """The sequence to look at, counted from 0."""
    called, mu = TERMS[view.task], view.synthetic.mu
    result.keep_in_range("sequence", mu)
    number: int = st.number_input(called.sequence.capitalize(), 1, mu, key="sequence", bind="query-params", width=200)
    return number - 1


def strip(view: RunView, face: Face, chosen: int) -> None:
    """The positions as bars; a click on an item traces it further down."""
    synthetic, called = face.of(view.synthetic), TERMS[view.task]
    xi = synthetic.xi
    first = PAGE * (st.pagination(-(-xi // PAGE), key="strip_page") - 1) if xi > PAGE else 0
    positions = sequences.positions(synthetic, chosen, view.vocab, 5)
    part = positions[positions["position"].between(first + 1, first + PAGE)]
    if xi > PAGE:
        st.caption(f"positions {first + 1} to {min(first + PAGE, xi)} of {xi}")
    chart = sequence_charts.strip(part, chosen + 1, synthetic.items, called, face)
    key = f"strip_{view.folder.name}_{chosen}_{first}_{face.name.lower()}"
    st.plotly_chart(
        chart.figure,
        key=key,
        alt=chart.alt,
        on_select=partial(trace.follow_click, key, view),
        selection_mode="points",
        config={"displaylogo": False},
    )
    st.caption(f"{chart.caption} Click one to trace it below.")
    if said := sequences.labels_sentence(view.synthetic, chosen, called):
        st.write(said)
    with st.expander(f"All values of this {called.sequence}"):
        alt = f"The five most probable {called.items} of every position."
        st.dataframe(positions, hide_index=True, column_config=columns(called), alt=alt)


def decoding(view: RunView, face: Face, chosen: int) -> Callable[[], Ints]:
    """The sequence as one line, in the decoding chosen here; returns what decodes all sequences like that."""
    synthetic = face.of(view.synthetic)
    way, seeded = st.columns([2, 1], vertical_alignment="bottom")
    sampled = way.radio("Decode", ["Most probable", "Sampled"], key="decode", horizontal=True) == "Sampled"
    seed = int(seeded.number_input("Seed of the sample", 0, 2**31 - 1, 0, key="seed", disabled=not sampled))
    drawn, best = partial(sequences.decode_sampled, synthetic, seed), partial(sequences.decode_argmax, synthetic)
    decode: Callable[[], Ints] = drawn if sampled else best
    line = sequences.join(decode()[chosen : chosen + 1], reading.of_run(view))[0]
    st.code(line, language=None, wrap_lines=True)
    return decode
