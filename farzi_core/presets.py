"""Starting points for the settings, each with a sentence that says what it costs.

demo, standard and few-users hold what was measured best on two cores with next positions as labels, as in the paper
(docs/experiments.md); taught and those of texts have labels of their own. The paper presets take sizes, d, |Omega|, T
and the outer loop from tables 4 and 6 of the paper; gradient, eps and start are this project's.
"""

from dataclasses import dataclass
from typing import Any

from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Task


@dataclass(frozen=True)
class Preset:
    """A label, what it costs, the settings, and the task they are for."""

    label: str
    sentence: str
    config: RunConfig
    task: Task = "recommendation"


_DEMO: dict[str, Any] = {
    "preset": "demo", "model.max_length": 32, "teacher.lr": 0.01, "teacher.epochs": 6,
    "synthetic.mu": 200, "synthetic.xi": 5, "synthetic.d": 32,
    "inner.steps": 40, "inner.lifetime": 200, "outer.steps": 90, "outer.lr": 0.012,
    "validation.every": 45, "validation.steps": 240,
    "evaluation.seeds": 3, "evaluation.full_seeds": 2, "evaluation.steps": 240,
}  # fmt: skip

_STANDARD: dict[str, Any] = {
    "preset": "standard", "model.max_length": 50, "teacher.lr": 0.005, "teacher.epochs": 12,
    "teacher.weight_decay": 0.0005,
    "synthetic.mu": 100, "synthetic.xi": 10, "synthetic.d": 16,
    "inner.batch": 30, "inner.burn_in": 80, "inner.lifetime": 240, "inner.students": 6,
    "inner.lr": 0.02, "inner.schedule": "linear", "inner.weight_decay": 0.005,
    "outer.steps": 1300, "outer.lr": 0.01, "outer.clip": 0.05,
    "validation.every": 100, "validation.students": 2, "validation.steps": 240, "evaluation.steps": 240,
    "runtime.hvp": "compiled",
}  # fmt: skip


_TEXT: dict[str, Any] = {
    "data.source": "python-docs", "data.max_items": 1000,
    "model.kind": "gru4rec", "model.gru4rec_hidden": 32, "model.max_length": 50,
    "teacher.batch": 64, "teacher.epochs": 14, "teacher.trajectories": 0,
    "teacher.gru4rec_lr": 0.03, "teacher.schedule": "linear", "teacher.dropout": 0.1,
    "synthetic.mu": 33, "synthetic.d": 32, "synthetic.labels": "own", "synthetic.start_labels": "taught",
    "inner.batch": 33, "inner.schedule": "linear", "inner.eps": 1e-5, "inner.omega_share": 0,
    "outer.batch": 128, "outer.clip": 0.05,
}  # fmt: skip

_DEMO_TEXT: dict[str, Any] = _TEXT | {
    "preset": "demo-text", "synthetic.xi": 20, "outer.steps": 120, "validation.every": 60, "validation.users": 300,
    "inner.lifetime": 300, "inner.burn_in": 60, "inner.weight_decay": 0.0002, "inner.students": 3,
    "inner.dropout": 0.1, "inner.lr": 0.05,
    "objective.teachers": 3, "outer.starts": 1, "outer.lr": 0.005,
    "validation.steps": 300, "evaluation.steps": 300, "evaluation.seeds": 3, "evaluation.full_seeds": 2,
}  # fmt: skip

_STANDARD_TEXT: dict[str, Any] = _TEXT | {
    "preset": "standard-text", "synthetic.xi": 150, "synthetic.start_steps": 100,
    "inner.crop": 25, "inner.steps": 36, "inner.burn_in": 300, "inner.lifetime": 1200, "inner.lr": 0.08,
    "inner.weight_decay": 0.00002, "inner.students": 6, "objective.teachers": 6,
    "outer.starts": 1, "outer.steps": 390, "outer.lr": 0.007,
    "validation.every": 130, "validation.users": 400, "validation.steps": 1200, "evaluation.steps": 1200,
    "evaluation.baselines": ("random_users", "head_users", "random_windows", "taught_windows"),
}  # fmt: skip

_SMOOTH: dict[str, Any] = {
    **_STANDARD, "preset": "smooth",
    "inner.batch": 50, "inner.steps": 100, "inner.burn_in": 0, "inner.lifetime": 100,
    "inner.lr": 0.01, "inner.eps": 1e-4,
    "outer.steps": 400, "outer.clip": 1.0, "validation.every": 50, "validation.steps": 100,
}  # fmt: skip

_TAUGHT: dict[str, Any] = {
    **_STANDARD, "preset": "taught", "teacher.weight_decay": 0.0001,
    "synthetic.mu": 80, "synthetic.xi": 10, "synthetic.d": 32, "synthetic.labels": "own",
    "synthetic.start": "covering", "synthetic.start_labels": "taught", "objective.teachers": 6,
    "inner.steps": 30, "inner.batch": 64, "inner.burn_in": 160, "inner.lifetime": 800, "inner.weight_decay": 0.0003,
    "outer.steps": 500, "outer.lr": 0.008, "outer.clip": 0.1,
    "validation.steps": 800, "evaluation.steps": 800, "runtime.hvp": "auto",
}  # fmt: skip

# Next events of some hundred users say little: models of them all say it better (docs/experiments.md, 2026-11-27)
_FEW_USERS: dict[str, Any] = {
    **_STANDARD, "preset": "few-users", "data.max_items": 2000, "model.max_length": 25,
    "teacher.batch": 64, "teacher.epochs": 40, "teacher.dropout": 0.6, "teacher.weight_decay": 1e-4,
    "synthetic.mu": 10, "synthetic.xi": 150, "synthetic.start_steps": 60,
    "inner.batch": 50, "inner.crop": 10, "inner.steps": 30, "inner.burn_in": 40, "inner.lifetime": 160,
    "inner.weight_decay": 0.003, "objective.teachers": 8,
    "outer.steps": 200, "outer.lr": 0.006, "outer.starts": 1,
    "validation.every": 50, "validation.students": 4, "validation.steps": 160, "evaluation.steps": 160,
}  # fmt: skip


def _paper(name: str, mu: int, xi: int, d: int, batch: int, max_items: int) -> RunConfig:
    """Tables 4 and 6: T = 200 of {100, 200, 300}, 4,000 outer steps, 100 trajectories, 512 real sequences."""
    settings = {
        "preset": name, "data.max_items": max_items, "model.max_length": max(50, xi), "teacher.epochs": 40,
        "teacher.trajectories": 100, "teacher.trajectory_steps": 200, "teacher.states": 10,
        "synthetic.mu": mu, "synthetic.xi": xi, "synthetic.d": d,
        "inner.steps": 200, "inner.lifetime": 200, "inner.batch": batch, "inner.omega_share": 0.9,
        "outer.steps": 4000, "outer.lr": 0.01, "validation.every": 200, "validation.students": 3,
        "validation.steps": 300, "evaluation.steps": 300,
    }  # fmt: skip
    return with_settings(RunConfig(), settings)


_PTB: dict[str, Any] = {  # table 5
    "model.hidden": 16, "teacher.trajectories": 400, "outer.steps": 8000, "outer.batch": 256,
}  # fmt: skip


PRESETS: dict[str, Preset] = {
    "demo": Preset(
        "Demo",
        "Under a minute of distillation on 2 quiet cores, about two and a half minutes with the table; to look around.",
        with_settings(RunConfig(), _DEMO),
    ),
    "standard": Preset(
        "Standard",
        "About 5 minutes of distillation on 2 cores for catalogues of a few hundred items; to judge a data set by.",
        with_settings(RunConfig(), _STANDARD),
    ),
    "taught": Preset(
        "Taught",
        "Nearest to full data: excerpts of real sequences, chosen to cover the items, with labels of their own that "
        "six models of the full data teach before the outer loop. A quarter of an hour on one or two cores.",
        with_settings(RunConfig(), _TAUGHT),
    ),
    "smooth": Preset(
        "Smooth",
        "One window of T = 100 whose step size rises and falls: float32 carries its gradient; slower than Standard.",
        with_settings(RunConfig(), _SMOOTH),
    ),
    "few-users": Preset(
        "Few users",
        "For some hundred users with long histories, whose next events alone say little: held against eight models of "
        "them all. About 6 minutes of distillation on 2 cores.",
        with_settings(RunConfig(), _FEW_USERS),
    ),
    "demo-text": Preset(
        "Demo: text",
        "A language model's corpus in 33 sentences: a few minutes on 2 cores; to look around.",
        with_settings(RunConfig(), _DEMO_TEXT),
        "language",
    ),
    "standard-text": Preset(
        "Standard: text",
        "33 rows of 150 words, 1 % of the sentences of Python docs: a quarter of an hour of distillation; to judge by.",
        with_settings(RunConfig(), _STANDARD_TEXT),
        "language",
    ),
    "paper-magazine": Preset(
        "Paper: Amazon Magazine",
        "The paper's [50x20], 1.6 % of the users: a day on 2 cores, meant for a GPU.",
        _paper("paper-magazine", 50, 20, 8, 50, 1305),
    ),
    "paper-ml-100k": Preset(
        "Paper: MovieLens-100K",
        "The paper's [50x50], 5.3 % of the users: days on 2 cores, meant for a GPU.",
        _paper("paper-ml-100k", 50, 50, 8, 50, 1682),
    ),
    "paper-ml-1m": Preset(
        "Paper: MovieLens-1M",
        "The paper's [100x100], 1.6 % of the users: weeks on 2 cores, meant for a GPU.",
        _paper("paper-ml-1m", 100, 100, 32, 50, 3706),
    ),
    "paper-ptb": Preset(
        "Paper: Penn Treebank",
        "The paper's [400x50] with 2,000 words, 1 % of the sentences of your own copy: meant for a GPU.",
        with_settings(_paper("paper-ptb", 400, 50, 8, 400, 2000), _PTB),
        "language",
    ),
}


def fitting(task: Task, wanted: str = "") -> str:
    """The preset named `wanted` where it is for `task`, else its counterpart (demo, demo-text), else the first one."""
    names = [name for name, one in PRESETS.items() if one.task == task]
    counterparts = (wanted, f"{wanted}-text", wanted.removesuffix("-text"))
    return next((name for name in counterparts if name in names), names[0])
