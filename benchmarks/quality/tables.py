"""Keep the final table of a finished run, and write docs/results.md from all that were kept.

    python -m farzi_core demo                                  # or distill ...: any run that is done
    python -m benchmarks.quality.tables keep last python-calls-demo
    python -m benchmarks.quality.tables write                  # docs/results.md from the kept ones and from studies
    python -m benchmarks.quality.pictures                      # and their pictures

A kept table holds the rows with their seeds and intervals, sizes, seconds, device, versions, and every setting that
differs from the preset: enough to run it again. Data of users stay out: no item, no title, no sequence.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.quality import studies
from farzi_core.commands.find import find_run
from farzi_core.commands.result import sizes
from farzi_core.evaluation.report import FORM_ROWS, LABELS, METRIC_LABELS, Evaluation, Metric, Row, RowName, shown
from farzi_core.presets import PRESETS
from farzi_core.views.load import RunView
from farzi_core.views.runs import seconds
from farzi_core.views.settings import command

HERE = Path(__file__).resolve().parent
TABLES, PAGE = HERE / "tables", HERE.parents[1] / "docs" / "results.md"
# arXiv 2310.09983, table 6: its value and percent of its own full data, in the order of the metrics
PAPER = {
    "amazon-magazine": ("[50x20], 1.6 % of its users", "24.5 52.1 17.1 22.1 82.91", "105.6 100.2 101.2 101.8 100.8"),
}
HEAD = """\
# Results

Every figure below is from a run of this project, on test users that nothing was chosen on, and can be made again with
the command above its table. Value: mean over fresh students with random weights. Below it: percent of the full
data's value [95 % interval, paired bootstrap over test users]. Protocol: users with at least 3 events; disjoint
80/10/10 users; the last event is the target, ranked over all items, seen ones included; training steps chosen on
validation users. Random and head users are as many real sequences as there are synthetic ones, and their students
have the same weight decay.

A row "The paper" has its figures on its own split, model and full data (HR@10 23.2 % on Magazine): percentages compare
methods only as far as both full-data models are tuned alike.

A key `dataset:...` is a file that was added with `python -m farzi_core datasets add`.
Both tables of the preset standard were measured before the guard kept ages apart, that of the e-shop also before the
engine's losses were split.

This page is written by `python -m benchmarks.quality.tables write` from benchmarks/quality/tables/.
"""


def keep(run_name: str, name: str) -> None:
    """Write the table of a finished run as tables/<name>.json."""
    run = find_run(run_name)
    view = RunView(run.folder)
    report, environment = view.evaluation, run.manifest.environment
    document = {
        "data": view.info.name, "licence": view.info.licence, "digest": view.info.digest,
        "command": command(view.config, PRESETS[view.config.preset].config),
        "sizes": sizes(report), "seconds": seconds(run.events()),
        "environment": environment.model_dump(mode="json") if environment else {},
        "evaluation": report.model_dump(mode="json"),
    }  # fmt: skip
    TABLES.mkdir(exist_ok=True)
    (TABLES / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")


def kept() -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and documents of all kept tables."""
    for path in sorted(TABLES.glob("*.json")):
        yield path.stem, json.loads(path.read_text())


def section(name: str, document: dict[str, Any]) -> str:
    """One table of the page."""
    report, size, spent = Evaluation.model_validate(document["evaluation"]), document["sizes"], document["seconds"]
    environment = document["environment"]
    metrics = report.metrics
    names = " | ".join(METRIC_LABELS[metric] + (" ↓" if metric.lower_is_better else "") for metric in metrics)
    head = f"| trained on | {names} | steps |\n|---|{'---:|' * (len(metrics) + 1)}\n"
    lines = [
        f"## {document['data']}: {size['mu']:,} x {size['xi']} synthetic events",
        f"```sh\n{document['command']}\n```",
        f"{size['percent_of_sequences']:.2f} % of {size['sequences']:,} training sequences, "
        f"{100 * size['mu'] * size['xi'] / size['events']:.2f} % of {size['events']:,} events; "
        f"{report.stored_numbers:,} stored numbers. {report.test_users:,} test users, {report.seeds} students a row. "
        f"Distillation {spent['distil'] / 60:.1f} min on {environment['threads']} threads of "
        f"{environment['device_name']}, torch {environment['versions']['torch']}.",
        head + "\n".join([*(_line(row, metrics) for row in report.rows), *_paper(name)]),
        verdict(report),
        f"![{name}](../benchmarks/quality/tables/{name}.png)",
    ]
    return "\n\n".join(lines)


def _line(row: Row, metrics: tuple[Metric, ...]) -> str:
    cells = [_cell(row, metric) for metric in metrics]
    return f"| {LABELS[row.name]} | {' | '.join(cells)} | {row.steps:.0f} |"


def _paper(name: str) -> list[str]:
    """What the paper reports for this case, on its own split and model, if it does."""
    if name not in PAPER:
        return []
    case, values, percents = PAPER[name]
    pairs = zip(values.split(), percents.split(), strict=True)
    cells = [f"{value} %<br>{percent} %" for value, percent in pairs]
    return [f"| The paper, {case} | {' | '.join(cells)} | |"]


def _cell(row: Row, metric: Metric) -> str:
    value = shown(metric, row.mean[metric])
    if row.name is RowName.FULL:
        return value
    interval = row.percent_interval.get(metric)
    around = f" [{interval.low:.1f}, {interval.high:.1f}]" if interval else ""
    return f"{value}<br>{row.percent_of_full[metric]:.1f} %{around}"


def verdict(report: Evaluation) -> str:
    """Which real subsets and rules the distilled data beat outside the paired interval, metric by metric."""
    rows = [row for row in report.rows if row.name not in (RowName.FULL, *FORM_ROWS.values())]
    behind = {row.name: [metric for metric in report.metrics if not _ahead(row, metric)] for row in rows}
    beaten = [row for row in rows if not behind[row.name]]
    rest = [
        f"{LABELS[name]} on {', '.join(METRIC_LABELS[metric] for metric in metrics)}"
        for name, metrics in behind.items()
        if metrics
    ]
    names = ", ".join(LABELS[row.name] for row in beaten) or "nothing"
    said = f"Ahead on all metrics, outside the paired interval, of: {names}."
    return said + (f" Not ahead of {'; '.join(rest)}." if rest else "")


def _ahead(row: Row, metric: Metric) -> bool:
    """Whether the distilled data are better than this row, outside the paired interval."""
    interval = row.minus_distilled[metric]
    return interval.high < 0 if metric.lower_is_better else interval.low > 0


def page() -> str:
    """docs/results.md."""
    sections = [*(section(*one) for one in kept()), *(studies.section(*one) for one in studies.kept())]
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
