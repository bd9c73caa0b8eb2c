"""The transfer matrix: which architectures learn from data that were distilled with another one."""

import _begin as begin
import _several as several
import pandas as pd
import streamlit as st

from farzi_core.evaluation.report import Metric
from farzi_core.views import intervals, matrix, settings
from farzi_core.views.load import RunView
from farzi_core.views.matrix import Cell

number = st.column_config.NumberColumn


def show(view: RunView, metric: Metric) -> None:
    """All runs of the chosen run's size whose settings differ in teacher and seed."""
    chosen, found, lost = several.ended(view)
    runs = matrix.comparable(chosen, found)
    several.left_out(matrix.left_out(runs, lost))
    chart = matrix.chart(runs, metric)
    st.plotly_chart(chart.figure, key="matrix", alt=chart.alt, config={"displaylogo": False})
    st.caption(chart.caption)
    command = settings.transfer_command(view.config, begin.preset_of(view.config))
    several.more("This command distils with every architecture and trains every one on each result:", command)
    with st.expander("As a table", icon=":material/table:"):
        _table(matrix.cells(runs, metric))
    several.side_by_side(runs)


def _table(cells: list[Cell]) -> None:
    around = [intervals.words(one.percent_low, one.percent_high) for one in cells]
    st.dataframe(
        pd.DataFrame(cells).assign(interval=around),
        hide_index=True,
        alt="Every cell of the matrix: means, worst and best student, full data, percent of it.",
        column_order=[
            *("teacher", "student", "mean", "low", "high", "full", "percent_of_full", "interval", "students", "seeds")
        ],
        column_config={
            "teacher": "Distilled with",
            "student": "Student",
            "mean": number("Mean", format="%.1f"),
            "low": number("Lowest student", format="%.1f"),
            "high": number("Highest student", format="%.1f"),
            "full": number("Full data", format="%.1f"),
            "percent_of_full": number("of its full data", format="%.1f %%"),
            "interval": "95 % interval",
            "students": "Students",
            "seeds": "Seeds",
        },
    )
    st.caption(intervals.RUNS_MEANING)
