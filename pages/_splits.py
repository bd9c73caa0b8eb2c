"""Other users: the same run on several splits, its percentage of full data with an interval over splits."""

import _begin as begin
import _several as several
import pandas as pd
import streamlit as st

from farzi_core.evaluation.report import Metric
from farzi_core.views import intervals, settings, splits, splits_chart
from farzi_core.views.load import RunView

number = st.column_config.NumberColumn


def show(view: RunView, metric: Metric) -> None:
    """All runs whose settings differ from the chosen run's in split and seed alone."""
    chosen, found, lost = several.ended(view)
    runs = splits.comparable(chosen, found)
    several.left_out(splits.left_out(runs, lost))
    if splits.own_split(chosen, found):
        st.info(splits.OWN_SPLIT, icon=":material/call_split:")
    sentences = splits.reading(runs, metric)
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences))
    several.pick(splits_chart.chart(runs, metric), f"splits_{metric}_{chosen.run_id}")
    _more(view, len({one.config.data.seed for one in runs}))
    with st.expander("As a table", icon=":material/table:"):
        _table(splits.averages(runs, metric), metric)
    several.side_by_side(runs)


def _more(view: RunView, drawn: int) -> None:
    command = settings.splits_command(view.config, begin.preset_of(view.config))
    if drawn == 1:
        several.more("There is one split so far. This command adds four, with other users in every part:", command)
    else:
        with st.expander("More splits", icon=":material/terminal:"):
            several.more("This command runs the same settings on five splits:", command)


def _table(averages: list[splits.Average], metric: Metric) -> None:
    table = pd.DataFrame(averages).drop(columns="singles")
    table["interval"] = [intervals.words(one.percent_low, one.percent_high) for one in averages]
    table["splits"] = [len(one.singles) for one in averages]
    unit = ", %" if metric.is_fraction else ""
    st.dataframe(
        table,
        hide_index=True,
        alt="Every training set over the splits: means, percent of full data with its interval, lowest, highest split.",
        column_order=[
            *("label", "mean", "low", "high", "percent_of_full", "interval", "percent_lowest", "percent_highest"),
            *("splits", "students"),
        ],
        column_config={
            "label": "Trained on",
            "mean": number(f"Mean{unit}", format="%.1f"),
            "low": number(f"Lowest split{unit}", format="%.1f"),
            "high": number(f"Highest split{unit}", format="%.1f"),
            "percent_of_full": number("of full data", format="%.1f %%"),
            "interval": "95 % interval",
            "percent_lowest": number("Lowest split of full", format="%.1f %%"),
            "percent_highest": number("Highest split of full", format="%.1f %%"),
            "splits": "Splits",
            "students": "Students",
        },
    )
