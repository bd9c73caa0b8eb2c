"""Settings that are varied, SETTING=VALUE,VALUE,... each: every combination of them, and the file of what was found."""

import argparse
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from farzi_core.data.dataset import Dataset

HERE = Path(__file__).parent


def combinations(varied: Sequence[str]) -> list[list[str]]:
    """SETTING=VALUE lists, the last setting changing fastest."""
    names = [one.split("=", 1)[0] for one in varied]
    values = [one.split("=", 1)[1].split(",") for one in varied]
    return [[f"{name}={value}" for name, value in zip(names, some, strict=True)] for some in itertools.product(*values)]


def refuse_data(parser: argparse.ArgumentParser, varied: Sequence[str]) -> None:
    """The data are read once, so no row would differ."""
    if fixed := next((one for one in varied if one.startswith("data.")), None):
        parser.error(f"{fixed}: the data are read once, so no row would differ; vary another section")


def write(kind: str, dataset: Dataset, varied: Sequence[str], document: dict[str, Any]) -> None:
    """<kind>-<data>-<settings>.json beside this file."""
    words = [kind, dataset.info.name, *(one.split("=", 1)[0] for one in varied)]
    name = "-".join(words).lower().replace(" ", "-").replace(".", "-")
    (HERE / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
