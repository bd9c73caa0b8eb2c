"""Farzi Studio's core: the tree is the data flow.

    events -> sequences -> teacher trajectories (Omega) -> distillation -> synthetic data -> fresh students -> accuracy

    data/        1. bytes -> event table -> integer sequences, vocabulary, user split
    models/      2. what learns: takes hard tokens or rows of the simplex
    teacher/     3. training on real data: the full-data reference and the trajectory pool Omega
    distill/     4. the paper: Z, M, tau; reverse-mode Adam; the outer loop
    evaluation/  5. fresh students, baselines of equal size, metrics, intervals
    runs/        6. everything durable: folders, locks, checkpoints, queue, worker
    views/       7. a run -> frames, figures, safe text, exports
    commands/    `python -m farzi_core`

Public names are imported on first use, so that `import farzi_core` stays free of torch: the app's pages need it so.
"""

import importlib
from typing import Any

_PUBLIC = {
    "Adam": "farzi_core.distill.adam",
    "Dataset": "farzi_core.data.dataset",
    "MetaGradient": "farzi_core.distill.reverse",
    "MemoryPlan": "farzi_core.distill.plan",
    "RunConfig": "farzi_core.config",
    "SGD": "farzi_core.distill.sgd",
    "SplitLoss": "farzi_core.distill.split",
    "Synthetic": "farzi_core.distill.synthetic",
    "TextSettings": "farzi_core.data.token_table",
    "adam_metagradient": "farzi_core.distill.reverse",
    "distill": "farzi_core.api",
    "evaluate": "farzi_core.api",
    "memory_plan": "farzi_core.distill.plan",
    "open_source": "farzi_core.data.library",
    "prepare": "farzi_core.data.prepare",
    "read_events": "farzi_core.data.ingest",
    "read_text": "farzi_core.data.text",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
