"""What the pages share: names of URL and state keys, the chosen run, guards, bounded caches and small pieces of page."""

import functools
import logging
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import streamlit as st

from farzi_core.errors import FarziError
from farzi_core.runs.state import RunState
from farzi_core.runs.store import Run, Store
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


class State(StrEnum):
    """Session state that no widget owns; lost with the tab, so nothing that matters lives here."""

    RUN_CHOICE = "run_choice"
    RUN_FOLLOWED = "run_followed"
    REQUEST = "request"
    SEEN = "seen_states"


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
        st.subheader(title, anchor=False)
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
}


def badge(state: RunState) -> None:
    """The state in a word, an icon and a colour, so that colour is never the only sign."""
    color, icon = _BADGES[state]
    st.badge(state.value, icon=icon, color=color)


def run_label(run: Run) -> str:
    """One line for choosers, which show plain text: name or data set, state, id."""
    return f"{run.title} · {run.state()} · {run.id}"


def current_run(states: Collection[RunState] | None = None) -> Run | None:
    """The run named by `?run=`, changed by a chooser; None where no run is in one of `states` (None: any state)."""
    runs = {run.id: run for run in Store().list() if states is None or run.state() in states}
    if not runs:
        return None
    _follow_url(runs)
    if st.session_state.get(State.RUN_CHOICE) not in runs:
        st.session_state[State.RUN_CHOICE] = next(iter(runs))
    chosen = st.selectbox(
        "Run",
        list(runs),
        format_func=lambda one: run_label(runs[one]),
        key=State.RUN_CHOICE,
        persist_state="session",
    )
    st.query_params[Url.RUN] = st.session_state[State.RUN_FOLLOWED] = chosen
    return runs[chosen]


def _follow_url(runs: Collection[str]) -> None:
    """A link wins over the chooser, but only once: afterwards the chooser writes the address."""
    linked = st.query_params.get(Url.RUN)
    if linked and linked != st.session_state.get(State.RUN_FOLLOWED):
        if linked in runs:
            st.session_state[State.RUN_CHOICE] = linked
        else:
            st.warning(f"There is no run {text.markdown(linked)} to show here; this is another one.")


def request_id(clicked: bool) -> str:
    """One id a rendered button: a double click sends it twice and starts one run (reliability row 15)."""
    if not clicked or State.REQUEST not in st.session_state:
        st.session_state[State.REQUEST] = secrets.token_hex(8)
    return str(st.session_state[State.REQUEST])


def duration(seconds: float) -> str:
    """`95` -> `1 min 35 s`: two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: float) -> str:
    """Bytes in the unit a person would choose."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
