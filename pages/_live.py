"""The live view of one run: its state, progress, curves, health and log."""

from collections.abc import Sequence

import _ui as ui
import streamlit as st

from farzi_core.runs import launcher
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run, RunSummary
from farzi_core.sections import ObjectiveConfig
from farzi_core.views import health, progress, text
from farzi_core.views import runs as views

POLL_SECONDS = 2.0
LOG_LINES = 200


def live(run: Run, state: RunState) -> None:
    """Everything that changes while a run works; it looks again every two seconds, and only while the run works."""
    st.fragment(_live, run_every=POLL_SECONDS if state.active else None)(run, state)


def _live(run: Run, drawn_with: RunState) -> None:
    with ui.guard():
        now = run.summary()
        if now.state is not drawn_with:
            st.rerun()  # the buttons, the list and the timer follow the state
        events = run.events()
        where = views.progress(events)
        _headline(run, now, where)
        if now.state.active:
            st.set_page_config(page_title=f"{where.percent} · {text.visible(views.title(now))}")
        _curves(events, run.config.objective)
        _health(health.readings(events, run.config))
        with st.expander("Log of the worker", icon=":material/terminal:"):
            st.code(run.log_tail(LOG_LINES) or "Nothing yet.", language=None, height=300, wrap_lines=True)


def _headline(run: Run, now: RunSummary, where: views.Progress) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        ui.badge(now.state)
        st.text(" · ".join(views.facts(now, run.latest())))
    if now.state is RunState.QUEUED:
        place = launcher.queue_position(run)
        st.info(f"Number {place} in the queue of its device. It starts by itself.", icon=":material/schedule:")
    elif now.state.active:
        st.progress(where.fraction, text=text.markdown(where.sentence))
    elif now.error:
        calm = now.state in {RunState.STOPPED, RunState.INTERRUPTED}
        (st.warning if calm else st.error)(text.markdown(now.error), icon=":material/info:")


def _curves(events: Sequence[views.Event], objective: ObjectiveConfig) -> None:
    found = (progress.loss(events, objective), progress.gradient(events), progress.validation(events))
    charts = [chart for chart in found if chart]
    if not charts:
        st.caption("Loss, gradient norm and validation curves appear with the first outer step.")
        return
    for place, (column, chart) in enumerate(zip(st.columns(len(charts), gap="medium"), charts, strict=True)):
        with column:
            st.plotly_chart(chart.figure, alt=chart.alt, key=f"live_{place}", config={"displayModeBar": False})
            st.caption(chart.caption)


def _health(rows: Sequence[health.Reading]) -> None:
    """The health of the meta-gradient: advice in the open, the table behind a click."""
    if not rows:
        return
    for row in rows:
        if row.advice:
            st.warning(text.markdown(f"{row.name}: {row.value}. {row.advice}"), icon=":material/ecg_heart:")
    with st.expander("Health of the gradient", icon=":material/ecg_heart:"):
        st.caption("Whether the steps of this run follow a real direction, and what they cost.")
        st.dataframe(health.table(rows), hide_index=True, alt="Health numbers of the run with their good range.")
