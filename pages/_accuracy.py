"""One run's accuracy: what its table says, the table, other architectures, curves, what students say, downloads."""

from functools import partial

import _continue as asked
import _result as result
import streamlit as st

from farzi_core.evaluation.report import Evaluation, Metric
from farzi_core.views import accuracy, export, recovery, transfer
from farzi_core.views.load import CURVES, EVALUATION, RECOVERY, RunView
from farzi_core.views.progress import METRIC_LABELS, people

number, percent = st.column_config.NumberColumn, partial(st.column_config.NumberColumn, format="%.1f %%")


def show(view: RunView, metric: Metric) -> None:
    """Everything about one run."""
    report = view.evaluation
    _said(view, metric)
    _table(report, metric)
    if report.others:
        _others(report, metric)
    if view.has(CURVES):
        st.header("While students train", anchor=False)
        result.draw(accuracy.curve_chart(view.curves, metric, report), "curve_chart")
    asked.show(view)
    _downloads(view, metric)


def _said(view: RunView, metric: Metric) -> None:
    report, synthetic = view.evaluation, view.config.synthetic
    st.markdown("\n".join(f"- {sentence}" for sentence in accuracy.reading(report, metric)))
    st.write(accuracy.sizes(report, synthetic))
    if view.has(RECOVERY) and (best := recovery.best_sentence(view.recovery, report, metric)):
        st.info(best, icon=":material/flag:")


def _level(metric: Metric, label: str) -> object:
    """A column of the metric: fractions in percent, others as they are."""
    return percent(label) if metric.is_fraction else number(label, format="%.2f")


def _unit(metric: Metric) -> str:
    return ", points" if metric.is_fraction else ""


def _table(report: Evaluation, metric: Metric) -> None:
    st.header("Final table", anchor=False)
    result.draw(accuracy.seeds_chart(report, metric), "seeds_chart")
    table = accuracy.final_table(report, metric)
    st.dataframe(
        accuracy.readable(table),
        hide_index=True,
        alt=f"{METRIC_LABELS[metric]} of every training set with intervals and differences.",
        column_config={
            "row": "Trained on",
            "sequences": number("Sequences", format="localized"),
            "percent_of_sequences": number("of all", format="%.2f %%"),
            "events": number("Events", format="localized"),
            "mean": _level(metric, METRIC_LABELS[metric]),
            "interval": st.column_config.TextColumn(
                "95 % interval", help=f"Of the mean: bootstrap over test {people(metric)}."
            ),
            "percent_of_full": percent("of full data"),
            "difference": st.column_config.TextColumn(
                f"Distilled minus row{_unit(metric)}",
                help=f"1 point is 0.01; in brackets the 95 % interval, paired over test {people(metric)}.",
            ),
            "verdict": st.column_config.TextColumn(
                "Distilled is", help="Clear only where zero is outside the interval."
            ),
            "seeds": "Students",
            "spread": number("Spread of students", format="%.1f", help="Largest minus smallest student."),
            "steps": number(
                "Steps", format="%.0f", help=f"Mean training steps, chosen on validation {people(metric)}."
            ),
            "seconds": number("Seconds", format="%.1f", help="Mean time to train one student."),
        },
    )
    st.caption(f"{accuracy.protocol(report)} {report.baselines}")
    with st.expander("Every student"):
        st.dataframe(
            accuracy.seeds_table(report),
            hide_index=True,
            alt="Metrics of every student; fractions in percent.",
            column_config={"decay": number("Times the weight decay", help="Chosen on validation data.")},
        )


def _others(report: Evaluation, metric: Metric) -> None:
    st.header("Other architectures", anchor=False)
    result.draw(transfer.transfer_chart(report), "transfer_chart")
    st.dataframe(
        transfer.readable(transfer.transfer_table(report, metric)),
        hide_index=True,
        alt=f"{METRIC_LABELS[metric]} of every student architecture on full and on distilled data.",
        column_config={
            "student": "Student",
            "full": _level(metric, "Full data"),
            "distilled": _level(metric, "Distilled"),
            "interval": st.column_config.TextColumn("95 % interval", help="Of the distilled mean."),
            "percent": st.column_config.TextColumn("% of own full data", help="In brackets the 95 % interval."),
            "difference": st.column_config.TextColumn(f"Distilled minus full{_unit(metric)}"),
            "verdict": st.column_config.TextColumn("Distilled is", help="Clear only where zero is outside."),
            "seeds": "Students",
            "steps": number("Steps", format="%.0f"),
            "seconds": number("Seconds", format="%.1f"),
        },
    )


def _downloads(view: RunView, metric: Metric) -> None:
    st.header("Take it with you", anchor=False)
    table, name = accuracy.final_table(view.evaluation, metric), f"farzi-{view.folder.name}-accuracy"
    with st.container(horizontal=True):
        result.save("Table, CSV", f"{name}.csv", lambda: export.csv(table), "text/csv", "The table above.")
        result.save(
            "Everything, JSON",
            f"{name}.json",
            partial(view.read, EVALUATION),
            "application/json",
            "All metrics, students and intervals.",
        )
        if view.has(CURVES):
            result.save(
                "Curves, Parquet",
                f"{name}-curves.parquet",
                partial(view.read, CURVES),
                "application/octet-stream",
                "Every student at every measured step.",
            )
