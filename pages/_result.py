"""What the pages that look inside a run share: opening its result, drawing a chart, saving a file."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import NoReturn

import _ui as ui
import pandas as pd
import streamlit as st
from _choice import current_run

from farzi_core.errors import StoreError
from farzi_core.runs.manifest import MANIFEST, RunState
from farzi_core.views import reading, sequences
from farzi_core.views.load import NEAREST, RunView
from farzi_core.views.sequences import Face
from farzi_core.views.theme import Chart


def open_run(states: Collection[RunState] | None = None) -> tuple[RunView, RunState]:
    """The chosen run, one in `states` (None: any), and its state; without one the page says what to do, and stops."""
    run = current_run(states)
    if run is None:
        ui.empty_state(
            "Nothing distilled yet",
            "When a run has finished, this page shows what is in it. The built-in data need about a minute.",
            page="home.py",
            label="Distil the built-in data",
        )
        st.stop()
    summary = run.summary()
    if summary.state is RunState.DAMAGED:
        raise StoreError(summary.error)
    return _view(str(run.folder), ui.fingerprint(run.folder / MANIFEST)), summary.state


def open_result(needed: str, states: Collection[RunState] | None = None) -> RunView:
    """The result of the chosen run; without the file `needed` the page says why, and what to do, and stops."""
    view, state = open_run(states)
    if not view.has(needed):
        not_yet(state, "This page fills when the run has finished.")
    if state is not RunState.DONE:
        st.warning("This run is not finished: what you see is the best result it stored.", icon=":material/info:")
    return view


def not_yet(state: RunState, when: str) -> NoReturn:
    """Nothing to see of a run that works (`when` says until when) or that ended too early."""
    if state.active:
        ui.empty_state(
            "Still at work",
            f"{when} Until then, its curves and its time left are on the Runs page.",
            page="runs.py",
            label="Watch the run",
        )
    else:
        ui.empty_state(
            "This run has no result here",
            "It ended before this part was computed. The Runs page says why, and can resume or duplicate it.",
            page="runs.py",
            label="Open the run",
        )
    st.stop()


@ui.shared
def _view(folder: str, _: tuple[str, int, int]) -> RunView:
    """One reader a run and version of its manifest, shared by all sessions."""
    return RunView(Path(folder))


@ui.cached
def overview(_view: RunView, key: tuple[str, int, int]) -> pd.DataFrame:
    """`sequences.overview` of a run; `key` is the fingerprint of its manifest."""
    nearest = _view.nearest if _view.has(NEAREST) else None
    return sequences.overview(_view.synthetic, reading.of_run(_view), nearest)


_FACES_HELP = (
    "This run has labels of its own (synthetic.labels): at a position a student reads one distribution, and is to "
    "predict another, which stands for what comes next."
)


def face(view: RunView) -> Face:
    """Of a run whose positions have labels of their own, what is asked for to be looked at."""
    if view.synthetic.wanted is None:
        return Face.READ
    names = [one.value for one in Face]
    asked = st.radio("Of each position", names, horizontal=True, key="face", bind="query-params", help=_FACES_HELP)
    return Face(asked)


def key_of(view: RunView) -> tuple[str, int, int]:
    """Changes when anything committed in the run changes."""
    return ui.fingerprint(view.folder / MANIFEST)


def draw(chart: Chart, key: str) -> None:
    """The figure with its alt text, and under it what a reader should know."""
    st.plotly_chart(chart.figure, key=key, alt=chart.alt, config={"displaylogo": False})
    st.caption(chart.caption)


def save(label: str, name: str, make: Callable[[], bytes], mime: str, help: str) -> None:
    """A download that is computed when it is asked for."""
    st.download_button(
        label, data=make, file_name=name, mime=mime, help=help, on_click="ignore", icon=":material/download:"
    )


def keep_in_range(key: str, highest: int) -> None:
    """Forget a remembered or linked number that this run does not have (numbers count from 1)."""
    if not 1 <= st.session_state.get(key, 1) <= highest:
        st.session_state[key] = 1
