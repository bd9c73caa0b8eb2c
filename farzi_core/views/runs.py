"""Runs in words and tables: how far one is, how long it will take, and a list of many."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from farzi_core.data import library
from farzi_core.evaluation.report import metrics_in
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import RunSummary
from farzi_core.views import text

Event = Mapping[str, Any]

STAGES = {
    "prepare": "Preparing the data",
    "teacher": "Training on the real data",
    "distil": "Distilling",
    "evaluate": "Testing on unseen data",
    "inspect": "Drawing maps, searching nearest sequences",
}
COUNTED = {"prepare": "prepare", "teacher": "evaluate", "distil": "distil", "evaluate": "evaluate"}
RECENT = 30  # events of a stage that the speed is measured over: long enough to be calm, short enough to follow


@dataclass(frozen=True)
class Progress:
    """Where a run is: its stage, `done` of `total` in that stage (0 of 0 where unknown), seconds left in it."""

    stage: str
    message: str
    done: int = 0
    total: int = 0
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        """Of the stage, in [0, 1); a stage is over when the next begins, for then its product is stored."""
        return min(self.done / self.total, 0.99) if self.total else 0.0

    @property
    def percent(self) -> str:
        """For the title of the browser's tab: `37 % Distilling`."""
        return f"{self.fraction:.0%}".replace("%", " %") + f" {STAGES.get(self.stage, '')}".rstrip()

    @property
    def sentence(self) -> str:
        """`Distilling (stage 3 of 5) · 120 of 400 · about 40 s left in this stage`; may hold foreign text."""
        names = list(STAGES)
        place = f" (stage {names.index(self.stage) + 1} of {len(names)})" if self.stage in names else ""
        count = f" · {self.done:,} of {self.total:,}" if self.total else ""
        left = "" if self.seconds_left is None else f" · about {duration(self.seconds_left)} left in this stage"
        return f"{self.message}{place}{count}{left}"


def duration(seconds: float) -> str:
    """`95` -> `1 min 35 s`: the two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def cores(device: str, threads: int) -> str:
    """What a run works with: `cpu, 2 threads`."""
    return f"{device}, {threads} thread{'s' if threads > 1 else ''}"


def size(count: float) -> str:
    """Bytes in the unit a person would choose: `1.2 MB`."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def progress(events: Sequence[Event]) -> Progress:
    """What the newest lines of `metrics.jsonl` say."""
    stage, sentence = "", "Waiting for the first step"
    marks: list[tuple[float, float, float]] = []
    for event in events:
        if event["event"] in {"stage", "attempt"}:
            marks = []  # a resumed run is timed afresh
        if event["event"] == "stage":
            stage = str(event["stage"])
            sentence = str(event.get("message") or STAGES.get(stage, stage))
        elif mark := _mark(event, stage):
            marks.append(mark)
    if not marks:
        return Progress(stage, sentence)
    done, total, _ = marks[-1]  # once work is counted, the message at the start of the stage is history
    return Progress(stage, STAGES.get(stage, sentence), int(done), int(total), _seconds_left(marks[-RECENT:]))


def _mark(event: Event, stage: str) -> tuple[float, float, float] | None:
    """(done, total, elapsed) of a line that counts work of this stage."""
    if event["event"] == "step":
        return event["step"], event["steps"], event["elapsed"]
    if event["event"] == "progress" and event["stage"] == stage and stage != "distil":
        return event["done"], event["total"], event["elapsed"]
    return None


def _seconds_left(marks: Sequence[tuple[float, float, float]]) -> float | None:
    (first, _, start), (last, total, end) = marks[0], marks[-1]
    return (total - last) * (end - start) / (last - first) if last > first else None


def seconds(events: Iterable[Event]) -> dict[str, float]:
    """Seconds of work by stage, over all attempts: training on full data counts to `evaluate`, maps to nothing."""
    spent = dict.fromkeys(("prepare", "distil", "evaluate"), 0.0)
    stage, since = "", 0.0
    for event in events:
        if event["event"] in {"stage", "attempt", "end"}:
            if stage in COUNTED:
                spent[COUNTED[stage]] += event["elapsed"] - since
            stage, since = str(event.get("stage", "")), event["elapsed"]
    return {kind: round(value, 3) for kind, value in spent.items()}


def best(events: Iterable[Event]) -> float | None:
    """The task's first metric (HR@10, or accuracy) of what is kept: the last snapshot, or mean of some, that is
    marked best."""
    kept = [event for event in events if event["event"] in {"validation", "average"} and event.get("best")]
    return float(kept[-1][metrics_in(kept[-1])[0]]) if kept else None


def age(moment: datetime, now: datetime | None = None) -> str:
    """`5 min ago`; a moment in the future (a clock was set back) is `just now`."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    for unit, length in (("day", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return "just now"


def facts(run: RunSummary, latest: Mapping[str, Event]) -> list[str]:
    """Short facts for one line: name, data, device and threads, attempt, age. Foreign text."""
    attempt = latest.get("attempt", {})
    where = cores(attempt["device"], attempt["threads"]) if attempt else ""
    again = f"attempt {run.attempt}" if run.attempt > 1 else ""
    begun = f"created {age(run.created)}" if run.created else ""
    return [
        text.visible(fact)
        for fact in (title(run), f"data: {library.label(run.source)}", where, again, begun, run.id)
        if fact
    ]


def title(run: RunSummary) -> str:
    """The name, or what the run is made of; foreign text."""
    return run.name or (f"{library.label(run.source)}, {run.preset}" if run.source else run.id)


def label(run: RunSummary) -> str:
    """One line for choosers, which show plain text."""
    return f"{text.visible(title(run))} · {run.state.value} · {run.id}"


def table(runs: Sequence[RunSummary], best: Mapping[str, float | None], sizes: Mapping[str, int]) -> pd.DataFrame:
    """One row a run, in the given order. The best is in percent, the share of steps too."""
    done = {RunState.DONE: 100.0}
    rows = [
        {
            "State": run.state.value,
            "Name": text.visible(title(run)),
            "Data": text.visible(library.label(run.source)),
            "Steps": done.get(run.state, 100 * run.step / run.steps if run.steps else 0.0),
            "Best": None if (found := best.get(run.id)) is None else 100 * found,
            "Created": age(run.created) if run.created else "",
            "MB": sizes.get(run.id, 0) / 1e6,
            "Run": run.id,
        }
        for run in runs
    ]
    return pd.DataFrame(rows).astype({"Best": "float64"})
