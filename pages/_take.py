"""Downloads of the Sequences page."""

from collections.abc import Callable
from functools import partial

import _result as result
import safetensors.numpy
import streamlit as st

from farzi_core.views import export, package, sequences
from farzi_core.views.load import RunView
from farzi_core.views.sequences import Face, Ints
from farzi_core.views.terms import TERMS

CSV, BINARY = "text/csv", "application/octet-stream"


_STORED = (
    "Everything: X = softmax(Z M / tau).",
    "Everything: softmax(latent M / tau) is read, softmax(label_latent M / tau) is to be predicted there.",
)


def downloads(view: RunView, face: Face, decode: Callable[[], Ints]) -> None:
    """Every position of what is shown, the stored tensors, and the decoding `decode`; made when asked for."""
    synthetic, vocab, called = face.of(view.synthetic), view.vocab, TERMS[view.task]
    every = partial(sequences.all_positions, synthetic, vocab, 5)
    decoded = partial(sequences.decoded_table, decode, vocab)
    run = f"farzi-{view.folder.name}"
    name = run if face is Face.READ else f"{run}-labels"
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
            f"{run}.safetensors",
            lambda: safetensors.numpy.save(package.tensors(view.synthetic)),
            BINARY,
            _STORED[view.synthetic.wanted is not None],
        )
        result.save(
            "Decoded as above, CSV",
            f"{name}-decoded.csv",
            lambda: export.csv(decoded()),
            CSV,
            f"One {called.item} a position, in the decoding chosen above.",
        )
