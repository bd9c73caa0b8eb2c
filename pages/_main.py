"""Every page starts here, also from a deep link: page config, navigation, one guard around the page."""

from pathlib import Path

import _ui as ui
import streamlit as st

# A file of ours: the browser would fetch a named icon from a font server on the internet (tests/e2e).
ICON = Path(__file__).with_name("icon.svg")
st.set_page_config(page_icon=ICON, layout="wide", initial_sidebar_state="auto")

# One flat list in the order of the work: the headings of a grouped list break the list for screen readers (axe: list).
PAGES = (
    ("home.py", "Home", ":material/home:", "What Farzi is, and one button that distils."),
    ("data.py", "Data", ":material/dataset:", "Choose, download or upload events or a text; what was read."),
    ("distill.py", "Distil", ":material/compress:", "Every setting with its effect, the cost, and the start."),
    ("runs.py", "Runs", ":material/monitoring:", "Watch, stop, resume, duplicate, delete and compare runs."),
    ("sequences.py", "Sequences", ":material/view_timeline:", "Synthetic sequences beside their nearest real ones."),
    ("factors.py", "Factors", ":material/bubble_chart:", "The map of items, and what each latent factor stands for."),
    ("replay.py", "Replay", ":material/slow_motion_video:", "How the synthetic sequences became what they are."),
    ("surgery.py", "Surgery", ":material/content_cut:", "Change the latent sequences, see what moves, and retrain."),
    ("accuracy.py", "Accuracy", ":material/leaderboard:", "The distilled data against full data and small baselines."),
    ("learn.py", "Learn", ":material/school:", "Six lessons with live pictures: how Farzi works, and when it fails."),
)
page = st.navigation(
    [
        st.Page(file, title=title, icon=icon, help=help_text, default=file == "home.py")
        for file, title, icon, help_text in PAGES
    ]
)
st.set_page_config(page_title=f"{page.title} · Farzi Studio")
with ui.guard():
    page.run()
