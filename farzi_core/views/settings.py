"""`RunConfig` as people see it: a `Setting` a field with label, help, range and choices; and the equal command."""

import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Task
from farzi_core.sections import Section

# What most people change; the rest waits one click further.
BASICS = (
    "name",
    "seed",
    "data.max_items",
    "synthetic.mu",
    "synthetic.xi",
    "synthetic.d",
    "outer.steps",
    "evaluation.seeds",
    "runtime.device",
)
TEXT_BASICS = (*BASICS[:2], "data.tokeniser", *BASICS[2:])
# Chosen elsewhere in the form, or not a choice.
HIDDEN = ("schema_version", "preset", "data.source")
NOT_OF: dict[Task, tuple[str, ...]] = {"language": ("evaluation.mask_seen",), "recommendation": ()}  # refused there

# Labels where the field's own name is not one; a dotted name wins over the last part.
_LABELS = {
    "lr": "Learning rate",
    "seed": "Seed",
    "data.seed": "Seed of the split",
    "data.max_items": "Items kept",
    "data.tokeniser": "Tokens of a text",
    "data.block": "Block of a text",
    "model.kind": "Architecture",
    "model.hidden": "Width of SASRec",
    "model.gru4rec_hidden": "Width of GRU4Rec",
    "model.fmlp_hidden": "Width of FMLP",
    "model.layers": "Blocks",
    "model.max_length": "Longest context",
    "model.head": "Output head",
    "teacher.lr": "Learning rate of SASRec",
    "teacher.gru4rec_lr": "Learning rate of GRU4Rec",
    "teacher.fmlp_lr": "Learning rate of FMLP",
    "teacher.schedule": "Schedule of the learning rate",
    "teacher.dropout": "Dropout on real data",
    "teacher.trajectories": "Trajectories |Ω|",
    "teacher.states": "States a trajectory",
    "synthetic.mu": "Synthetic sequences μ",
    "synthetic.xi": "Events in each ξ",
    "synthetic.d": "Latent factors d",
    "synthetic.tau": "Temperature τ",
    "synthetic.labels": "Targets of positions",
    "synthetic.start_labels": "Labels at the start",
    "synthetic.start_steps": "Steps of the fit at the start",
    "inner.steps": "Window T",
    "runtime.hvp": "Steps computed",
    "inner.lifetime": "Lifetime of a student",
    "inner.burn_in": "Steps before the first window",
    "inner.students": "Students in flight",
    "inner.staggered": "First students at spread ages",
    "inner.dropout": "Dropout on synthetic data",
    "inner.schedule": "Schedule of the learning rate",
    "inner.batch": "Synthetic batch",
    "inner.crop": "Events read at once",
    "inner.cuts": "Where sequences are cut",
    "inner.optimizer": "Optimiser",
    "inner.momentum": "SGD momentum",
    "inner.beta1": "Adam β₁",
    "inner.beta2": "Adam β₂",
    "inner.eps": "Adam ε",
    "inner.omega_share": "Share of starts from Ω",
    "objective.kind": "Kind of objective",
    "objective.matches": "States compared",
    "objective.teachers": "Teachers of the outer loss",
    "objective.ahead": "States ahead M",
    "outer.steps": "Outer steps",
    "outer.starts": "Students a step",
    "outer.batch": "Real batch",
    "outer.clip": "Largest gradient norm",
    "validation.every": "Outer steps between",
    "validation.steps": "Student steps",
    "validation.average": "Snapshots averaged",
    "evaluation.seeds": "Students a row",
    "evaluation.full_seeds": "Models on full data",
    "evaluation.steps": "Student steps",
    "evaluation.students": "Architectures trained",
    "evaluation.baselines": "Real data of equal size",
    "evaluation.forms": "Forms of the synthetic data",
    "evaluation.draws": "Draws a sequence",
    "evaluation.decays": "Weight decays tried",
    "evaluation.other_decays": "Weight decays of other architectures",
    "evaluation.mask_seen": "Remove seen items",
    "runtime.checkpoint_seconds": "Seconds between checkpoints",
    "runtime.snapshots": "Snapshots for replay",
}

# Of the settings above, what a text calls them.
_TEXT_LABELS = {
    "data.max_items": "Vocabulary",
    "synthetic.mu": "Synthetic sentences μ",
    "synthetic.xi": "Tokens in each ξ",
    "inner.crop": "Tokens read at once",
}

Kind = Literal["whole", "real", "yes_no", "choice", "several", "text"]


@dataclass(frozen=True)
class Setting:
    """One field of `RunConfig`, ready to be drawn."""

    dotted: str
    label: str
    help: str  # the field's docstring and its range
    kind: Kind
    value: Any
    low: float | None = None  # smallest allowed value; for an open bound the bound itself
    high: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """One section of `RunConfig`: its sentence and its settings in order."""

    name: str
    title: str
    sentence: str
    settings: tuple[Setting, ...]


def groups(config: RunConfig, task: Task = "recommendation") -> tuple[Group, ...]:
    """Sections in pipeline order, without the basics of the task, `HIDDEN`, and what the task refuses (`NOT_OF`)."""
    found, above = [], (*_basics(task), *NOT_OF[task])
    for name in RunConfig.model_fields:
        section = getattr(config, name)
        if isinstance(section, Section):
            number, _, sentence = (type(section).__doc__ or "").partition(". ")
            rest = tuple(_labelled(one, task) for one in _settings(section, f"{name}.") if one.dotted not in above)
            found.append(Group(name, f"{number}. {name.capitalize()}", sentence, rest))
    return tuple(found)


def basics(config: RunConfig, task: Task = "recommendation") -> tuple[Setting, ...]:
    """The settings of `BASICS` (of a text `TEXT_BASICS`), in that order and under the task's labels."""
    known = {one.dotted: one for one in all_settings(config)}
    return tuple(_labelled(known[dotted], task) for dotted in _basics(task))


def _labelled(setting: Setting, task: Task) -> Setting:
    """`setting` under the task's label."""
    labels = _TEXT_LABELS if task == "language" else {}
    return replace(setting, label=labels.get(setting.dotted, setting.label))


def _basics(task: Task) -> tuple[str, ...]:
    return TEXT_BASICS if task == "language" else BASICS


def all_settings(config: RunConfig) -> Iterator[Setting]:
    """Every setting a person can change, in the order of `RunConfig`."""
    yield from _settings(config, "")
    for name in RunConfig.model_fields:
        if isinstance(section := getattr(config, name), Section):
            yield from _settings(section, f"{name}.")


def changed(config: RunConfig, base: RunConfig) -> dict[str, Any]:
    """Dotted settings whose value differs from `base`."""
    before = {one.dotted: one.value for one in all_settings(base)}
    return {one.dotted: one.value for one in all_settings(config) if one.value != before[one.dotted]}


def command(config: RunConfig, preset: RunConfig) -> str:
    """The command line that starts the same run from `preset`, as one would type it in a POSIX shell."""
    return _command("distill", config, preset, (), ())


def frontier_command(config: RunConfig, preset: RunConfig, most: int) -> str:
    """The command line of a frontier around a run: half, once and twice as many sequences but at most `most` (the
    training sequences there are), its seed and the next. The run itself is one of the points."""
    mu, xi, seed = config.synthetic.mu, config.synthetic.xi, config.seed
    sizes = ",".join(f"{one}x{xi}" for one in dict.fromkeys((max(1, mu // 2), mu, max(mu, min(2 * mu, most)))))
    decided = ("name", "seed", "synthetic.mu", "synthetic.xi", "evaluation.baselines")
    words = ("--sizes", sizes, "--seeds", f"{seed},{seed + 1}", "--baselines", ",".join(config.evaluation.baselines))
    return _command("frontier", config, preset, words, decided)


def transfer_command(config: RunConfig, preset: RunConfig) -> str:
    """The command line of the transfer matrix of a run: every teacher and student, its seed and the next."""
    decided = ("name", "seed", "model.kind", "evaluation.students", "evaluation.baselines")
    return _command("transfer", config, preset, ("--seeds", f"{config.seed},{config.seed + 1}"), decided)


def splits_command(config: RunConfig, preset: RunConfig) -> str:
    """The command line of a run on five splits: its own and the next four, with its seed."""
    first = config.data.seed
    words = ("--splits", ",".join(str(first + one) for one in range(5)), "--seeds", str(config.seed))
    return _command("splits", config, preset, words, ("name", "seed", "data.seed"))


def _command(work: str, config: RunConfig, preset: RunConfig, more: Collection[str], decided: Collection[str]) -> str:
    """`work` with the words `more` and every setting that differs from the preset, without those `decided` there."""
    words = ["python", "-m", "farzi_core", work, "--preset", preset.preset, "--data", config.data.source, *more]
    for dotted, value in changed(config, preset).items():
        words += ["--set", f"{dotted}={written(value)}"] if dotted not in decided else []
    return shlex.join(words)


def written(value: Any) -> str:
    """A value as `--set` takes it: several choices with commas between."""
    return ",".join(value) if isinstance(value, list) else str(value)


def _settings(section: Section, prefix: str) -> Iterator[Setting]:
    for name, field in type(section).model_fields.items():
        value, dotted = getattr(section, name), prefix + name
        if not isinstance(value, Section) and dotted not in HIDDEN:
            yield _setting(dotted, name, field, value)


def _setting(dotted: str, name: str, field: FieldInfo, value: Any) -> Setting:
    label = _LABELS.get(dotted) or _LABELS.get(name) or name.replace("_", " ").capitalize()
    low, high, rule = _range(field)
    choices = _choices(field.annotation)
    if isinstance(value, tuple):  # of words to pick from a list, or of numbers to write down
        value = list(value) if choices else ",".join(map(str, value))
    text = " ".join(part for part in ((field.description or "").strip(), rule) if part)
    return Setting(dotted, label, text, _kind(field, choices), value, low, high, choices)


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words of `Literal[...]` or of `tuple[Literal[...], ...]`."""
    if get_origin(annotation) is tuple:
        return _choices(get_args(annotation)[0])
    return tuple(str(one) for one in get_args(annotation)) if get_origin(annotation) is Literal else ()


def _kind(field: FieldInfo, choices: tuple[str, ...]) -> Kind:
    if choices:
        return "choice" if get_origin(field.annotation) is Literal else "several"
    kinds: dict[Any, Kind] = {bool: "yes_no", int: "whole", float: "real", str: "text", tuple: "text"}
    return kinds[get_origin(field.annotation) or field.annotation]


def _range(field: FieldInfo) -> tuple[float | None, float | None, str]:
    """Bounds and the words for them: `Range: above 0, at most 1.`"""
    low: Any = None
    high: Any = None
    words = []
    for bound in field.metadata:
        match bound:
            case Ge(ge=value):
                low, sentence = value, f"at least {_number(value)}"
            case Gt(gt=value):
                low, sentence = value, f"above {_number(value)}"
            case Le(le=value):
                high, sentence = value, f"at most {_number(value)}"
            case Lt(lt=value):
                high, sentence = value, f"below {_number(value)}"
            case _:
                continue
        words.append(sentence)
    return low, high, f"Range: {', '.join(words)}." if words else ""


def _number(value: Any) -> str:
    """`1000000.0` -> `1,000,000`; `0.5` stays."""
    return f"{int(value):,}" if value == int(value) else f"{value:g}"
