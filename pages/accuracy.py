"""How well models trained on the synthetic data predict what comes next, beside full data and equal baselines."""

from functools import partial

import _result as result
import streamlit as st

from farzi_core.views import accuracy, export, recovery, transfer
from farzi_core.views.load import CURVES, EVALUATION, RECOVERY
from farzi_core.views.progress import METRIC_LABELS, people

st.title("Accuracy", anchor=False)
view = result.open_result(EVALUATION)
report, synthetic = view.evaluation, view.config.synthetic
names = {METRIC_LABELS[one]: one for one in report.metrics}
metric = names[st.radio("Metric", list(names), horizontal=True, key="metric", bind="query-params")]
st.caption(accuracy.METRIC_MEANING[metric])

# --- what the table says
st.markdown("\n".join(f"- {sentence}" for sentence in accuracy.reading(report, metric)))
st.write(accuracy.sizes(report, synthetic.mu, synthetic.xi))
if view.has(RECOVERY) and (best := recovery.best_sentence(view.recovery, report, metric)):
    st.info(best, icon=":material/flag:")

# --- final table
st.header("Final table", anchor=False)
result.draw(accuracy.seeds_chart(report, metric), "seeds_chart")
table = accuracy.final_table(report, metric)
number, percent = st.column_config.NumberColumn, partial(st.column_config.NumberColumn, format="%.1f %%")
level = percent if metric.is_fraction else partial(number, format="%.2f")
unit = ", points" if metric.is_fraction else ""
st.dataframe(
    accuracy.readable(table),
    hide_index=True,
    alt=f"{METRIC_LABELS[metric]} of every training set with intervals and differences.",
    column_config={
        "row": "Trained on",
        "sequences": number("Sequences", format="localized"),
        "percent_of_sequences": number("of all", format="%.2f %%"),
        "events": number("Events", format="localized"),
        "mean": level(METRIC_LABELS[metric]),
        "interval": st.column_config.TextColumn(
            "95 % interval", help=f"Of the mean: bootstrap over test {people(metric)}."
        ),
        "percent_of_full": percent("of full data"),
        "difference": st.column_config.TextColumn(
            f"Distilled minus row{unit}",
            help=f"1 point is 0.01; in brackets the 95 % interval, paired over test {people(metric)}.",
        ),
        "verdict": st.column_config.TextColumn("Distilled is", help="Clear only where zero is outside the interval."),
        "seeds": "Students",
        "spread": number("Spread of students", format="%.1f", help="Largest minus smallest student."),
        "steps": number("Steps", format="%.0f", help=f"Mean training steps, chosen on validation {people(metric)}."),
        "seconds": number("Seconds", format="%.1f", help="Mean time to train one student."),
    },
)
st.caption(f"{accuracy.protocol(report)} {report.baselines}")
with st.expander("Every student"):
    st.dataframe(accuracy.seeds_table(report), hide_index=True, alt="Metrics of every student; fractions in percent.")

# --- other architectures
if report.others:
    st.header("Other architectures", anchor=False)
    result.draw(transfer.transfer_chart(report), "transfer_chart")
    st.dataframe(
        transfer.readable(transfer.transfer_table(report, metric)),
        hide_index=True,
        alt=f"{METRIC_LABELS[metric]} of every student architecture on full and on distilled data.",
        column_config={
            "student": "Student",
            "full": level("Full data"),
            "distilled": level("Distilled"),
            "interval": st.column_config.TextColumn("95 % interval", help="Of the distilled mean."),
            "percent": st.column_config.TextColumn("% of own full data", help="In brackets the 95 % interval."),
            "difference": st.column_config.TextColumn(f"Distilled minus full{unit}"),
            "verdict": st.column_config.TextColumn("Distilled is", help="Clear only where zero is outside."),
            "seeds": "Students",
            "steps": number("Steps", format="%.0f"),
            "seconds": number("Seconds", format="%.1f"),
        },
    )

# --- curves
if view.has(CURVES):
    st.header("While students train", anchor=False)
    result.draw(accuracy.curve_chart(view.curves, metric, report), "curve_chart")

# --- downloads
st.header("Take it with you", anchor=False)
name = f"farzi-{view.folder.name}-accuracy"
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
