"""The card of exported Farzi data: a Markdown page that says what it is, where it comes from and how good it is.

Names, licences and citations are the user's text: they stand in code spans, where Markdown reads no links or images.
"""

from farzi_core.config import RunConfig
from farzi_core.data.dataset import DatasetInfo
from farzi_core.evaluation.report import KIND_LABELS, LABELS, METRIC_LABELS, Evaluation, Row, StudentTable, scale
from farzi_core.views import text
from farzi_core.views.load import Synthetic

_LOAD = """\
```python
import numpy as np, pandas as pd
from safetensors.numpy import load_file

data = load_file("synthetic.safetensors")
logits = data["latent"] @ data["decoder"] / data["tau"]
weights = np.exp(logits - logits.max(-1, keepdims=True))
probs = weights / weights.sum(-1, keepdims=True)  # [{mu}, {xi}, {items}]: row i of vocab is column i
vocab = pd.read_parquet("vocab.parquet")
print(vocab["title"].iloc[probs[0].argmax(-1)].tolist())  # the most probable item at each position of sequence 0
```"""

_TRAIN = """\
Each sequence is a row of distributions over items. A next-item model trains on it as on real sequences: the input of a
position is the mean embedding `probs @ E`, the target of the position before is the distribution itself (soft
cross-entropy). The figures below are from students trained like that for at most {steps} steps of Adam ({rate} learning
rate {lr:g}, eps {eps:g}, L2 weight decay {decay:g}, batches of {batch} sequences); students that train for much longer
get worse, so let validation data choose the step."""


def card(synthetic: Synthetic, info: DatasetInfo, report: Evaluation, config: RunConfig, has_probs: bool) -> str:
    """The whole page."""
    sizes = {"mu": synthetic.mu, "xi": synthetic.xi, "items": synthetic.items}
    inner = config.inner
    train = _TRAIN.format(
        steps=config.evaluation.steps, rate=inner.schedule, lr=inner.lr, eps=inner.eps, decay=inner.weight_decay,
        batch=min(inner.batch, sizes["mu"]),
    )  # fmt: skip
    parts = [
        f"# Farzi data: {_quoted(info.name)}",
        f"{synthetic.mu:,} synthetic sequences of {synthetic.xi:,} events over {synthetic.items:,} items, distilled "
        f"from {report.full_sequences:,} real training sequences ({report.full_events:,} events) with Farzi Studio "
        "(method: arXiv 2310.09983). They are learnt, not sampled, but can resemble the real sequences they come from.",
        "## Source and licence",
        _source(info),
        "## How to load it",
        _LOAD.format(**sizes),
        "`probs.safetensors` holds the same `probs` ready-made in float16 (values below 6e-8 are 0 there)."
        if has_probs
        else "`probs.safetensors` was left out because of its size; the lines above make it.",
        "`vocab.csv` is for spreadsheets: texts that could be read as formulas begin with an apostrophe there.",
        "## How to train on it",
        train,
        "## Figures and protocol",
        _figures(report),
        _protocol(report),
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


def _figures(report: Evaluation) -> str:
    names = [METRIC_LABELS[metric] for metric in report.metrics]
    head = f"| trained on | sequences | {' | '.join(names)} |\n|---|---:|{'---:|' * len(names)}"
    return "\n".join([head, *(_line(row, _trained(table, row)) for table in report.tables for row in table.rows)])


def _trained(table: StudentTable, row: Row) -> str:
    return f"{LABELS[row.name]} ({KIND_LABELS[table.student]})" if row.sequences else LABELS[row.name]


def _line(row: Row, label: str) -> str:
    cells = [f"{scale(metric) * row.mean[metric]:.2f} ({row.percent_of_full[metric]:.1f} %)" for metric in row.mean]
    return f"| {label} | {row.sequences:,} | {' | '.join(cells)} |"


def _protocol(report: Evaluation) -> str:
    users = "sentences" if report.task == "language" else "users"
    return (
        f"{_asked(report)} Means over {report.seeds} students from random weights (full data: its own number of "
        f"models); {report.validation_users:,} validation {users} chose the training step. "
        f"{report.baselines} Stored: {report.stored_numbers:,} numbers."
    )


def _asked(report: Evaluation) -> str:
    if report.task == "language":
        return (
            "Accuracies in percent, in brackets relative to full data (full data / value where lower is better). Every "
            f"token of {report.test_users:,} test sentences that no model has seen is predicted from those before it. "
            "PPL is the mean of the sentences' perplexities (as in the paper), PPL of tokens the exponential of the "
            "loss, the loss is in nats a token."
        )
    masked = "removed from" if report.masked_seen else "left in"
    return (
        f"Percent, in brackets relative to full data with the same architecture. {report.test_users:,} test users that "
        "no model has seen; the last event of each is ranked among all items; items of the user's own past are "
        f"{masked} the ranking."
    )


def _quoted(words: str) -> str:
    return f"`{text.visible(words).replace('`', chr(39))}`"
