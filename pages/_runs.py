"""Pieces of the Runs page: what can be done with a run, the live view, the list, the comparison."""

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import _ui as ui
import streamlit as st

from farzi_core.runs import launcher
from farzi_core.runs.manifest import RESUMABLE, RunState
from farzi_core.runs.metrics_log import METRICS
from farzi_core.runs.run import Run, RunSummary
from farzi_core.runs.store import Store
from farzi_core.sections import ObjectiveKind
from farzi_core.views import compare as comparison
from farzi_core.views import health, load, progress, text
from farzi_core.views import runs as views

POLL_SECONDS = 2.0
LOG_LINES = 200
RESULTS = (
    ("sequences.py", "Sequences", ":material/view_timeline:"),
    ("factors.py", "Factors", ":material/bubble_chart:"),
    ("replay.py", "Replay", ":material/slow_motion_video:"),
    ("surgery.py", "Surgery", ":material/content_cut:"),
    ("accuracy.py", "Accuracy", ":material/leaderboard:"),
)
WHILE_IT_WORKS = tuple(one for one in RESULTS if one[1] == "Replay")


def actions(run: Run, state: RunState) -> None:
    """Stop, resume, duplicate, delete, each where it can be done; and the way to the results."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if state.active:
            stopping = state is RunState.STOPPING
            st.button("Stop", icon=":material/stop:", on_click=_do, args=(launcher.stop, run), disabled=stopping)
        if state in RESUMABLE:
            st.button("Resume", icon=":material/resume:", on_click=_do, args=(launcher.resume, run))
        if st.button("Duplicate", icon=":material/content_copy:", help="Opens its settings as a new form."):
            st.switch_page("distill.py", query_params={ui.Url.LIKE: run.id})
        why = "Stop it first." if state.active else None
        if st.button("Delete", icon=":material/delete:", disabled=state.active, help=why):
            _confirm_delete(run)
        begun = WHILE_IT_WORKS if state.active and run.snapshots else ()
        for page, label, icon in RESULTS if state is RunState.DONE else begun:
            st.page_link(page, label=label, icon=icon, query_params={ui.Url.RUN: run.id})


def _do(action: Callable[[Run], object], run: Run) -> None:
    """Callbacks run before the page and outside its guard."""
    with ui.guard():
        action(run)


@st.dialog("Delete this run?", icon=":material/delete:")
def _confirm_delete(run: Run) -> None:
    with ui.guard():
        st.text(f"{views.title(run.summary())}\n{run.id}, {views.size(run.size())}")
        st.write("Its checkpoints, results and log are removed from this machine. This cannot be undone.")
        with st.container(horizontal=True):
            gone = st.button("Delete for good", type="primary", icon=":material/delete_forever:")
            kept = st.button("Keep it")
        if gone:
            Store().delete(run.id)
        if gone or kept:
            st.rerun()


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
        _curves(events, run.config.objective.kind)
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


def _curves(events: Sequence[views.Event], objective: ObjectiveKind) -> None:
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


@ui.cached(max_entries=512)
def _best(metrics: tuple[str, int, int]) -> float | None:
    return views.best(Run(Path(metrics[0]).parent).events())


def overview(runs: Sequence[RunSummary]) -> list[str]:
    """All runs as a table; returns the ids of the selected rows, which stand in the address as `?compare=`."""
    stored = {one.id: Run(Store().root / one.id) for one in runs}
    best = {key: _best(ui.fingerprint(run.folder / METRICS)) for key, run in stored.items()}
    frame = views.table(runs, best, {key: run.size() for key, run in stored.items()})
    wanted = st.query_params.get(ui.Url.COMPARE, "").split(",")
    rows = [place for place, one in enumerate(runs) if one.id in wanted]
    picked = st.dataframe(
        frame,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows}},
        key="all_runs",
        column_config=_COLUMNS,
        alt="All runs with state, data, progress, best validation figure, age and size.",
    )
    chosen = [runs[row].id for row in picked.selection.rows if row < len(runs)]
    if chosen:
        st.query_params[ui.Url.COMPARE] = ",".join(chosen)
    elif ui.Url.COMPARE in st.query_params:
        del st.query_params[ui.Url.COMPARE]
    return chosen


_COLUMNS = {
    "Steps": st.column_config.ProgressColumn("Outer steps", format="%.0f %%", min_value=0, max_value=100),
    "Best": st.column_config.NumberColumn(
        "Best", format="%.1f %%", help="HR@10, of a text accuracy, on validation users or sentences."
    ),
    "MB": st.column_config.NumberColumn("Size, MB", format="%.1f"),
}


def compare(chosen: Sequence[str]) -> None:
    """Validation curves and final tables of the runs with these ids."""
    runs = {one: Run(Store().root / one) for one in chosen}
    labels = {one: f"{views.title(run.summary())} ({one[-4:]})" for one, run in runs.items()}
    st.header(f"{len(chosen)} runs compared", anchor=False)
    known = {one: progress.metrics(run.events()) for one, run in runs.items()}
    metric = st.selectbox(
        "Metric",
        list(dict.fromkeys(chain.from_iterable(known.values()))),
        format_func=lambda one: progress.METRIC_LABELS[one],
        key="metric",
        bind="query-params",
    )
    chart = comparison.curves({labels[one]: run.events() for one, run in runs.items()}, metric)
    if chart:
        st.plotly_chart(chart.figure, alt=chart.alt, key="comparison")
        st.caption(chart.caption)
    else:
        st.caption("None of these runs has been validated yet.")
    done = [one for one, run in runs.items() if run.state() is RunState.DONE]
    if done:
        st.markdown("**Final table: students trained on the distilled data, test users**")
        found = {labels[one]: load.RunView(runs[one].folder).evaluation for one in done}
        st.dataframe(comparison.final_table(found), hide_index=True, alt="Metrics of the finished runs in percent.")
    else:
        st.caption("The final table appears when one of these runs is done.")
