"""The distillation replayed: sequences sharpen, items move on one fixed map, validation figures rise."""

import _result as result
import _ui as ui
import streamlit as st
from _columns import NUMBER, columns
from _player import player

from farzi_core.evaluation.report import METRIC_LABELS
from farzi_core.runs.run import Run
from farzi_core.views import progress, replay, replay_player
from farzi_core.views.load import RunView
from farzi_core.views.replay import Motion, Strip
from farzi_core.views.replay_player import Place

PAGE = 25  # positions of a strip shown at once


@ui.shared
def moved(_view: RunView, key: tuple[str, int, int]) -> Motion:
    """`replay.motion` of a run; `key` is the fingerprint of its manifest."""
    return replay.motion(_view)


@ui.shared
def sharpened(_view: RunView, key: tuple[str, int, int], steps: tuple[int, ...], sequence: int) -> Strip:
    """`replay.strip` of one sequence of a run."""
    return replay.strip(_view, steps, sequence)


def keep_step(step: int) -> None:
    st.query_params[ui.Url.STEP] = str(step)


st.title("Replay", anchor=False)
view, state = result.open_run()
if not view.snapshots:
    result.not_yet(state, "The replay begins with the outer loop.")
events = Run(view.folder).events()
metrics = {METRIC_LABELS[one]: one for one in progress.metrics(events)}
called = replay.terms(events)
with st.spinner("Reading the snapshots"):
    motion = moved(view, result.key_of(view))
st.write(
    f"The outer loop changes Z and M a little at every step. Here are {len(motion.steps)} snapshots of them, from the "
    f"start at outer step {motion.steps[0]} to step {motion.steps[-1]}. Press Play, or use the slider and arrow keys."
)
if state.active:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("This run is still at work: these are the snapshots so far.")
        st.button("Look for newer ones", icon=":material/refresh:")

# --- what is looked at
synthetic = view.config.synthetic
result.keep_in_range("sequence", synthetic.mu)
which, measured = st.columns([1, 3], vertical_alignment="bottom")
number = which.number_input(called.sequence.capitalize(), 1, synthetic.mu, key="sequence", bind="query-params")
metric = metrics[measured.radio("Metric", list(metrics), horizontal=True, key="metric", bind="query-params")]
pages = -(-synthetic.xi // PAGE)
first = PAGE * (st.pagination(pages, key="replay_page") - 1) if pages > 1 else 0
strip = sharpened(view, result.key_of(view), motion.steps, number - 1)
titles, validated = replay.titles(view, motion.items), replay.curve(events, metric)

# --- the player
part = strip.positions(first, first + PAGE)
data = replay_player.player(motion, part, validated, metric, titles, Place(number, first + 1), called)
start = replay.nearest_frame(motion.steps, st.query_params.get(ui.Url.STEP))
shown = {"id": f"{view.folder.name} {motion.steps} {number} {first} {metric}", "start": start}
st.fragment(player)(data | shown, "player", keep_step)
st.caption(replay.caption(motion))
if synthetic.labelled:
    st.caption("The strip is of what students read; what they are to predict there is on the Sequences page.")

# --- the same in words and numbers
st.write(replay.reading_of(motion.steps, strip, validated, metric, called))
with st.expander("Every snapshot as a table"):
    st.dataframe(
        replay.table(motion.steps, strip, validated, replay.reader(view, titles)),
        hide_index=True,
        column_config=columns(called)
        | {"step": NUMBER("Outer step"), "value": NUMBER(METRIC_LABELS[metric], help="On validation; empty between.")},
        alt=f"Every snapshot of {called.sequence} {number}.",
    )
