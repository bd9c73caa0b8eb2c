"""Settings that are varied, SETTING=VALUE,VALUE,... each: every combination of them, and the file of what was found."""

import argparse
import itertools
import json
from collections.abc import Iterable, Sequence
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
        parser.error(f"{fixed.split('=', 1)[0]}: the data are read once, so no row would differ; vary another section")


def named(kind: str, data: str, preset: str, settings: Iterable[str]) -> str:
    """The name of a file: what another data set, preset or setting would change is in it; where it ran is not."""
    parts = [kind, data, preset, *(one.split("=", 1)[0] for one in settings if not one.startswith("runtime."))]
    return "-".join(parts).lower().replace(" ", "-").replace(".", "-") + ".json"


def write(kind: str, dataset: Dataset, preset: str, settings: Iterable[str], document: dict[str, Any]) -> None:
    """`document` with what it is of, beside this file."""
    about = {"data": dataset.info.model_dump(mode="json"), "preset": preset}
    path = HERE / named(kind, dataset.info.name, preset, settings)
    path.write_text(json.dumps({**about, **document}, indent=1) + "\n")
