"""Latent factors: where the decoder M puts the items, what each factor stands for, and where Z uses it."""

import _result as result
import _ui as ui
import streamlit as st
from _columns import columns

from farzi_core.views import factor_charts, factors, recovery
from farzi_core.views.factors import Colour, Projection
from farzi_core.views.load import MAPS, RECOVERY, SYNTHETIC
from farzi_core.views.terms import TERMS

st.title("Factors", anchor=False)
view = result.open_result(SYNTHETIC)
synthetic, vocab, called = view.synthetic, view.vocab, TERMS[view.task]
d = len(synthetic.decoder)
st.write(
    f"The synthetic data are stored as {d} latent factors: Z says where each position lies, M (one column for each "
    f"{called.item}) what a factor stands for. {called.items.capitalize()} with similar columns get similar "
    "probabilities everywhere."
)

# --- map of items
if view.has(MAPS):
    st.header(f"Map of {called.items}", anchor=False)
    left, middle, right = st.columns([2, 2, 3], vertical_alignment="bottom")
    maps = [one.value for one in Projection]
    projection = Projection(left.radio("Map", maps, horizontal=True, key="map", bind="query-params"))
    colour = Colour(middle.selectbox("Colour", [one.value for one in Colour], key="colour", bind="query-params"))
    part = f"part of a {called.item}" if view.tokeniser else "part of a title or id"
    query = right.text_input("Highlight", key="highlight", bind="query-params", type="search", placeholder=part)
    points = factors.item_map(vocab, view.maps, projection)
    found = factors.search(points, query)
    chart_key = f"map_{view.folder.name}_{projection}"

    def remember_selection() -> None:
        picked = {point["customdata"][0] for point in st.session_state[chart_key].selection.points}
        st.session_state[ui.State.PICKED] = (view.folder.name, sorted(picked))

    chart = factor_charts.map_chart(points, projection, colour, found, view.maps["pca_variance"], len(vocab), called)
    st.plotly_chart(
        chart.figure,
        key=chart_key,
        alt=chart.alt,
        on_select=remember_selection,
        selection_mode=("lasso", "box", "points"),
        config={"displaylogo": False},
    )
    st.caption(f"{chart.caption} Draw a lasso around points to list their {called.items}.")
    run, ids = st.session_state.get(ui.State.PICKED, ("", []))
    chosen = points[points["id"].isin(ids)] if run == view.folder.name else points.iloc[:0]
    listed, how = (chosen, "selected") if len(chosen) else (found, "found")
    if len(chosen) or query:
        st.write(f"{len(listed):,} of {len(points):,} {called.items} {how}.")
    if len(listed):
        st.dataframe(
            listed[["title", "item", "group", "count", "cluster"]].sort_values("count", ascending=False),
            hide_index=True,
            column_config=columns(called),
            alt=f"{called.items.capitalize()} {how} on the map.",
        )

# --- planted truth
if view.has(RECOVERY):
    st.header("Planted groups", anchor=False)
    st.write(recovery.groups_sentence(view.recovery))
    result.draw(recovery.heat_map(view.recovery), "planted_groups")

# --- one factor
st.header("One factor", anchor=False)
result.keep_in_range("factor", d)
factor = st.number_input("Factor", 1, d, key="factor", bind="query-params", width=200) - 1
extremes = factors.factor_items(synthetic, vocab, factor, 10)
result.draw(factor_charts.factor_chart(extremes, factor, called), "factor_chart")
with st.expander("As a table"):
    st.dataframe(
        extremes,
        hide_index=True,
        column_config=columns(called),
        alt=f"{called.items.capitalize()} with the largest and smallest weights in factor {factor + 1}.",
    )

# --- where the factors are used
st.header("Where Z uses the factors", anchor=False)
result.keep_in_range("sequence", synthetic.mu)
which, number = st.columns([2, 3], vertical_alignment="bottom")
shows = {"mean": "Mean of all", "one": f"One {called.sequence}"}
latent = which.radio(
    "Show", list(shows), format_func=shows.__getitem__, horizontal=True, key="latent", bind="query-params"
)
mean = latent == "mean"
sequence = number.number_input(
    called.sequence.capitalize(), 1, synthetic.mu, key="sequence", bind="query-params", disabled=mean, width=200
)
face = result.face(view)
chart = factor_charts.latent_chart(face.of(synthetic), None if mean else sequence - 1, called, face)
result.draw(chart, "latent_chart")
