"""How good models trained on the synthetic data are: of one run, against size, for other architectures, other users."""

import _accuracy as one_run
import _frontier as frontier
import _result as result
import _splits as splits
import _transfer as transfer
import _ui as ui
import streamlit as st
from _choice import linked_choice

from farzi_core.runs.manifest import RunState
from farzi_core.views import accuracy
from farzi_core.views.load import EVALUATION
from farzi_core.views.progress import METRIC_LABELS

VIEWS = {
    "run": "One run",
    "frontier": "Frontier: against size",
    "transfer": "Transfer: teacher to student",
    "splits": "Splits: other users",
}
SHOWS = {"run": one_run.show, "frontier": frontier.show, "transfer": transfer.show, "splits": splits.show}

st.title("Accuracy", anchor=False)
chosen = linked_choice("View", VIEWS, ui.Url.VIEW, radio=True)
view = result.open_result(EVALUATION, None if chosen == "run" else {RunState.DONE})
names = {METRIC_LABELS[one]: one for one in view.evaluation.metrics}
metric = names[st.radio("Metric", list(names), horizontal=True, key="metric", bind="query-params")]
st.caption(accuracy.METRIC_MEANING[metric])
SHOWS[chosen](view, metric)
