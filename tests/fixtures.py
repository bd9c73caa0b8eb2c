"""A small but real run folder, without torch: what the worker leaves behind, with consistent numbers and checksums.

make_finished_run(home)                          a finished run with every file of docs/run-folder.md
make_finished_run(home, state=RunState.FAILED)   ended early: no result
make_finished_run(home, task="language")         a finished run on text: other rows, other metrics; titles=WORDS reads
make_finished_run(home, titles=HOSTILE_TITLES)   item titles that attack Markdown, HTML, CSV and the eye
"""

import functools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import safetensors.numpy
from threadpoolctl import threadpool_limits

from farzi_core.config import RunConfig, with_settings
from farzi_core.data import tokenise
from farzi_core.data.dataset import DatasetInfo, Sequences, Task
from farzi_core.evaluation import inspect
from farzi_core.evaluation.coverage import coverage
from farzi_core.evaluation.report import METRICS, Evaluation, Interval, Metric, Recovery, Row, RowName
from farzi_core.runs import manifest, metrics_log
from farzi_core.runs.files import sha256
from farzi_core.runs.manifest import Environment, FileRecord, Manifest, RunState
from farzi_core.runs.run import settings_digest
from farzi_core.views.load import TOKENISER

TITLES = (
    "len",
    ".append",
    "isinstance",
    "range",
    "os.path.join",
    "open",
    ".items",
    "print",
    "sorted",
    ".strip",
    "zip",
    "max",
)
WORDS = ("<eos>", "the", ",", "a", "list", ".", "returns", "of", "(", ")", "<unk>", "value")
HOSTILE_TITLES = (
    "![x](http://evil.example/x.png)",
    "<img src=http://evil.example/y.png onerror=alert(1)>",
    "<b>bold</b><a href='http://evil.example'>link</a>",
    '=HYPERLINK("http://evil.example")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    ":material/warning: :red[red] **bold** `code`",
    "$\\frac{1}{2}$ %{x} %{customdata[0]}",
    "\u202egnp.exe",
    "line\nbreak\ttab\0nul",
    "x" * 400,
)
TEST_USERS, VALIDATION_USERS = 200, 180
SEQUENCES, EVENTS = 60, 510


RECOVERED = Recovery(
    adjusted_rand=0.625, groups=("<b>oak</b>", "shared"), table=((7, 1), (0, 4)), best={Metric.HR10: 0.8}
)


def make_finished_run(
    home: Path,
    *,
    number: int = 1,
    name: str = "",
    state: RunState = RunState.DONE,
    titles: Sequence[str] = TITLES,
    mu: int = 6,
    xi: int = 5,
    d: int = 3,
    seed: int = 0,
    result: bool | None = None,
    without: Sequence[str] = (),
    more: Mapping[str, bytes] | None = None,
    error: str = "",
    task: Task = "recommendation",
    config: RunConfig | None = None,
) -> Path:
    """A run folder `r-<number in 16 hex digits>` in `home`/runs.

    result    with result files? Default: if it is done
    without   result files that the run did not come to write
    more      further result files
    config    settings instead of name, mu, xi, d and seed
    """
    folder = home / "runs" / f"r-{number:016x}"
    folder.mkdir(parents=True)
    if config is None:
        sizes = {"synthetic.mu": mu, "synthetic.xi": xi, "synthetic.d": d, "outer.steps": 20}
        config = with_settings(RunConfig(name=name, seed=seed), sizes)
    mu, xi, d, seed = config.synthetic.mu, config.synthetic.xi, config.synthetic.d, config.seed
    wanted = result if result is not None else state is RunState.DONE
    files = _result(tuple(titles), mu, xi, d, seed, task) if wanted else {}
    files = {path: content for path, content in files.items() if path not in without} | dict(more or {})
    for path, content in {manifest.CONFIG: config.model_dump_json(indent=1).encode(), **files}.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    _write_metrics(folder, seed, state, error, task)
    manifest.write(folder, _manifest(folder.name, number, config, state, error, files))
    return folder


def train_sequences(items: int, seed: int = 0, users: int = SEQUENCES) -> Sequences:
    """Random sequences of 3 to 14 events over `items` items, the first items most frequent."""
    random = np.random.default_rng([seed, 1])
    lists = [np.minimum(random.geometric(0.25, random.integers(3, 15)) - 1, items - 1) for _ in range(users)]
    offsets = np.cumsum([0, *map(len, lists)])
    return Sequences(np.concatenate(lists).astype(np.int64), offsets, tuple(f"user {one}" for one in range(users)))


RULES = {RowName.POPULAR, RowName.MARKOV, RowName.UNIGRAM, RowName.BIGRAM}
ROWS: dict[Task, tuple[RowName, ...]] = {
    "recommendation": (RowName.RANDOM, RowName.HEAD, RowName.POPULAR, RowName.MARKOV),
    "language": (RowName.RANDOM_SENTENCES, RowName.HEAD_SENTENCES, RowName.UNIGRAM, RowName.BIGRAM),
}


def evaluation(
    seed: int = 0, mu: int = 6, xi: int = 5, d: int = 3, items: int = 12, task: Task = "recommendation"
) -> Evaluation:
    """A table whose means, percentages and intervals follow from its seeds by the definitions of the report."""
    random = np.random.default_rng([seed, 2])
    names = (RowName.FULL, RowName.DISTILLED, *ROWS[task])
    levels = dict(zip(names, (0.64, 0.58, 0.40, 0.45, 0.27, 0.56), strict=True))
    seeds = {row: _seeds(level, 1 if row in RULES else 5, random, task) for row, level in levels.items()}
    means = {
        row: {metric: float(np.mean([one[metric] for one in many])) for metric in METRICS[task]}
        for row, many in seeds.items()
    }
    rows = tuple(
        Row(
            name=row,
            sequences=_sizes(row, mu, xi)[0],
            events=_sizes(row, mu, xi)[1],
            seeds=seeds[row],
            mean=means[row],
            interval={one: Interval(low=means[row][one] - 0.03, high=means[row][one] + 0.03) for one in METRICS[task]},
            percent_of_full={one: _percent(one, means[row][one], means[RowName.FULL][one]) for one in METRICS[task]},
            minus_distilled={}
            if row is RowName.DISTILLED
            else {
                one: Interval(low=gap - 0.025, high=gap + 0.025)
                for one in METRICS[task]
                if (gap := means[RowName.DISTILLED][one] - means[row][one]) is not None
            },
            steps=150.0 if _sizes(row, mu, xi)[0] else 0.0,
            seconds=1.25,
        )
        for row in levels
    )
    return Evaluation(
        rows=rows,
        test_users=TEST_USERS,
        validation_users=VALIDATION_USERS,
        masked_seen=False,
        seeds=5,
        full_sequences=SEQUENCES,
        full_events=EVENTS,
        stored_numbers=mu * xi * d + d * items,
        task=task,
    )


def _percent(metric: Metric, value: float, full: float) -> float:
    return 100 * full / value if metric.lower_is_better else 100 * value / full


_SCALE = {
    Metric.HR10: 1.0,
    Metric.HR100: 1.4,
    Metric.NDCG10: 0.6,
    Metric.NDCG100: 0.7,
    Metric.AUC: 1.45,
    Metric.ACCURACY: 0.4,
    Metric.KNOWN_ACCURACY: 0.35,
    Metric.PPL: 60.0,
    Metric.TOKEN_PPL: 40.0,
    Metric.LOSS: 2.5,
}


def _seeds(level: float, count: int, random: np.random.Generator, task: Task) -> tuple[dict[Metric, float], ...]:
    def one(metric: Metric) -> float:
        grown = 1 / level if metric.lower_is_better else level
        return float(grown * _SCALE[metric] + random.normal(0, 0.004))

    return tuple({metric: one(metric) for metric in METRICS[task]} for _ in range(count))


def _sizes(row: RowName, mu: int, xi: int) -> tuple[int, int]:
    if row is RowName.FULL:
        return SEQUENCES, EVENTS
    return (0, 0) if row in RULES else (mu, mu * xi)


@functools.cache  # maps and nearest windows take half a second; tests only read the bytes
def _result(titles: tuple[str, ...], mu: int, xi: int, d: int, seed: int, task: Task) -> dict[str, bytes]:
    random = np.random.default_rng(seed)
    items = len(titles)
    latent = (2 * random.normal(size=(mu, xi, d))).astype(np.float32)
    decoder = random.normal(size=(d, items)).astype(np.float32)
    logits = latent @ decoder
    probs = np.exp(logits - logits.max(axis=2, keepdims=True))
    probs /= probs.sum(axis=2, keepdims=True)
    train = train_sequences(items, seed)
    counts = np.bincount(train.items, minlength=items)
    groups = [("text", "files", "")[one % 3] for one in range(items)]
    ids = list(titles) if task == "language" else [f"id{one}" for one in range(items)]
    text = {TOKENISER: tokenise.dump(tokenise.Words()).encode()} if task == "language" else {}
    vocab = pd.DataFrame({"item": ids, "title": titles, "group": groups, "count": counts})
    with threadpool_limits(1):  # threads that wait for each other on a busy machine take seconds for a dozen points
        maps = inspect.maps(decoder, counts)
    report = evaluation(seed, mu, xi, d, items, task)
    info = DatasetInfo(
        name="fixture",
        task=task,
        source="made by the tests",
        seed=0,
        sequences=SEQUENCES + 15,
        events=EVENTS + 100,
        items=items,
        digest="0" * 64,
    )
    return {
        "result/synthetic.safetensors": safetensors.numpy.save(
            {"latent": latent, "decoder": decoder, "tau": np.ones(1, dtype=np.float32)}
        ),
        "result/vocab.parquet": vocab.to_parquet(index=False),
        "result/dataset.json": info.model_dump_json().encode(),
        "result/evaluation.json": report.model_dump_json().encode(),
        "result/curves.parquet": curves(report, seed).to_parquet(index=False),
        "result/nearest.parquet": inspect.nearest(probs, train).to_parquet(index=False),
        "result/coverage.parquet": coverage(probs, train).to_parquet(index=False),
        "result/memorisation.json": json.dumps(
            inspect.memorisation(probs, train, train_sequences(items, seed + 1, 15))
        ).encode(),
        "result/maps.safetensors": safetensors.numpy.save(maps),
    } | text


def snapshots(*steps: int, mu: int = 6, xi: int = 5, d: int = 3, items: int = 12, seed: int = 0) -> dict[str, bytes]:
    """Files of snapshots at these outer steps, for `more=`: Z grows with the step, M drifts."""
    random = np.random.default_rng([seed, 5])
    latent, decoder = random.normal(size=(mu, xi, d)), random.normal(size=(d, items))
    drift = random.normal(size=(d, items))
    return {
        f"snapshots/{step:010d}.safetensors": safetensors.numpy.save(
            {
                "latent": (latent * (1 + step / 10)).astype(np.float32),
                "decoder": (decoder + step / 20 * drift).astype(np.float32),
            }
        )
        for step in steps
    }


def curves(report: Evaluation, seed: int = 0) -> pd.DataFrame:
    """row, seed, step, seconds, metric, value: every trained row rises towards its final value."""
    random = np.random.default_rng([seed, 3])
    lines = [
        (
            row.name.value,
            student,
            step,
            step * 0.01,
            metric.value,
            final[metric] * (1 - np.exp(-step / 60)) + random.normal(0, 0.002),
        )
        for row in report.rows
        if row.sequences
        for student, final in enumerate(row.seeds)
        for step in range(0, 301, 25)
        for metric in report.metrics
    ]
    return pd.DataFrame(lines, columns=["row", "seed", "step", "seconds", "metric", "value"])


def events(seed: int = 0, task: Task = "recommendation") -> list[dict[str, Any]]:
    """The lines of a run of 20 outer steps with two validations, one roll-back and one resume."""
    random = np.random.default_rng([seed, 4])
    lines: list[dict[str, Any]] = [
        {"event": "attempt", "attempt": 1, "device": "cpu", "threads": 2, "elapsed": 0.0},
        {"event": "stage", "stage": "prepare", "message": "Preparing the data", "elapsed": 0.1},
        {"event": "stage", "stage": "distil", "message": "Distilling", "elapsed": 1.0},
    ]
    for step in range(1, 21):
        elapsed = 1.0 + step
        lines.append(
            {
                "event": "step",
                "step": step,
                "steps": 20,
                "loss": 5.0 * np.exp(-step / 15) + random.normal(0, 0.05),
                "grad_norm": float(random.lognormal(-2, 0.4)),
                "lr": 0.05,
                "growth": 1.5,
                "seconds": 1.0,
                "elapsed": elapsed,
            }
        )
        if step % 10 == 0:
            level = {one.value: 0.4 + step / 100 for one in METRICS[task]}
            lines.append(
                {"event": "validation", "step": step, **level, "student_steps": 100, "best": True, "elapsed": elapsed}
            )
        if step == 12:
            lines.append(
                {
                    "event": "rollback",
                    "step": 12,
                    "to_step": 10,
                    "reason": "gradient norm",
                    "lr": 0.025,
                    "elapsed": elapsed,
                }
            )
    return lines


def _write_metrics(folder: Path, seed: int, state: RunState, error: str, task: Task) -> None:
    lines = [] if state is RunState.QUEUED else events(seed, task)
    if state in manifest.FINISHED:
        lines.append({"event": "end", "state": state.value, "message": error, "elapsed": 25.0})
    (folder / metrics_log.METRICS).write_bytes(b"".join(map(metrics_log.encode, lines)))


def _manifest(
    run_id: str, number: int, config: RunConfig, state: RunState, error: str, files: dict[str, bytes]
) -> Manifest:
    started = state is not RunState.QUEUED
    return Manifest(
        id=run_id,
        number=number,
        ticket=number,
        config_digest=settings_digest(config),
        state=state,
        stage="distil" if started else "",
        step=20 if started else 0,
        attempt=int(started),
        created=manifest.now(),
        started=manifest.now() if started else None,
        finished=manifest.now() if state in manifest.FINISHED else None,
        error=error,
        environment=Environment(device="cpu", threads=2, python="3.11", platform=os.name, versions={}, code="0" * 16)
        if started
        else None,
        files={path: FileRecord(sha256=sha256(content), size=len(content)) for path, content in files.items()},
    )
