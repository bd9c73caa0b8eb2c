"""Which settings make two runs one experiment: everything but size, seed and method. No torch.

recipe   all that size, seed and method leave, as a digest
method   how a run was distilled, in words: equal words, equal method
point    recipe, method, size and seed: runs that share it are the same run again
"""

from typing import Any

from farzi_core.config import RunConfig
from farzi_core.evaluation.report import KIND_LABELS
from farzi_core.runs.run import stored_digest

METHOD = (
    *("model.kind", "objective.kind", "objective.teachers", "objective.matches", "objective.ahead"),
    *("inner.optimizer", "inner.lr", "inner.momentum", "synthetic.labels", "synthetic.start_labels"),
)
"""Settings that tell methods of distillation apart: each of their values has a line of its own in the frontier."""
_READ_BY = {
    "objective.teachers": "meta", "objective.matches": "gradient", "objective.ahead": "trajectory",
    "inner.momentum": "sgd", "synthetic.start_labels": "own",
}  # fmt: skip
"""Of `METHOD`, those that only one objective, optimiser or kind of labels reads: under another they say nothing."""
_WORDS = {
    "gradient": "gradient matching", "trajectory": "trajectory matching", "meta": "meta-matching", "sgd": "SGD",
    "adam": "Adam", "objective.matches": "{} states compared", "objective.ahead": "{} states ahead",
    "objective.teachers": "teachers {}",
    "inner.lr": "lr {}", "inner.momentum": "momentum {}",
    "own": "own labels", "taught": "taught at the start", "next": "next positions as labels",
}  # fmt: skip
_AXES = (
    *("schema_version", "preset", "seed", "synthetic.mu", "synthetic.xi", *METHOD, "runtime"),
    *("evaluation.students", "evaluation.baselines", "evaluation.forms", "evaluation.seeds", "evaluation.full_seeds"),
)


def recipe(config: RunConfig) -> str:
    """Digest of the settings without size, seed, method, and what decides neither data nor students."""
    values = config.model_dump(mode="json", exclude={"data"})
    for path, last in map(_split, _AXES):
        del _section(values, path)[last]
    return stored_digest(values)


def method(config: RunConfig) -> str:
    """How a run was distilled, for people: its teacher, and what is not the default, as `SASRec, SGD, lr 0.3`."""
    return ", ".join((KIND_LABELS[config.model.kind], *manner(config)))


def manner(config: RunConfig) -> tuple[str, ...]:
    """`method` without the teacher: the values of `METHOD` that the run reads and that are not the default."""
    own, usual = _manner(config), _manner(RunConfig())
    read = [name for name in own if name not in _READ_BY or _READ_BY[name] in own.values()]
    return tuple(_said(name, own[name]) for name in read if own[name] != usual[name])


def point(config: RunConfig) -> tuple[str, str, int, int, int]:
    """Recipe, method, mu, xi and seed."""
    return recipe(config), method(config), config.synthetic.mu, config.synthetic.xi, config.seed


def _manner(config: RunConfig) -> dict[str, str]:
    """What `config` has for the settings of `METHOD` but the teacher, as words."""
    stored = config.model_dump(mode="json")
    return {dotted: str(_section(stored, path)[last]) for dotted in METHOD[1:] for path, last in [_split(dotted)]}


def _said(setting: str, value: str) -> str:
    return _WORDS[setting].format(value) if setting in _WORDS else _WORDS[value]


def _split(dotted: str) -> tuple[list[str], str]:
    *path, last = dotted.split(".")
    return path, last


def _section(values: dict[str, Any], path: list[str]) -> dict[str, Any]:
    for name in path:
        values = values[name]
    return values
