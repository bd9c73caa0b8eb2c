"""The settings form: one widget a `Setting`, its docstring and range beside it."""

from typing import Any

import _ui as ui
import streamlit as st

from farzi_core import estimate
from farzi_core.config import RunConfig
from farzi_core.data import errands
from farzi_core.data.dataset import Task
from farzi_core.runs import environment
from farzi_core.runs.run import settings_digest
from farzi_core.views import text
from farzi_core.views.settings import Group, Setting, all_settings, basics, groups


def settings_form(base: RunConfig, form: str, task: Task) -> dict[str, Any]:
    """Draws every setting of `base` and returns the dotted ones a person changed; `form` keeps forms apart."""
    for setting in all_settings(base):
        st.session_state.setdefault(_key(form, setting), setting.value)
    values = _grid(basics(base, task), form)
    st.caption(f"Device: auto means {environment.slot_for('auto')} on this machine.")
    st.header("All other settings", anchor=False)
    for group in groups(base, task):
        values |= _expander(group, form)
    before = {setting.dotted: setting.value for setting in all_settings(base)}
    return {dotted: value for dotted, value in values.items() if value != before[dotted]}


def _expander(group: Group, form: str) -> dict[str, Any]:
    edited = sum(st.session_state[_key(form, one)] != one.value for one in group.settings)
    label = f"**{group.title}** · {f'{edited} changed' if edited else group.sentence}"
    with st.expander(label, key=f"{form}:{group.name}", icon=":material/edit:" if edited else None):
        return _grid(group.settings, form)


def _grid(settings: tuple[Setting, ...], form: str) -> dict[str, Any]:
    """Three settings a row; on a phone one below the other in the same order."""
    values = {}
    for start in range(0, len(settings), 3):
        row = settings[start : start + 3]
        for column, setting in zip(st.columns(3, gap="medium"), row, strict=False):
            with column:
                values[setting.dotted] = _widget(setting, _key(form, setting))
                st.caption(setting.help)
    return values


def _widget(setting: Setting, key: str) -> Any:
    """The value keeps its type; the core checks it again, also open bounds, which a browser cannot express."""
    common = {"key": key, "persist_state": "session"}
    match setting.kind:
        case "choice":
            return st.selectbox(setting.label, setting.choices, **common)
        case "several":
            return st.multiselect(setting.label, setting.choices, **common)
        case "yes_no":
            return st.toggle(setting.label, **common)
        case "text":
            return st.text_input(setting.label, max_chars=200, **common)
        case "whole":
            low, high = (None if bound is None else int(bound) for bound in (setting.low, setting.high))
            return st.number_input(setting.label, low, high, step=1, **common)
        case "real":
            low, high = (None if bound is None else float(bound) for bound in (setting.low, setting.high))
            step = max(abs(setting.value) / 10, 1e-6)
            return st.number_input(setting.label, low, high, step=step, format="%g", **common)


def _key(form: str, setting: Setting) -> str:
    return f"{form}:{setting.dotted}"


def cost(config: RunConfig) -> None:
    """Time and memory, measured by a few steps in another process; asked for, because it takes a moment itself."""
    digest = settings_digest(config)
    asked: set[str] = st.session_state.setdefault(ui.State.ESTIMATED, set())
    if st.button("Estimate time and memory", icon=":material/timer:", help="Takes a few steps on this machine."):
        asked.add(digest)
    if digest in asked:
        asked.discard(digest)  # back below, unless measuring fails: then it waits for another click
        with ui.guard():
            with st.spinner("Taking a few steps to measure this machine"):
                sentence = _estimate(digest, config)
            st.info(text.markdown(sentence), icon=":material/timer:")
            asked.add(digest)


@ui.cached(ttl=3600)
def _estimate(digest: str, _config: RunConfig) -> str:
    """One sentence. Measured once an hour for the same settings: other work on the machine changes the answer."""
    known = errands.portrait(_config.data.source)
    return estimate.estimate(_config, known.sizes if known else None).sentence
