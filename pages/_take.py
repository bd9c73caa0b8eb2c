"""Downloads of the Sequences page."""

from collections.abc import Callable
from functools import partial

import _result as result
import streamlit as st

from farzi_core.views import export, sequences
from farzi_core.views.load import SYNTHETIC, RunView, Synthetic
from farzi_core.views.sequences import Ints
from farzi_core.views.terms import TERMS

CSV, BINARY = "text/csv", "application/octet-stream"


def downloads(view: RunView, synthetic: Synthetic, decode: Callable[[], Ints]) -> None:
    """Every position of what is shown, the stored tensors, and the decoding `decode`; made when asked for."""
    vocab, called = view.vocab, TERMS[view.task]
    every = partial(sequences.all_positions, synthetic, vocab, 5)
    decoded = partial(sequences.decoded_table, decode, vocab)
    name = f"farzi-{view.folder.name}"
    st.header("Take it with you", anchor=False)
    with st.container(horizontal=True):
        result.save(
            "Positions, CSV",
            f"{name}.csv",
            lambda: export.csv(every()),
            CSV,
            f"Five {called.items} a position; cells that a spreadsheet would run are guarded.",
        )
        result.save(
            "Positions, Parquet",
            f"{name}.parquet",
            lambda: export.parquet(every()),
            BINARY,
            "The same table, lossless.",
        )
        result.save(
            "Z, M and tau, safetensors",
            f"{name}.safetensors",
            partial(view.read, SYNTHETIC),
            BINARY,
            "Everything: X = softmax(Z M / tau).",
        )
        result.save(
            "Decoded as above, CSV",
            f"{name}-decoded.csv",
            lambda: export.csv(decoded()),
            CSV,
            f"One {called.item} a position, in the decoding chosen above.",
        )
