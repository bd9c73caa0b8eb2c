"""Judge the synthetic data of a finished run anew, in this process: other students, seeds or forms, nothing distilled.

The run itself stays as it is; everything that has a row is trained again, full data too, so that intervals are paired.
"""

import re
import time
from typing import Annotated, Any, get_args

import typer

from farzi_core.commands import show
from farzi_core.commands.result import Judged
from farzi_core.config import with_settings
from farzi_core.evaluation.report import KIND_LABELS, LABELS, RowName
from farzi_core.runs.run import Run
from farzi_core.sections import Form, Kind

Students = Annotated[
    str | None, typer.Option(help=f"Architectures to train, with commas between: {', '.join(get_args(Kind))}.")
]
Seeds = Annotated[int | None, typer.Option(min=1, max=100, help="Students a row, and models on full data.")]
Forms = Annotated[
    str | None, typer.Option(help=f"Forms of the synthetic data, with commas between: {', '.join(get_args(Form))}.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="evaluation.KEY=VALUE", help="Change one more setting of the evaluation."),
]


def asked(students: str | None, seeds: int | None, forms: str | None, settings: list[str]) -> dict[str, Any]:
    """Dotted settings of the evaluation that differ from the run's; raises `UsageError` for any other setting."""
    words = {
        "evaluation.students": students,
        "evaluation.seeds": seeds,
        "evaluation.full_seeds": seeds,
        "evaluation.forms": forms,
    }
    found: dict[str, Any] = {setting: value for setting, value in words.items() if value is not None}
    for one in settings:
        if not (match := re.fullmatch(r"(evaluation\.\w+)=(.*)", one)):
            raise show.UsageError(f"--set {one!r} is not evaluation.key=value: other settings would be another run's.")
        found[match[1]] = match[2]
    return found


def judged_again(run: Run, settings: dict[str, Any], *, quiet: bool) -> Judged:
    """The table of `run` under these settings. One line a row on stderr, unless `quiet`."""
    from farzi_core import pipeline  # torch comes in here
    from farzi_core.recorder import MemoryRecorder, Meta

    config, began = with_settings(run.config, settings), time.perf_counter()

    def heard(event: Meta) -> None:
        if event["event"] == "row" and event["seed"] == 0 and not quiet:
            label = f"{KIND_LABELS[event['student']]}, {LABELS[RowName(event['name'])].lower()}"
            show.say(f"{time.perf_counter() - began:7.1f} s  {label}", prefix="")

    synthetic, dataset, recorder = pipeline.best_synthetic(run), pipeline.data_of(run), MemoryRecorder(heard)
    wanted = "taught_windows" in config.evaluation.baselines
    if wanted and (teachers := pipeline.kept_teachers(run)) is not None:
        recorder.keep("teachers", teachers, {})
    report = pipeline.judge(config, dataset, synthetic, recorder)
    return Judged.of(run, config, dataset.info, report, time.perf_counter() - began)
