"""Keep the final table of a finished run, and write docs/results.md from these tables, objectives and studies.

    python -m farzi_core demo                                  # or distill ...: any run that is done
    python -m benchmarks.quality.tables keep last python-calls-demo
    python -m benchmarks.quality.tables write                  # docs/results.md from all that were kept
    python -m benchmarks.quality.pictures                      # and their pictures

A kept table holds the rows with their seeds and intervals, sizes, seconds, device, versions, and all settings, of which
the page writes those that differ from the preset as it is now: enough to run it again. Data of users stay out: no item,
no title, no sequence.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.quality import objectives_page, studies
from farzi_core.commands.find import find_run
from farzi_core.commands.result import sizes
from farzi_core.config import RunConfig, parse_config
from farzi_core.evaluation.report import Evaluation, Interval, Metric, Row, RowName, scale, shown
from farzi_core.presets import PRESETS
from farzi_core.views.accuracy import protocol
from farzi_core.views.load import RunView
from farzi_core.views.runs import seconds
from farzi_core.views.settings import command
from farzi_core.views.standing import standing

HERE = Path(__file__).resolve().parent
TABLES, PAGE = HERE / "tables", HERE.parents[1] / "docs" / "results.md"
# arXiv 2310.09983, table 6, by the name a table is kept under: its value and percent of its own full data, in the order
# of the metrics. The percentages of AUC are of the printed values.
PAPER = {
    "amazon-magazine": ("[50x20], 1.6 % of its users", "24.5 52.1 17.1 22.1 82.91", "105.6 100.2 101.2 101.8 100.8"),
    "ml-100k-10x150": ("[10x150], 1 % of its users", "17.3 61.2 9.2 17.7 89.57", "95.1 101.0 98.9 100.6 99.4"),
    "ml-100k-50x50": ("[50x50], 5.3 % of its users", "19.6 62.9 9.9 18.1 90.16", "107.7 103.8 106.5 102.8 100.1"),
    "ml-1m-100x100": ("[100x100], 1.6 % of its users", "25.6 63.6 14.1 21.3 93.17", "97.7 101.3 97.9 97.7 100.3"),
}
HEAD = """\
# Results

Every figure below is from a run of this project, on test users that nothing was chosen on, and can be made again with
the command above its table. Value: mean over fresh students with random weights; below it percent of the same
architecture's value on full data. In brackets 95 % intervals, bootstrap over test users, for percentages paired. Steps
and seconds (s) are those of one student, up to the step that validation chose. Data: users with at least 3 events;
disjoint 80/10/10 users. Students on real data of equal size have the same weight decay as those on distilled data,
and the larger dropout of theirs and of full data's; those on taught windows train as those on distilled data do.

A row "The paper" has its figures on its own split, model and full data (HR@10 23.2 % on Magazine): percentages compare
methods only as far as both full-data models are tuned alike.

A key `dataset:...` is a file that was added with `python -m farzi_core datasets add`.
This page is written by `python -m benchmarks.quality.tables write` from benchmarks/quality/.
"""


def keep(run_name: str, name: str) -> None:
    """Write the table of a finished run as tables/<name>.json."""
    run = find_run(run_name)
    view = RunView(run.folder)
    report, environment = view.evaluation, run.manifest.environment
    document = {
        "data": view.info.name, "licence": view.info.licence, "digest": view.info.digest,
        "config": view.config.model_dump(mode="json"),
        "sizes": sizes(report), "seconds": seconds(run.events()),
        "environment": environment.model_dump(mode="json") if environment else {},
        "evaluation": report.model_dump(mode="json"),
    }  # fmt: skip
    TABLES.mkdir(exist_ok=True)
    (TABLES / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")


def kept() -> Iterator[tuple[str, dict[str, Any]]]:
    """All kept tables."""
    return studies.documents(TABLES)


def section(name: str, document: dict[str, Any]) -> str:
    """One table of the page."""
    report, size, spent = Evaluation.model_validate(document["evaluation"]), document["sizes"], document["seconds"]
    environment, metrics, config = document["environment"], report.metrics, parse_config(document["config"])
    names = " | ".join(studies.title(metric) + (" ↓" if metric.lower_is_better else "") for metric in metrics)
    head = f"| trained on | {names} | steps | s |\n|---|{'---:|' * (len(metrics) + 2)}\n"
    lines = [
        f"## {document['data']}: {size['mu']:,} x {size['xi']} synthetic events{_aside(config)}",
        f"```sh\n{command(config, PRESETS[config.preset].config)}\n```",  # of the preset as it is now
        f"{size['percent_of_sequences']:.2f} % of {size['sequences']:,} training sequences, "
        f"{100 * size['mu'] * size['xi'] / size['events']:.2f} % of {size['events']:,} events; "
        f"{report.stored_numbers:,} stored numbers. Distillation {spent['distil'] / 60:.1f} min on "
        f"{studies.where(environment)}, torch {environment['versions']['torch']}.",
        f"{protocol(report)} {report.baselines}",
        head + "\n".join([*(_line(label, row, metrics) for label, row in report.labelled), *_paper(name)]),
        studies.plain(standing(report)),
        f"![{name}](../benchmarks/quality/tables/{name}.png)",
    ]
    return "\n\n".join(lines)


def _aside(config: RunConfig) -> str:
    """What a reader must know beside the size: labels, and another split of the data."""
    labels = ", with labels of their own" if config.synthetic.labelled else ""
    taught = ", taught at the start" if config.synthetic.start_labels == "taught" else ""
    return labels + taught + (f", split {config.data.seed}" if config.data.seed else "")


def _line(label: str, row: Row, metrics: tuple[Metric, ...]) -> str:
    cells = [_cell(row, metric) for metric in metrics]
    return f"| {label} | {' | '.join(cells)} | {row.steps:.0f} | {row.seconds:.1f} |"


def _paper(name: str) -> list[str]:
    """What the paper reports for this case, on its own split and model, if it does."""
    if name not in PAPER:
        return []
    case, values, percents = PAPER[name]
    pairs = zip(values.split(), percents.split(), strict=True)
    cells = [f"{value} %<br>{percent} %" for value, percent in pairs]
    return [f"| The paper, {case} | {' | '.join(cells)} | | |"]


def _cell(row: Row, metric: Metric) -> str:
    value = f"{shown(metric, row.mean[metric])}{_around(row.interval.get(metric), scale(metric), metric)}"
    if row.name is RowName.FULL:
        return value
    return f"{value}<br>{row.percent_of_full[metric]:.1f} %{_around(row.percent_interval.get(metric), 1)}"


def _around(interval: Interval | None, unit: int, metric: Metric = Metric.HR10) -> str:
    """` [low, high]` with the decimals of what stands before it; nothing where there is no interval."""
    decimals = 1 if metric.is_fraction else 2
    return f" [{unit * interval.low:.{decimals}f}, {unit * interval.high:.{decimals}f}]" if interval else ""


def page() -> str:
    """docs/results.md."""
    sections = [
        *(section(*one) for one in kept()),
        *(objectives_page.section(*one) for one in objectives_page.kept()),
        *(studies.section(*one) for one in studies.kept()),
    ]
    return "\n\n".join([HEAD.rstrip(), *sections]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    keeping = verbs.add_parser("keep")
    keeping.add_argument("run")
    keeping.add_argument("name")
    verbs.add_parser("write")
    asked = parser.parse_args()
    if asked.verb == "keep":
        keep(asked.run, asked.name)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
