"""Settings from a preset, each with its effect; the cost before the start; the equal command; the start."""

import _begin as begin
import _form as form
import _ui as ui
import streamlit as st

from farzi_core.config import with_settings
from farzi_core.errors import ConfigError
from farzi_core.runs import launcher
from farzi_core.views import settings, text

st.title("Distil", anchor=False)
st.write("Choose the data and how much work to spend. Nothing starts before the button at the end.")

copy = begin.copied()
data = begin.data_chooser(copy.config.data.source if copy else begin.wanted_source())
base, name = (copy.config, copy.id) if copy else begin.preset(data.task)
changes = form.settings_form(base, name, data.task) | {"data.source": data.key}
try:
    config = with_settings(base, changes)
except ConfigError as error:
    st.error(text.markdown(str(error)), icon=":material/rule:")
    st.stop()

st.header("Before the start", anchor=False)
for sentence in config.warnings:
    st.warning(text.markdown(f"{sentence}."), icon=":material/warning:")
form.cost(config)
st.caption("The same run from the command line:")
st.code(settings.command(config, begin.preset_of(config)), language=None, wrap_lines=True)

clicked = st.button("Start this run", type="primary", icon=":material/play_arrow:", key="start")
request = ui.request_id(clicked)
if clicked:
    ui.open_run(launcher.submit(config, request))
