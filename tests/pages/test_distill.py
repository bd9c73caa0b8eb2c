"""The Distil page: every setting is there, mistakes are said in words, the command is the same run, one start."""

import itertools
import shlex

import pandas as pd
import pytest
from apptest import assert_healthy, open_page, plain, words

from farzi_core import estimate
from farzi_core.config import RunConfig, with_settings
from farzi_core.data import library
from farzi_core.data.tables import table_of
from farzi_core.errors import RunError
from farzi_core.presets import PRESETS
from farzi_core.runs import launcher
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store
from farzi_core.views.settings import all_settings

PAGE = "distill.py"
FIRST = next(iter(PRESETS))


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of runs whose worker would have been started; none is."""
    ids: list[str] = []
    monkeypatch.setattr(launcher, "launch", lambda run: ids.append(run.id))
    return ids


@pytest.mark.parametrize("preset", list(PRESETS))
def test_each_preset_fills_the_form_and_says_what_it_costs(preset: str) -> None:
    at = open_page(PAGE, preset=PRESETS[preset].label)
    assert_healthy(at)
    assert PRESETS[preset].sentence in words(at)
    for setting in all_settings(PRESETS[preset].config):
        assert at.session_state[f"{preset}:{setting.dotted}"] == setting.value, setting.dotted


def test_every_setting_is_shown_with_its_help() -> None:
    at = open_page(PAGE)
    text = words(at)
    widgets = [*at.number_input, *at.selectbox, *at.multiselect, *at.text_input, *at.toggle]
    shown = {widget.key.split(":", 1)[1] for widget in widgets if widget.key.startswith(f"{FIRST}:")}
    assert shown == {setting.dotted for setting in all_settings(RunConfig())}
    assert not [setting.dotted for setting in all_settings(RunConfig()) if setting.help not in text]


def test_settings_that_contradict_each_other_are_said_in_words_and_cannot_be_started() -> None:
    at = open_page(PAGE)
    at.number_input(key=f"{FIRST}:model.heads").set_value(3).run()
    assert_healthy(at)
    assert "heads=3 does not divide hidden=32" in plain(at.error[0].value)
    assert "Start this run" not in [button.label for button in at.button]


def test_an_open_bound_is_checked_by_the_core() -> None:
    at = open_page(PAGE)
    at.number_input(key=f"{FIRST}:inner.lr").set_value(0.0).run()
    assert "inner.lr = 0.0" in plain(at.error[0].value)


def test_start_makes_the_run_that_the_command_names(launched: list[str]) -> None:
    at = open_page(PAGE, data="planted")
    at.text_input(key=f"{FIRST}:name").set_value("it's; rm -rf /").run()
    at.number_input(key=f"{FIRST}:synthetic.mu").set_value(7).run()
    command = shlex.split(at.code[0].value)
    at.button(key="start").click().run()
    assert_healthy(at)
    (summary,) = Store().list()
    started = Run(Store().root / summary.id).config
    chosen = [word.split("=", 1) for option, word in itertools.pairwise(command) if option == "--set"]
    assert started == with_settings(
        PRESETS[command[command.index("--preset") + 1]].config,
        {"data.source": command[command.index("--data") + 1], "name": dict(chosen)["name"], "synthetic.mu": 7},
    )
    assert dict(chosen) == {"name": "it's; rm -rf /", "synthetic.mu": "7"}
    assert launched == [summary.id]
    assert at.title[0].value == "Runs"


def test_data_decide_which_presets_there_are_and_a_change_keeps_the_kind_of_preset() -> None:
    at = open_page(PAGE, preset=PRESETS["standard"].label)
    at.selectbox(key="choice_data").select("python-docs").run()
    assert_healthy(at)
    labels = {
        task: [one.label for one in PRESETS.values() if one.task == task] for task in ("language", "recommendation")
    }
    assert at.radio(key="preset").options == labels["language"]
    assert at.session_state["preset"] == "standard-text"
    fields = {one.label for one in at.number_input}
    assert {"Vocabulary", "Synthetic sentences μ", "Tokens read at once"} <= fields
    assert "Events read at once" not in fields
    (tokens,) = [one for one in at.selectbox if one.label == "Tokens of a text"]
    assert tokens.options == ["auto", "words", "spaces", "characters", "subwords"]
    at.selectbox(key="choice_data").select("planted").run()
    assert_healthy(at)
    assert at.radio(key="preset").options == labels["recommendation"]
    assert at.session_state["preset"] == "standard"


@pytest.mark.parametrize(
    ("link", "data", "preset"),
    [
        ({"preset": "Standard: text"}, "python-docs", "standard-text"),
        ({"preset": "Standard: text", "data": "python-docs"}, "python-docs", "standard-text"),
        ({"preset": "Demo: text", "data": "planted"}, "planted", "demo"),
        ({"preset": "Standard", "data": "python-docs"}, "python-docs", "standard-text"),
        ({"preset": "Paper: Penn Treebank"}, "python-docs", "paper-ptb"),
        ({"preset": "no such preset"}, "python-calls", "demo"),
    ],
)
def test_a_link_s_data_win_over_its_preset(link: dict[str, str], data: str, preset: str) -> None:
    at = open_page(PAGE, **link)
    assert_healthy(at)
    assert (at.session_state["choice_data"], at.session_state["preset"]) == (data, preset)


def test_the_python_docs_are_started_with_the_settings_of_the_text_demo(launched: list[str]) -> None:
    at = open_page(PAGE, data="python-docs")
    at.selectbox(key="demo-text:data.tokeniser").select("characters").run()
    assert shlex.split(at.code[0].value)[-2:] == ["--set", "data.tokeniser=characters"]
    at.button(key="start").click().run()
    assert_healthy(at)
    started = Run(Store().root / launched[0]).config
    assert started == with_settings(PRESETS["demo-text"].config, {"data.tokeniser": "characters"})


def test_a_duplicate_starts_from_the_settings_and_the_data_of_its_run() -> None:
    config = with_settings(RunConfig(), {"data.source": "planted", "synthetic.mu": 33, "name": "first"})
    run = Store().create(config)
    at = open_page(PAGE, like=run.id)
    assert_healthy(at)
    assert at.session_state["choice_data"] == "planted"
    assert at.session_state[f"{run.id}:synthetic.mu"] == 33
    assert "--set synthetic.mu=33" in at.code[0].value


@pytest.mark.parametrize("like", ["r-ffffffffffffffff", "../../x", "<b>"])
def test_a_link_to_settings_of_no_run_is_said_in_words(like: str) -> None:
    at = open_page(PAGE, like=like)
    assert_healthy(at)
    assert at.error


def test_a_data_set_with_a_hostile_name_is_shown_literally() -> None:
    name = "![x](http://evil.example/x.png)"
    items = pd.DataFrame({"item": ["a", "b"], "title": ["", ""], "group": ["", ""]})
    events = table_of(name, "test", ["ann", "ann", "bob"], ["a", "b", "a"], items, licence="none")
    source = library.IMPORTED + library.add(events)
    at = open_page(PAGE, data=source)
    assert_healthy(at)
    assert at.session_state["choice_data"] == source
    assert name not in "\n".join(one.value for one in [*at.markdown, *at.caption, *at.info])


def test_the_estimate_is_measured_once_for_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[RunConfig] = []

    def measured(config: RunConfig, sizes: object) -> estimate.Estimate:
        asked.append(config)
        return estimate.Estimate(
            seconds_per_step=0.1, distil_seconds=40, evaluate_seconds=20, peak_bytes=2**30, device="CPU"
        )

    monkeypatch.setattr(estimate, "estimate", measured)
    at = open_page(PAGE)
    assert not at.info
    next(button for button in at.button if "Estimate" in button.label).click().run()
    assert "About 40 s of distillation" in plain(at.info[0].value)
    at.text_input(key=f"{FIRST}:name").set_value("another name changes no cost").run()
    assert at.info
    at.number_input(key=f"{FIRST}:synthetic.mu").set_value(7).run()
    assert not at.info
    assert len(asked) == 1


def test_an_estimate_that_fails_is_said_and_does_not_stand_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(config: RunConfig, sizes: object) -> estimate.Estimate:
        raise RunError("The trial steps failed (out of memory); choose smaller settings")

    monkeypatch.setattr(estimate, "estimate", failing)
    at = open_page(PAGE)
    next(button for button in at.button if "Estimate" in button.label).click().run()
    assert_healthy(at)
    assert "The trial steps failed" in at.error[0].value
    assert at.button(key="start")
    at.run()
    assert not at.error
