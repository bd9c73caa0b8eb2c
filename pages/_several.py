"""What the figures over several runs share: reading finished runs, picking points, comparing what was picked."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import _ui as ui
import streamlit as st

from farzi_core.errors import StoreError
from farzi_core.runs.manifest import MANIFEST, RunState
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store
from farzi_core.views import compare, points
from farzi_core.views.load import RunView
from farzi_core.views.points import Result
from farzi_core.views.theme import Chart


@ui.cached(max_entries=1024)
def _result(manifest: tuple[str, int, int]) -> Result:
    """`points.result` of the run whose manifest has this fingerprint."""
    return points.result(Run(Path(manifest[0]).parent))


def finished(view: RunView) -> tuple[Result, list[Result]]:
    """The chosen run, and every finished run on the same source, oldest first (it too); says what is on its way or
    cannot be read."""
    chosen, listed = _result(ui.fingerprint(view.folder / MANIFEST)), Store().list()
    same = [one for one in listed if one.source == view.config.data.source]
    found, unreadable = [], []
    for one in reversed(same):
        if one.state is RunState.DONE:
            try:
                found.append(_result(ui.fingerprint(Store().root / one.id / MANIFEST)))
            except StoreError:
                unreadable.append(one.id)
    if unreadable:
        st.warning(f"Left out, for they cannot be read: {', '.join(unreadable)}.", icon=":material/broken_image:")
    if coming := sum(one.state.active for one in same):
        st.info(
            f"{points.count(coming, 'run')} on these data queued or at work. Reload the page for new points.",
            icon=":material/schedule:",
        )
    return chosen, found


def more(sentence: str, command: str) -> None:
    """How to get more points: a command, for a study takes longer than a page should wait."""
    st.write(sentence)
    st.code(command, language=None, wrap_lines=True)
    st.caption("The same command goes on where it was stopped; runs that are done are not repeated.")


def pick(chart: Chart, key: str) -> None:
    """A figure whose marks carry run ids; what is clicked joins the list of picked runs."""

    def remember() -> None:
        clicked = [str(point["customdata"][0]) for point in st.session_state[key].selection.points]
        ids = [one for some in clicked for one in some.split(",")]
        st.session_state[ui.State.POINTS] = list(dict.fromkeys([*st.session_state.get(ui.State.POINTS, []), *ids]))

    st.plotly_chart(
        chart.figure,
        key=key,
        alt=chart.alt,
        on_select=remember,
        selection_mode="points",
        config={"displaylogo": False},
    )
    st.caption(chart.caption)


def side_by_side(found: Sequence[Result]) -> None:
    """The picked runs as a table, with a way to each; the list stands in the address as `?compare=`."""
    known = {one.run_id: one for one in found}
    linked = st.query_params.get(ui.Url.COMPARE, "").split(",")
    picked = st.session_state.get(ui.State.POINTS, linked)
    st.session_state[ui.State.POINTS] = [one for one in picked if one in known]
    st.header("Side by side", anchor=False)
    ids = st.multiselect(
        "Runs to compare",
        list(known),
        format_func=_label(known),
        key=ui.State.POINTS,
        placeholder="Click marks above, or choose here",
    )
    if ids:
        st.query_params[ui.Url.COMPARE] = ",".join(ids)
    elif ui.Url.COMPARE in st.query_params:
        del st.query_params[ui.Url.COMPARE]
    _table([known[one] for one in ids])


def _label(known: Mapping[str, Result]) -> Callable[[str], str]:
    return lambda one: known[one].label


def _table(picked: Sequence[Result]) -> None:
    if not picked:
        return
    table = compare.final_table({one.label: one.report for one in picked})
    st.dataframe(table.round(2), hide_index=True, alt="Metrics of the picked runs, and percent of full data.")
    with st.container(horizontal=True):
        for one in picked:
            query = {ui.Url.VIEW: "run", ui.Url.RUN: one.run_id}
            st.page_link("accuracy.py", label=one.label, icon=":material/leaderboard:", query_params=query)
