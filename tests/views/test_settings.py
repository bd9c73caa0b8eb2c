"""Settings as people see them: nothing is left out, ranges are those of the core, the command is the same run."""

import shlex
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Task
from farzi_core.errors import ConfigError
from farzi_core.sections import Section
from farzi_core.views.settings import (
    BASICS,
    HIDDEN,
    NOT_OF,
    TEXT_BASICS,
    all_settings,
    basics,
    changed,
    command,
    groups,
)

CONFIG = RunConfig()
SETTINGS = {one.dotted: one for one in all_settings(CONFIG)}


def leaves(section: Section, prefix: str = "") -> set[str]:
    """Every dotted name, by walking the models instead of the view."""
    found = set()
    for name in type(section).model_fields:
        value = getattr(section, name)
        found |= leaves(value, f"{prefix}{name}.") if isinstance(value, Section) else {prefix + name}
    return found


@pytest.mark.parametrize(("task", "first"), [("recommendation", BASICS), ("language", TEXT_BASICS)])
def test_every_field_that_a_task_takes_is_shown_exactly_once(task: Task, first: tuple[str, ...]) -> None:
    above = [one.dotted for one in basics(CONFIG, task)]
    shown = above + [one.dotted for group in groups(CONFIG, task) for one in group.settings]
    assert sorted(shown) == sorted(leaves(CONFIG) - {*HIDDEN, *NOT_OF[task]})
    assert above == list(first)


def test_a_text_s_vocabulary_and_tokens_are_called_so() -> None:
    labels = {one.dotted: one.label for one in basics(CONFIG, "language")}
    assert (labels["data.max_items"], labels["data.tokeniser"]) == ("Vocabulary", "Tokens of a text")
    assert basics(CONFIG)[2].label == "Items kept"


def test_every_field_has_a_label_and_a_sentence_of_help() -> None:
    for setting in SETTINGS.values():
        assert setting.label
        assert not setting.label.startswith("|")
        assert setting.help.rstrip(".").count(" ") >= 1, setting.dotted
    for group in groups(CONFIG):
        labels = [one.label for one in group.settings]
        assert len(set(labels)) == len(labels), f"two settings of {group.title} look alike"


@pytest.mark.parametrize(
    "dotted", [name for name, one in SETTINGS.items() if one.low is not None or one.high is not None]
)
def test_a_value_beyond_the_shown_range_is_refused_by_the_core(dotted: str) -> None:
    setting = SETTINGS[dotted]
    for bound, beyond in ((setting.low, -1), (setting.high, 1)):
        if bound is not None:
            with pytest.raises(ConfigError, match=dotted.replace(".", r"\.")):
                with_settings(CONFIG, {dotted: type(setting.value)(bound + beyond)})


def test_the_range_is_in_the_help() -> None:
    assert SETTINGS["synthetic.xi"].help.endswith("Range: at least 2, at most 1,024.")
    assert SETTINGS["inner.beta1"].help.endswith("Range: at least 0, below 1.")
    assert SETTINGS["outer.clip"].help.endswith("Range: above 0, at most 1,000,000.")


@given(
    name=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30),
    mu=st.integers(1, 500),
    lr=st.floats(1e-6, 1),
    device=st.sampled_from(["auto", "cpu"]),
    students=st.lists(st.sampled_from(["sasrec", "gru4rec", "fmlp"]), unique=True),
)
def test_the_command_line_gives_back_the_settings(
    name: str, mu: int, lr: float, device: str, students: list[str]
) -> None:
    """As a shell reads it: split into words, and each `--set` taken as its text."""
    chosen = {"name": name, "synthetic.mu": mu, "inner.lr": lr, "runtime.device": device, "data.source": "planted"}
    wanted = with_settings(CONFIG, {**chosen, "evaluation.students": students})
    words = shlex.split(command(wanted, CONFIG))
    options = dict(word.split("=", 1) for option, word in pairwise(words) if option == "--set")
    kinds = {
        "name": str, "synthetic.mu": int, "inner.lr": float, "runtime.device": str, "evaluation.students": str,
    }  # fmt: skip
    values = {dotted: kinds[dotted](value) for dotted, value in options.items()}
    assert with_settings(CONFIG, {**values, "data.source": words[words.index("--data") + 1]}) == wanted
    assert set(options) == set(changed(wanted, CONFIG))
