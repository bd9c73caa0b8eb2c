"""What the pages share: names of URL and state keys, guards, bounded caches, small pieces of page."""

import functools
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import streamlit as st

from farzi_core.errors import FarziError
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run
from farzi_core.views import text

log = logging.getLogger("farzi.pages")

# Results of pure functions of a file: the caller passes `fingerprint(file)`, so a changed file is a new key.
cached = functools.partial(st.cache_data, show_spinner=False, max_entries=64)
# The same for large read-only objects, shared between sessions instead of copied to each.
shared = functools.partial(st.cache_resource, show_spinner=False, max_entries=8)


class Url(StrEnum):
    """Query parameters: what a link can carry."""

    RUN = "run"
    COMPARE = "compare"
    DATA = "data"
    PRESET = "preset"
    LIKE = "like"  # a run whose settings prefill the form
    MODE = "mode"
    LESSON = "lesson"
    VIEW = "view"  # of accuracy: run, frontier, transfer or splits
    ITEM = "item"  # an item id of the data
    CONTENT = "content"  # of an upload: events or a text
    STEP = "step"  # outer step of a replay
    EDITS = "edits"  # of the latent sequences, undone ones too
    UPTO = "upto"  # how many of the edits count; all where it is absent


class State(StrEnum):
    """Session state of this app, beside what widgets keep; lost with the tab, so nothing that matters lives here."""

    REQUEST = "request"
    ESTIMATED = "estimated"
    ERRANDS = "errands"
    IMPORTED = "imported"
    SEEN = "seen_states"
    POINTS = "picked_runs"  # key of the chooser of runs below a figure, which choosing in the figure adds to
    PICKED = "picked"  # (run id, item ids) last selected on the map of items


@contextmanager
def guard() -> Iterator[None]:
    """What a user caused is said in words; anything else is a bug: a short id here, the traceback in the log."""
    try:
        yield
    except FarziError as error:
        st.error(text.markdown(str(error)), icon=":material/error:")
    except Exception:
        problem = secrets.token_hex(3)
        log.exception("page error %s", problem)
        st.error(
            f"This page met a problem it did not expect. Your data and runs are safe. Reload the page; if it stays, "
            f"report error **{problem}** (details are in the log of the app).",
            icon=":material/bug_report:",
        )


def fingerprint(path: Path) -> tuple[str, int, int]:
    """What a cache key needs to notice a changed file: path, modification time in ns, bytes; zeros where absent."""
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), found.st_mtime_ns, found.st_size


def empty_state(title: str, sentence: str, *, page: str, label: str, icon: str = ":material/arrow_forward:") -> None:
    """Nothing to show yet: say why, and give the next action."""
    with st.container(border=True):
        st.header(title, anchor=False)
        st.write(sentence)
        st.page_link(page, label=label, icon=icon)


_BADGES: dict[RunState, tuple[str, str]] = {
    RunState.QUEUED: ("gray", ":material/schedule:"),
    RunState.RUNNING: ("blue", ":material/play_arrow:"),
    RunState.STOPPING: ("orange", ":material/hourglass_bottom:"),
    RunState.DONE: ("green", ":material/check_circle:"),
    RunState.STOPPED: ("gray", ":material/stop_circle:"),
    RunState.DIVERGED: ("orange", ":material/warning:"),
    RunState.FAILED: ("red", ":material/error:"),
    RunState.INTERRUPTED: ("orange", ":material/power_off:"),
    RunState.DAMAGED: ("red", ":material/broken_image:"),
}


def badge(state: RunState) -> None:
    """The state in a word, an icon and a colour, so that colour is never the only sign."""
    color, icon = _BADGES[state]
    st.badge(state.value, icon=icon, color=color)


def open_run(run: Run) -> NoReturn:
    """Go to the Runs page, showing `run`."""
    st.switch_page("runs.py", query_params={Url.RUN: run.id})


def request_id(clicked: bool) -> str:
    """One id a rendered button: a double click sends it twice and starts one run (reliability row 15)."""
    if not clicked or State.REQUEST not in st.session_state:
        st.session_state[State.REQUEST] = secrets.token_hex(8)
    return str(st.session_state[State.REQUEST])


def announce(run: Run, state: RunState) -> None:
    """A toast when a run that this tab saw at work has ended."""
    seen: dict[str, RunState] = st.session_state.setdefault(State.SEEN, {})
    before, seen[run.id] = seen.get(run.id, state), state
    if before.active and not state.active:
        st.toast(f"Run {run.id} is {state.value}.", icon=_BADGES[state][1], duration="long")
