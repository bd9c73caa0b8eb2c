"""One run, three doors: the command that starts the same run, a notebook, and a report to send to somebody."""

import _begin as begin
import streamlit as st

from farzi_core.errors import FarziError
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run
from farzi_core.views import load, notebook, report_html, settings
from farzi_core.views import runs as views


def doors(run: Run, state: RunState) -> None:
    """The same run from a terminal, from a notebook, and as one page to send to somebody."""
    try:
        config = run.config
    except FarziError:
        return  # a damaged run has no settings to offer; the page says why above
    name = views.title(run.summary())
    with st.expander("The same run elsewhere: command line, notebook, report", icon=":material/output:"):
        st.code(settings.command(config, begin.preset_of(config)), language=None, wrap_lines=True)
        with st.container(horizontal=True):
            st.download_button(
                "Download as notebook",
                data=lambda: notebook.notebook(config, name),
                file_name=f"farzi-{run.id}.ipynb",
                mime="application/x-ipynb+json",
                on_click="ignore",
                icon=":material/download:",
            )
            if state is RunState.DONE:
                st.download_button(
                    "Report, HTML",
                    data=lambda: report_html.report(load.RunView(run.folder), name, run.events()),
                    file_name=f"farzi-{run.id}.html",
                    mime="text/html",
                    on_click="ignore",
                    icon=":material/download:",
                )
