"""What a form starts from: data, and a preset for such data, or the settings of another run."""

import _ui as ui
import streamlit as st
from _choice import linked_choice

from farzi_core.config import RunConfig
from farzi_core.data import errands, library
from farzi_core.data.dataset import Task
from farzi_core.data.library import SourceCard
from farzi_core.presets import PRESETS, fitting
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store
from farzi_core.views import text
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
    source = linked_choice("Data", {key: text.visible(card.name) for key, card in cards.items()}, ui.Url.DATA, default)
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
