"""Run a study, several sizes, architectures or splits, and keep what it found.

    python -m benchmarks.quality.studies frontier python-calls --sizes 50x5,100x5,200x5 --seeds 0,1 --data python-calls
    python -m benchmarks.quality.studies transfer python-calls --seeds 0,1 --data python-calls
    python -m benchmarks.quality.studies splits python-calls --splits 0,1,2,3,4 --data python-calls
    python -m benchmarks.quality.tables write                  # docs/results.md with all that were kept

What follows the name is passed to `python -m farzi_core frontier`, `transfer` or `splits`, which goes on where it was
stopped. Kept are the means, percentages with their intervals, the worst and the best student (of splits every split's
percentage), seconds and the device; no item, no sequence.
"""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from farzi_core.commands.find import find_run
from farzi_core.evaluation.report import LABELS, METRIC_LABELS, Metric, RowName, shown
from farzi_core.views import intervals
from farzi_core.views.points import count, size_label

STUDIES = Path(__file__).resolve().parent / "studies"
Document = dict[str, Any]
LISTS = ("points", "cells", "rows")  # what the documents of the kinds list


def keep(kind: str, name: str, words: Sequence[str]) -> None:
    """Run `kind` with `words` of the command line and write studies/<kind>-<name>.json."""
    asked = [kind, *words]
    done = subprocess.run([sys.executable, "-m", "farzi_core", *asked, "--json"], stdout=subprocess.PIPE, text=True)
    if not done.stdout.strip():
        raise SystemExit(done.returncode or 1)
    found = json.loads(done.stdout)
    runs = [find_run(one["run_id"]) for one in found.pop("runs") if one["state"] == "done"]
    if not _lists(found):
        raise SystemExit(
            f"farzi: {kind} printed no figures, so there is nothing to keep; wait until a run is done, without --detach"
        )
    environment = runs[0].manifest.environment
    document = {
        "kind": kind, "command": f"python -m farzi_core {shlex.join(asked)}",
        "environment": environment.model_dump(mode="json") if environment else {},
        "finished": len(runs), **_without_ids(found),
    }  # fmt: skip
    STUDIES.mkdir(exist_ok=True)
    (STUDIES / f"{kind}-{name}.json").write_text(json.dumps(document, indent=1) + "\n")


def _without_ids(found: Document) -> Document:
    """Ids of runs mean nothing on another machine."""
    lines = {name: [{**one, "runs": len(one["runs"])} for one in found[name]] for name in _lists(found)}
    return {**found, **lines}


def _lists(found: Document) -> list[str]:
    return [name for name in LISTS if name in found]


def documents(folder: Path, pattern: str = "*.json") -> Iterator[tuple[str, Document]]:
    """Names and contents of what was kept in a folder: tables, studies, comparisons."""
    for path in sorted(folder.glob(pattern)):
        yield path.stem, json.loads(path.read_text())


def kept() -> Iterator[tuple[str, Document]]:
    """All kept studies."""
    return documents(STUDIES)


def section(name: str, document: Document) -> str:
    """One study of docs/results.md; `name`: of its picture."""
    kind, environment = document["kind"], document["environment"]
    parts = [
        f"## {kind.capitalize()}: {document['dataset']}",
        f"```sh\n{document['command']}\n```",
        f"{count(document['finished'], 'run')} on {where(environment)}, torch {environment['versions']['torch']}. "
        f"{_meaning(document)}",
        "\n".join(KINDS[kind](document)),
    ]
    if kind == "frontier":
        parts.append(" ".join(_paid(one) for one in document["cost"]))
    return "\n\n".join([*parts, f"![{name}](../benchmarks/quality/studies/{name}.png)"])


def _meaning(document: Document) -> str:
    """What stands in a cell."""
    if document["kind"] == "splits":
        return (
            "Mean over the splits of each split's mean, below it the mean of the splits' percentages of their own full "
            "data with its 95 % interval, and the lowest to the highest split's percentage. "
            f"{intervals.SPLITS_MEANING}"
        )
    said = (
        "Mean over all students of all seeds, below it percent of full data's mean and the worst to the best student."
    )
    figures = [found for one in _lines(document) for found in one["metrics"].values()]
    known = any(found.get("percent_low") is not None for found in figures)
    return f"{said} {intervals.RUNS_MEANING}" if known else said


def where(environment: Document) -> str:
    """What it ran on; a CPU's name has its threads."""
    name = str(environment["device_name"])
    return name if "threads" in name else f"{name}, {environment['threads']} threads"


def plain(words: str) -> str:
    """Words in Markdown, which would take `<unk>` for a tag."""
    return words.replace("<", r"\<")


def title(metric: Metric) -> str:
    """A metric's name in Markdown."""
    return plain(METRIC_LABELS[metric])


def metrics(document: Document) -> list[Metric]:
    return [Metric(name) for name in _lines(document)[0]["metrics"]]


def _lines(document: Document) -> list[Document]:
    (name,) = _lists(document)
    return list(document[name])


def _head(names: Sequence[str], document: Document) -> list[str]:
    columns = [*names, *map(title, metrics(document))]
    return [f"| {' | '.join(columns)} |", f"|{'---|' * len(names)}{'---:|' * len(metrics(document))}"]


def _frontier(document: Document) -> list[str]:
    rows = [
        f"| {LABELS[RowName(one['row'])]} | {size_label(one['mu'], one['xi']) if one['mu'] else 'all'} | "
        f"{one['numbers']:,.0f} | {_cells(one, document)} |"
        for one in document["points"]
    ]
    return [*_head(("trained on", "size", "stored numbers"), document), *rows]


def _transfer(document: Document) -> list[str]:
    rows = [f"| {one['teacher']} | {one['student']} | {_cells(one, document)} |" for one in document["cells"]]
    return [*_head(("distilled with", "student"), document), *rows]


def _splits(document: Document) -> list[str]:
    rows = [
        f"| {LABELS[RowName(one['row'])]} | {', '.join(map(str, one['splits']))} | "
        f"{' | '.join(_over_splits(one, metric) for metric in metrics(document))} |"
        for one in document["rows"]
    ]
    return [*_head(("trained on", "splits"), document), *rows]


KINDS = {"frontier": _frontier, "transfer": _transfer, "splits": _splits}


def _over_splits(one: Document, metric: Metric) -> str:
    figures = one["metrics"][metric.value]
    if one["row"] == RowName.FULL:
        return shown(metric, figures["mean"])
    percents = figures["percents"]
    return f"{shown(metric, figures['mean'])}<br>{_percent(figures)}<br>{min(percents):.1f} % to {max(percents):.1f} %"


def _cells(one: Document, document: Document) -> str:
    return " | ".join(_cell(one["metrics"][metric.value], metric) for metric in metrics(document))


def _cell(figures: Document, metric: Metric) -> str:
    low, high = (shown(metric, figures[name]) for name in ("low", "high"))
    return f"{shown(metric, figures['mean'])}<br>{_percent(figures)}<br>{low} to {high}"


def _percent(figures: Document) -> str:
    """With its interval where the study that was kept has one."""
    around = intervals.words(figures.get("percent_low"), figures.get("percent_high"))
    return f"{figures['percent_of_full']:.1f} %{f' {around}' if around else ''}"


def _paid(one: Document) -> str:
    said = (
        f"{one['size']}: {one['distil']:.0f} s of distillation, {one['distilled']:.1f} s a student against "
        f"{one['full']:.1f} s on full data"
    )
    return f"{said}, " + (f"paid after {count(one['payoff'], 'training')}." if one["payoff"] else "never paid in time.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("name")
    asked, words = parser.parse_known_args()
    keep(asked.kind, asked.name, words)


if __name__ == "__main__":
    main()
