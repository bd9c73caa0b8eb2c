"""The card of exported Farzi data: a Markdown page that says what it is, where it comes from, how good it is in every
form it was tried in, and how it was made.

Names, licences and citations are the user's text: they stand in code spans, where Markdown reads no links or images.
"""

from farzi_core.config import RunConfig
from farzi_core.data.dataset import DatasetInfo
from farzi_core.distill.stretches import Stretches
from farzi_core.evaluation.report import (
    FORM_ROWS,
    KIND_LABELS,
    LABELS,
    METRIC_LABELS,
    Evaluation,
    Metric,
    Row,
    StudentTable,
    scale,
)
from farzi_core.views import text
from farzi_core.views.experiment import method
from farzi_core.views.load import Synthetic
from farzi_core.views.origin import Origin
from farzi_core.views.sequences import EXCERPTS

_LOAD = """\
```python
import numpy as np, pandas as pd, safetensors.numpy
data = safetensors.numpy.load_file("synthetic.safetensors")
logits = data["latent"] @ data["decoder"] / data["tau"]
weights = np.exp(logits - logits.max(-1, keepdims=True))
probs = weights / weights.sum(-1, keepdims=True)  # [{mu}, {xi}, {items}]: column i is row i of vocab
vocab = pd.read_parquet("vocab.parquet")  # item, title, group, count in the training data
```"""

_TRAIN = """\
Each sequence is a row of distributions over items. A next-item model trains on it as on real sequences: the input of a
position is the mean embedding `probs @ E`, the target of the position before is the distribution itself (soft
cross-entropy). The figures below are from students trained like that for at most {steps} steps of {optimizer}; students
that train for much longer get worse, so let validation data choose the step."""

_LABELLED = """\
Positions have labels of their own: what a position is to predict is not what the next one says but

```python
expected = data["label_latent"] @ data["decoder"] / data["tau"]
weights = np.exp(expected - expected.max(-1, keepdims=True))
labels = weights / weights.sum(-1, keepdims=True)  # [{mu}, {xi}, {items}]
```

A next-item model reads the mean embeddings `probs @ E` of all positions; the target of each is its row of `labels`
(soft cross-entropy); where it reads stretches, both are cut at the same place. The figures below are from students
trained like that for at most {steps} steps of {optimizer}; students that train for much longer get worse, so let
validation data choose the step."""

_LEARNT = "They are learnt, not sampled, but can resemble the real sequences they come from."

_RELATIVE = "with 95 % intervals (bootstrap over test data); after the comma relative to full data"

_FORMS = """\
A program that takes nothing but items can train on one item a position, the most probable one or a draw:

```python
argmax = probs.argmax(-1)  # [{mu}, {xi}] row numbers of vocab
sampled = (logits + np.random.default_rng(0).gumbel(size=logits.shape)).argmax(-1)  # one draw from probs a position
print(vocab["title"].iloc[argmax[0]].tolist())  # sequence 0 in words
```"""

_HARD_LABELS = "\n\nIts labels are made likewise, `labels.argmax(-1)` or a draw from `labels`."


def card(
    synthetic: Synthetic, info: DatasetInfo, report: Evaluation, config: RunConfig, origin: Origin, has_probs: bool
) -> str:
    """The whole page."""
    trained, named = (_TRAIN, "`probs`") if synthetic.wanted is None else (_LABELLED, "`probs` and `labels`")
    each = "" if synthetic.wanted is None else ", each with a label of its own,"
    sizes = {"mu": synthetic.mu, "xi": synthetic.xi, "items": synthetic.items}
    parts = [
        f"# Farzi data: {_quoted(info.name)}",
        f"{synthetic.mu:,} synthetic sequences of {synthetic.xi:,} events{each} over {synthetic.items:,} items, "
        f"distilled from {report.full_sequences:,} real training sequences ({report.full_events:,} events) with Farzi "
        f"Studio (method: arXiv 2310.09983). {EXCERPTS if config.excerpts else _LEARNT}",
        "## Source and licence",
        _source(info),
        "## How to load it",
        _LOAD.format(**sizes),
        f"`probs.safetensors` holds the same {named} ready-made in float16 (values below 6e-8 are 0 there)."
        if has_probs
        else "`probs.safetensors` was left out because of its size; the lines above make it.",
        "`vocab.csv` is for spreadsheets: texts that could be read as formulas begin with an apostrophe there.",
        "## How to train on it",
        trained.format(**sizes, steps=config.evaluation.steps, optimizer=_optimizer(config)),
        _FORMS.format(**sizes) + ("" if synthetic.wanted is None else _HARD_LABELS),
        _forms(report),
        "## Figures and protocol",
        _figures(report),
        _protocol(report),
        "## How it was made",
        _made(config, origin),
        "## Settings",
        f"```json\n{config.model_dump_json(indent=1)}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _source(info: DatasetInfo) -> str:
    licence = _quoted(info.licence) if info.licence else "not stated; ask its owner before sharing"
    lines = [
        f"- Data: {_quoted(info.name)}, source {_quoted(info.source)}",
        f"- SHA-256 over sequences, items and split: `{info.digest}`",
        f"- Licence of the source: {licence}",
    ]
    return "\n".join([*lines, f"- Please cite: {_quoted(info.citation)}"] if info.citation else lines)


def _optimizer(config: RunConfig) -> str:
    """What trains students on the data, in words."""
    inner = config.inner
    name = f"Adam (eps {inner.eps:g}," if inner.optimizer == "adam" else f"SGD (momentum {inner.momentum:g},"
    factors = config.evaluation.decays
    decay = " or ".join(f"{factor * inner.weight_decay:g}" for factor in factors)
    dropout = f", dropout {inner.dropout:g} of the embedded inputs" if inner.dropout else ""
    rest = f"L2 weight decay {decay}{dropout}, batches of {_batch(config)})"
    return f"{name} {inner.schedule} learning rate {inner.lr:g}, {rest}"


def _batch(config: RunConfig) -> str:
    """What a step of a student reads, in words."""
    read = Stretches.of(config, config.synthetic.mu)
    if read.length == read.xi:
        return f"{min(read.batch, read.mu)} sequences"
    where = f"at multiples of {read.length}" if read.fixed else "at random places"
    return f"{read.size} stretches of {read.length} events, cut {where}"


def _forms(report: Evaluation) -> str:
    """What students reach in each form: one line a form that was tried, and a word on those that were not."""
    first, unit = report.metrics[0], "" if report.metrics[0].lower_is_better else " %"
    rows = {form: report.row(name) for form, name in FORM_ROWS.items()}
    lines = [
        f"- {form} ({row.sequences:,} sequences): {METRIC_LABELS[first]} {_value(row, first)}{unit}, "
        f"{_percent(row, first)} % of full data"
        for form, row in rows.items()
        if row
    ]
    missing = " and ".join(form for form, row in rows.items() if row is None)
    said = [f"What students reach in each form, with 95 % intervals (all metrics: below):\n\n{chr(10).join(lines)}"]
    return "\n\n".join([*said, f"Not measured here: {missing}."] if missing else said)


def _made(config: RunConfig, origin: Origin) -> str:
    """Settings digest, program, machine and time."""
    lines = [
        f"- Distilled with {method(config)}: {config.outer.steps:,} outer steps over windows of "
        f"T = {config.inner.steps} training steps, in {origin.seconds['distil']:,.0f} seconds; full data, students and "
        f"table took {origin.seconds['evaluate']:,.0f} more",
        f"- Settings (below): SHA-256 `{origin.settings}`, seed {config.seed}, split {config.data.seed}",
    ]
    where = origin.environment
    if where is None:
        return "\n".join(lines)
    versions = ", ".join(f"{name} {version}" for name, version in where.versions.items() if version)
    device = where.device_name or f"{where.device}, {where.threads} threads"
    program = f"code `{where.code}`; Python {where.python}" + (f", {_quoted(versions)}" if versions else "")
    return "\n".join([*lines, f"- Device: {_quoted(device)}", f"- Program: Farzi Studio, {program}"])


def _figures(report: Evaluation) -> str:
    names = [METRIC_LABELS[metric] for metric in report.metrics]
    head = f"| trained on | sequences | {' | '.join(names)} |\n|---|---:|{'---:|' * len(names)}"
    return "\n".join([head, *(_line(row, _trained(table, row)) for table in report.tables for row in table.rows)])


def _trained(table: StudentTable, row: Row) -> str:
    return f"{LABELS[row.name]} ({KIND_LABELS[table.student]})" if row.sequences else LABELS[row.name]


def _line(row: Row, label: str) -> str:
    cells = [f"{_value(row, metric)}, {_percent(row, metric)} %" for metric in row.mean]
    return f"| {label} | {row.sequences:,} | {' | '.join(cells)} |"


def _value(row: Row, metric: Metric) -> str:
    """`58.31 [55.80, 60.79]`."""
    around = row.interval[metric]
    value, low, high = (scale(metric) * one for one in (row.mean[metric], around.low, around.high))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _percent(row: Row, metric: Metric) -> str:
    """`90.6 [87.5, 93.8]`; full data, and runs of version 0.1, have no interval here."""
    around = row.percent_interval.get(metric)
    return f"{row.percent_of_full[metric]:.1f}" + (f" [{around.low:.1f}, {around.high:.1f}]" if around else "")


def _protocol(report: Evaluation) -> str:
    users = "sentences" if report.task == "language" else "users"
    return (
        f"{_asked(report)} Means over {report.seeds} students from random weights (full data: its own number of "
        f"models); {report.validation_users:,} validation {users} chose the training step.{report.chosen_decay} "
        f"{report.baselines} Stored: {report.stored_numbers:,} numbers."
    )


def _asked(report: Evaluation) -> str:
    if report.task == "language":
        return (
            f"Accuracies in percent, {_RELATIVE} (full data / value where lower is better). Every "
            f"token of {report.test_users:,} test sentences that no model has seen is predicted from those before it. "
            "PPL is the mean of the sentences' perplexities (as in the paper), PPL of tokens the exponential of the "
            "loss, the loss is in nats a token."
        )
    masked = "removed from" if report.masked_seen else "left in"
    return (
        f"Percent, {_RELATIVE} with the same architecture. {report.test_users:,} test users that "
        "no model has seen; the last event of each is ranked among all items; items of the user's own past are "
        f"{masked} the ranking."
    )


def _quoted(words: str) -> str:
    return f"`{text.visible(words).replace('`', chr(39))}`"
