"""docs/features.md names fourteen features, and for each a test that exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOC = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in DOC.splitlines() if line.startswith("|")][2:]
FEATURES = 14


def names_in(file: Path) -> set[str]:
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def test_every_feature_has_a_row() -> None:
    assert len(ROWS) == FEATURES


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip() for row in ROWS])
def test_the_tests_of_a_feature_exist(row: list[str]) -> None:
    named = re.findall(r"`(\S+?\.py)::(\w+)`", row[2])
    assert named, "a feature without a test is a promise"
    assert [f"{file}::{name}" for file, name in named if name not in names_in(ROOT / file)] == []


@pytest.mark.parametrize("file", sorted(set(re.findall(r"`(tests/\S+?\.py)`", DOC))))
def test_files_named_elsewhere_exist(file: str) -> None:
    assert (ROOT / file).is_file()
