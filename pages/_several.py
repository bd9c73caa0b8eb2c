"""What the figures over several runs share: reading finished runs, picking points, comparing what was picked."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import _ui as ui
import streamlit as st

from farzi_core.errors import StoreError
from farzi_core.runs.manifest import MANIFEST, RunState
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store
from farzi_core.views import compare, points
from farzi_core.views.load import RunView
from farzi_core.views.points import Diverged, Result
from farzi_core.views.theme import Chart


@ui.cached(max_entries=1024)
def _result(manifest: tuple[str, int, int]) -> Result:
    """`points.result` of the run whose manifest has this fingerprint."""
    return points.result(Run(Path(manifest[0]).parent))


class Found(NamedTuple):
    """Runs on one source that have ended."""

    chosen: Result
    finished: list[Result]
    """The chosen one too."""
    diverged: list[Diverged]


def ended(view: RunView) -> Found:
    """The chosen run and every run on the same source that has ended; says what is on its way or cannot be read."""
    chosen, listed = _result(ui.fingerprint(view.folder / MANIFEST)), Store().list()
    same = [one for one in listed if one.source == view.config.data.source]
    found, lost, unreadable = list[Result](), list[Diverged](), list[str]()
    for one in same:
        folder = Store().root / one.id
        try:
            if one.state is RunState.DONE:
                found.append(_result(ui.fingerprint(folder / MANIFEST)))
            elif one.state is RunState.DIVERGED:
                lost.append(points.diverged(Run(folder)))
        except StoreError:
            unreadable.append(one.id)
    _say(unreadable, sum(one.state.active for one in same))
    return Found(chosen, found, lost)


def _say(unreadable: list[str], coming: int) -> None:
    if unreadable:
        st.warning(f"Left out, for they cannot be read: {', '.join(unreadable)}.", icon=":material/broken_image:")
    if coming:
        st.info(
            f"{points.count(coming, 'run')} on these data queued or at work. Reload the page for new points.",
            icon=":material/schedule:",
        )


def left_out(number: int) -> None:
    """Say how many runs would stand in the figure and have no result."""
    if number:
        st.warning(f"{points.count(number, 'diverged run')} left out.", icon=":material/block:")


def more(sentence: str, command: str) -> None:
    """How to get more points: a command, for a study takes longer than a page should wait."""
    st.write(sentence)
    st.code(command, language=None, wrap_lines=True)
    st.caption("The same command goes on where it was stopped; runs that this version has done are not repeated.")


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
