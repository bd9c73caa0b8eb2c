"""The settings form: one widget a `Setting`, its docstring and range beside it."""

from typing import Any

import _ui as ui
import streamlit as st

from farzi_core import estimate
from farzi_core.config import RunConfig
from farzi_core.data import errands, library
from farzi_core.data.dataset import Task
from farzi_core.data.library import SourceCard
from farzi_core.presets import PRESETS, fitting
from farzi_core.runs import environment
from farzi_core.runs.run import Run, settings_digest
from farzi_core.runs.store import Store
from farzi_core.views import text
from farzi_core.views.settings import Group, Setting, all_settings, basics, groups
from farzi_core.views.terms import TERMS


def copied() -> Run | None:
    """The run of `?like=`, whose settings and data the form starts from."""
    like = st.query_params.get(ui.Url.LIKE)
    if not like:
        return None
    run = Store().open(like)
    st.info(f"A copy of the settings of run {run.id}. Change what you like.", icon=":material/content_copy:")
    if ui.Url.DATA not in st.query_params:
        st.query_params[ui.Url.DATA] = run.config.data.source
    return run


def wanted_source() -> str:
    """The data of the preset that a link asks for; a link to data wins over it."""
    named = PRESETS[_named_preset()]
    ready = {card.key: card.task for card in library.list_sources(counts=False) if card.ready}
    source = named.config.data.source
    return source if ready.get(source) == named.task else next(key for key in ready if ready[key] == named.task)


def _named_preset() -> str:
    """The preset that was chosen, or that a link asks for by its label."""
    linked = st.query_params.get(ui.Url.PRESET)
    by_link = next((name for name, one in PRESETS.items() if one.label == linked), next(iter(PRESETS)))
    chosen = str(st.session_state.get(ui.Url.PRESET, by_link))
    return chosen if chosen in PRESETS else by_link


def preset(task: Task) -> tuple[RunConfig, str]:
    """The settings to start from and their name: one of the presets for this kind of data."""
    if PRESETS[name := _named_preset()].task != task:
        st.session_state[ui.Url.PRESET] = fitting(task, name)
    chosen = st.radio(
        "Preset",
        [name for name, one in PRESETS.items() if one.task == task],
        format_func=lambda name: PRESETS[name].label,
        horizontal=True,
        key=ui.Url.PRESET,
        bind="query-params",
    )
    st.caption(PRESETS[chosen].sentence)
    return PRESETS[chosen].config, chosen


def preset_of(config: RunConfig) -> RunConfig:
    """The preset that `config` says it started from; the first one where the name is unknown."""
    return PRESETS.get(config.preset, next(iter(PRESETS.values()))).config


def data_chooser(default: str) -> SourceCard:
    """A data set that can be distilled now; the Data page makes others ready."""
    cards = {card.key: card for card in library.list_sources(counts=False) if card.ready}
    source = ui.linked_choice(
        "Data", {key: text.visible(card.name) for key, card in cards.items()}, ui.Url.DATA, default
    )
    st.text(cards[source].sentence)
    if known := errands.portrait(source):
        found = known.profile
        called = TERMS[cards[source].task]
        sizes = f"{found.sequences:,} {called.sequences} · {found.events:,} {called.events}"
        sizes += f" · {found.items:,} {called.items}"
        st.caption(f"{sizes} with the default settings.")
    st.page_link(
        "data.py",
        label="Look at it, or choose other data",
        icon=":material/dataset:",
        query_params={ui.Url.DATA: source},
    )
    return cards[source]


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
    sizes = known.profile.model_dump(include={"sequences", "events", "items"}) if known else None
    return estimate.estimate(_config, sizes).sentence
