"""All runs as a table, and the chosen ones side by side."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path

import _ui as ui
import streamlit as st

from farzi_core.limits import REMEMBERED_RUNS
from farzi_core.runs.manifest import RunState
from farzi_core.runs.metrics_log import METRICS
from farzi_core.runs.run import Run, RunSummary
from farzi_core.runs.store import Store
from farzi_core.views import compare as comparison
from farzi_core.views import load, progress
from farzi_core.views import runs as views


@lru_cache(REMEMBERED_RUNS)  # not Streamlit's cache, which takes a millisecond for each of a thousand runs
def _best(metrics: tuple[str, int, int]) -> float | None:
    """The best validation figure in the log with this fingerprint."""
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
        table = comparison.final_table(found)
        rounded = {name: st.column_config.NumberColumn(format="%.1f") for name in table.select_dtypes("float")}
        alt = "Metrics of the finished runs in percent."
        st.dataframe(table, hide_index=True, alt=alt, column_config=rounded)
    else:
        st.caption("The final table appears when one of these runs is done.")
