"""The rows of objectives.py as a section of docs/results.md: means over seeds, percent of full data, worst to best."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.quality.studies import documents, title
from farzi_core.config import parse_config
from farzi_core.evaluation.report import Metric, percent_of_full, shown
from farzi_core.presets import PRESETS
from farzi_core.views.points import count
from farzi_core.views.settings import changed, written

HERE = Path(__file__).resolve().parent
Document = dict[str, Any]
Key = tuple[str, str, str]
ASKED = ("seed", "data.source", "evaluation.baselines")
"""Settings that the script decides itself or has words of its own for."""


def kept() -> Iterator[tuple[str, Document]]:
    """All comparisons."""
    return documents(HERE, "objectives-*.json")


def section(name: str, document: Document) -> str:
    """One comparison; `name`: of its picture."""
    about, found = document["about"], _groups(document["rows"])
    metrics = [Metric(one) for one in document["rows"][0]["metrics"]]
    full = {metric: fmean(_values(found[("full data", "adam", "-")], metric)) for metric in metrics}
    head = ["trained on", "inner optimiser", "equal", *map(title, metrics), "outer steps", "s"]
    lines = [
        f"| {' | '.join(head)} |",
        f"|---|---|---|{'---:|' * (len(metrics) + 2)}",
        *(_line(key, rows, metrics, full) for key, rows in found.items()),
    ]
    said = (
        f"{count(_seeds(document), 'seed')} on {about['device']}; test users. Mean over seeds, below it percent of "
        "full data's mean and the lowest to the highest seed. Steps and seconds (s) are those of the outer loop, "
        "without validation; equal time is that of Farzi with Adam. Where no snapshot beats the start on validation "
        "users the start is the result, and the row repeats its figures. A row with fewer seeds is not done yet."
    )
    parts = [f"## Objectives: {about['data']['name']}", f"```sh\n{_command(document)}\n```", said, "\n".join(lines)]
    return "\n\n".join([*parts, f"![{name}](../benchmarks/quality/{name}.png)"])


def _groups(rows: list[Document]) -> dict[Key, list[Document]]:
    found: dict[Key, list[Document]] = {}
    for row in rows:
        found.setdefault((row["objective"], row["optimizer"], row["equal"]), []).append(row)
    return found


def _values(rows: list[Document], metric: Metric) -> list[float]:
    return [row["metrics"][metric] for row in rows]


def _line(key: Key, rows: list[Document], metrics: list[Metric], full: dict[Metric, float]) -> str:
    cells = [_cell(_values(rows, metric), metric, full[metric]) for metric in metrics]
    lost = sum(row.get("diverged", False) for row in rows)
    words = [f"{key[0]} (n = {len(rows)}{f', {lost} diverged' if lost else ''})", *key[1:], *cells]
    steps, seconds = (fmean(row[name] for row in rows) for name in ("steps", "seconds"))
    return f"| {' | '.join(words)} | {steps:.0f} | {seconds:.0f} |"


def _cell(values: list[float], metric: Metric, full: float) -> str:
    mean = fmean(values)
    around = f"{shown(metric, min(values))} to {shown(metric, max(values))}"
    return f"{shown(metric, mean)}<br>{percent_of_full(metric, mean, full):.1f} %<br>{around}"


def _seeds(document: Document) -> int:
    return len({row["seed"] for row in document["rows"]})


def _command(document: Document) -> str:
    """What makes the rows again."""
    about = document["about"]
    config = parse_config(about["settings"])
    words = ["--data", config.data.source, "--preset", config.preset, "--seeds", str(_seeds(document))]
    words += ["--sgd-lr", str(about["sgd"]["inner.lr"])]
    own = changed(config, PRESETS[config.preset].config)
    settings = [f"{dotted}={written(value)}" for dotted, value in own.items() if dotted not in ASKED]
    more = ["--set", *settings] if settings else []
    return shlex.join(["python", "-m", "benchmarks.quality.objectives", *words, *more])
