"""The README tells the truth: its tree is the tree, its commands exist, its links lead somewhere."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from farzi_core.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
INDENT = "    "


def listed() -> list[str]:
    """The first word of each line of the tree, indentation kept."""
    block = re.search(r"## The tree\n\n```\n(.*?)```", README, re.DOTALL)
    assert block is not None
    return [re.match(r" *\S+", line)[0] for line in block[1].splitlines()]  # type: ignore[index]


def tracked() -> list[str]:
    """Paths git knows; skips outside a checkout."""
    try:
        done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: the files of the project cannot be told from others")
    return done.stdout.splitlines()


def test_every_top_level_entry_is_listed_once_and_exists() -> None:
    real = {f"{path.split('/')[0]}/" if "/" in path else path for path in tracked()}
    told = [line for line in listed() if not line.startswith(INDENT)]
    assert sorted(told) == sorted(real)


def test_every_package_of_the_core_is_listed_in_the_same_words_as_the_code() -> None:
    real = {f"{path.parent.name}/" for path in (ROOT / "farzi_core").glob("*/__init__.py")}
    told = [line.strip() for line in listed() if line.startswith(INDENT)]
    assert sorted(told) == sorted(real)
    docstring = (ROOT / "farzi_core" / "__init__.py").read_text(encoding="utf-8").split('"""')[1]
    assert sorted(re.findall(r"^    (\w+/)", docstring, re.MULTILINE)) == sorted(real)


def test_every_command_shown_is_one_the_parser_accepts() -> None:
    shown = re.findall(r"^(?:`)?python -m farzi_core (.*?)(?: +#.*)?$", README, re.MULTILINE)
    assert len(shown) >= 9
    for line in shown:
        parse(shlex.split(line))


def parse(words: list[str]) -> None:
    """Raise if the command line does not take these words; runs nothing."""
    command = get_command(app)
    context = command.make_context("farzi_core", list(words), resilient_parsing=False)
    rest = [*context._protected_args, *context.args]
    while hasattr(command, "commands"):
        assert rest[0] in command.commands, words
        command = command.commands[rest[0]]
        context = command.make_context(rest[0], rest[1:], parent=context)
        rest = [*getattr(context, "_protected_args", []), *context.args]


def test_links_to_files_lead_somewhere() -> None:
    targets = [one for one in re.findall(r"\]\(([^)#]+)", README) if "://" not in one]
    assert {"docs/method.md", "docs/security.md", "LICENSE"} <= set(targets)
    missing = [one for one in targets if not (ROOT / one).exists()]
    assert missing == []


def test_the_library_example_names_what_exists() -> None:
    import farzi_core

    for name in re.findall(r"farzi\.(\w+)", README):
        assert name in farzi_core.__all__
