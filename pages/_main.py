"""Every page starts here, also from a deep link: page config, navigation, one guard around the page."""

import _ui as ui
import streamlit as st

st.set_page_config(page_title="Farzi Studio", page_icon=":material/grain:", layout="wide", initial_sidebar_state="auto")

page = st.navigation(
    {
        "": [
            st.Page("home.py", title="Home", icon=":material/home:", default=True, help="What Farzi is, and one button that distils."),
        ],
        "Make": [
            st.Page("data.py", title="Data", icon=":material/dataset:", help="Choose, download or upload events; see what was read and what was refused."),
            st.Page("distill.py", title="Distil", url_path="distill", icon=":material/compress:", help="Every setting with its effect, the cost before the start, and the start."),
            st.Page("runs.py", title="Runs", icon=":material/monitoring:", help="Watch, stop, resume, duplicate, delete and compare runs."),
        ],
        "Look inside": [
            st.Page("sequences.py", title="Sequences", icon=":material/view_timeline:", help="Each synthetic sequence beside the real sequences nearest to it."),
            st.Page("factors.py", title="Factors", icon=":material/bubble_chart:", help="The map of items and what each latent factor stands for."),
            st.Page("accuracy.py", title="Accuracy", icon=":material/leaderboard:", help="Models trained on the synthetic data against full data and equally small baselines."),
        ],
    }
)
with ui.guard():
    page.run()
