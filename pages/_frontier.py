"""The frontier: accuracy against size over many runs, and what distillation costs."""

import _begin as begin
import _several as several
import pandas as pd
import streamlit as st

from farzi_core.evaluation.report import Metric
from farzi_core.views import cost, frontier, frontier_chart, intervals, points, settings
from farzi_core.views.frontier import Axis
from farzi_core.views.load import RunView
from farzi_core.views.points import Result

number = st.column_config.NumberColumn


def show(view: RunView, metric: Metric) -> None:
    """All runs that may stand in one figure with the chosen one."""
    chosen, found, lost = several.ended(view)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sizes = [one.value for one in Axis]
        axis = Axis(st.radio("Size as", sizes, horizontal=True, key="size", bind="query-params"))
        others = st.toggle(
            "Other settings too",
            key="others",
            bind="query-params",
            help="Also runs on the same data whose settings differ in more than size, seed and method: open marks.",
        )
    runs = frontier.frontier(chosen, found, others)
    several.left_out(points.left_out(runs.alike, lost))
    sentences = frontier.reading(runs, metric)
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences))
    several.pick(frontier_chart.chart(runs, metric, axis), f"frontier_{axis}_{metric}_{chosen.run_id}")
    _more(chosen, len({one.size for one in runs.alike}))
    _table(runs, metric)
    several.side_by_side([*runs.alike, *runs.others])
    _cost(runs)


def _more(chosen: Result, sizes: int) -> None:
    preset, most = begin.preset_of(chosen.config), chosen.report.full_sequences
    command = settings.frontier_command(chosen.config, preset, most)
    if sizes == 1:
        several.more("There is one size so far. This command adds others around it, with two seeds each:", command)
    else:
        with st.expander("More sizes and seeds", icon=":material/terminal:"):
            several.more("This command adds sizes around the chosen run:", command)


def _table(runs: frontier.Frontier, metric: Metric) -> None:
    lines = frontier.lines(runs, metric)
    around = [intervals.words(one.percent_low, one.percent_high) for one in lines]
    level = number("Mean, %" if metric.is_fraction else "Mean", format="%.1f")
    with st.expander("As a table", icon=":material/table:"):
        st.dataframe(
            pd.DataFrame(lines).assign(interval=around),
            hide_index=True,
            alt="Every mark of the figure: size, stored numbers, mean, worst and best student, percent of full data.",
            column_order=[
                *("label", "size", "numbers", "sequences", "mean", "low", "high", "percent_of_full", "interval"),
                *("students", "seeds"),
            ],
            column_config={
                "label": "Trained on",
                "size": "Size",
                "numbers": number("Stored numbers", format="localized"),
                "sequences": number("Sequences", format="localized"),
                "mean": level,
                "low": number("Lowest student", format="%.1f"),
                "high": number("Highest student", format="%.1f"),
                "percent_of_full": number("of full data", format="%.1f %%"),
                "interval": "95 % interval",
                "students": "Students",
                "seeds": "Seeds",
            },
        )
        st.caption(intervals.RUNS_MEANING)


def _cost(runs: frontier.Frontier) -> None:
    st.header("What it costs, and when it pays", anchor=False)
    sizes = cost.costs(runs)
    st.markdown("\n".join(f"- {one.sentence}" for one in sizes))
    chart = cost.chart(runs, sizes)
    st.plotly_chart(chart.figure, key="cost", alt=chart.alt, config={"displaylogo": False})
    st.caption(chart.caption)
