"""RunConfig: all that decides a run, one frozen section a stage. Unknown keys are refused.

The docstring under a field is its help text in the app and in `python -m farzi_core distill --help-settings`:
what it is, its unit, its range and its effect. Symbols are the paper's (arXiv 2310.09983).
"""

from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from farzi_core.errors import ConfigError
from farzi_core.limits import MIN_EPS
from farzi_core.sections import (
    EvaluationConfig,
    InnerConfig,
    Kind,
    ObjectiveConfig,
    OuterConfig,
    Section,
    SyntheticConfig,
    ValidationConfig,
)
from farzi_core.surroundings import DataConfig, ModelConfig, RuntimeConfig, TeacherConfig


class RunConfig(Section):
    """Everything that decides a run."""

    schema_version: Literal[1] = 1
    name: str = Field("", max_length=200)
    """A name for people; folders are named by random ids."""
    preset: str = "demo"
    """The preset the settings started from."""
    seed: int = Field(0, ge=0)
    """Seed of everything random except the split."""
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    teacher: TeacherConfig = TeacherConfig()
    synthetic: SyntheticConfig = SyntheticConfig()
    inner: InnerConfig = InnerConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    outer: OuterConfig = OuterConfig()
    validation: ValidationConfig = ValidationConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    runtime: RuntimeConfig = RuntimeConfig()

    @property
    def stretch(self) -> int:
        """Events of a synthetic sequence that a student sees at once: `inner.crop`, or xi."""
        return min(self.inner.crop or self.synthetic.xi, self.synthetic.xi)

    @property
    def student_length(self) -> int:
        """The longest sequence of a student, its last target included: with labels the last event has one, too."""
        return self.stretch + self.synthetic.labelled

    @property
    def burn_in(self) -> int:
        """Steps of a student before its first window; one of trajectory matching begins with it."""
        return 0 if self.objective.kind == "trajectory" else self.inner.burn_in

    @model_validator(mode="after")
    def _teachers_read_what_students_read(self) -> "RunConfig":
        if self.objective.ensemble and self.student_length > self.model.max_length:
            most = self.model.max_length - self.synthetic.labelled
            raise ValueError(
                f"objective.teachers = {self.objective.teachers}: students learn sequences of {self.student_length} "
                f"events, targets included, their teachers those of model.max_length = {self.model.max_length}; raise "
                f"that, or set inner.crop to at most {most}"
            )
        return self

    @model_validator(mode="after")
    def _fixed_cuts_leave_nothing_unread(self) -> "RunConfig":
        if self.inner.cuts == "fixed" and self.synthetic.xi % self.stretch:
            raise ValueError(
                f"inner.cuts = 'fixed': sequences of synthetic.xi = {self.synthetic.xi} events are no multiple of "
                f"inner.crop = {self.inner.crop}, and what is left over is never read; choose one, or 'random'"
            )
        return self

    @model_validator(mode="after")
    def _covering_windows_are_read_as_they_are_and_taught(self) -> "RunConfig":
        begun = f"synthetic.start = {self.synthetic.start!r}"
        if self.excerpts and self.synthetic.start_labels == "next":
            raise ValueError(
                f"{begun} reads rare items more often than they come next, so labels cannot start as the next events; "
                "set synthetic.start_labels to 'taught', or synthetic.start to 'matched'"
            )
        if self.excerpts and self.stretch < self.synthetic.xi and self.inner.cuts == "random":
            raise ValueError(
                f"{begun} has windows of the inner.crop = {self.inner.crop} events that a student reads at once; set "
                "inner.cuts to 'fixed', so that they are read like that, or inner.crop to 0"
            )
        return self

    @model_validator(mode="after")
    def _labels_are_taught_by_someone(self) -> "RunConfig":
        if not self.teaches or (self.synthetic.labelled and self.objective.ensemble):
            return self
        asked = "a taught start" if self.synthetic.start_labels == "taught" else "taught_windows"
        kind, teachers = self.objective.kind, self.objective.teachers
        raise ValueError(
            f"{asked} with synthetic.labels = {self.synthetic.labels!r}, objective.kind = {kind!r} and "
            f"objective.teachers = {teachers}: the teachers of a meta-objective teach labels of their own; set them to "
            "'own', 'meta' and 1 or more, or synthetic.start_labels to 'next' and evaluation.baselines to others"
        )

    @property
    def teaches(self) -> bool:
        """Whether teachers predict labels: of the start, or of real windows beside it."""
        return self.synthetic.start_labels == "taught" or "taught_windows" in self.evaluation.baselines

    @property
    def excerpts(self) -> bool:
        """Whether what is read starts as windows of real sequences, event by event; outer loops change little of it."""
        return self.synthetic.start == "covering"

    @property
    def untaught(self) -> "RunConfig":
        """These settings without teachers: the outer loss is that of next events, and no labels are predicted."""
        real = [one for one in self.evaluation.baselines if one != "taught_windows"]
        start = "matched" if self.excerpts else self.synthetic.start
        labels = {"synthetic.start": start, "synthetic.start_labels": "next"}
        return with_settings(self, {**labels, "objective.teachers": 0, "evaluation.baselines": real})

    @model_validator(mode="after")
    def _trajectories_reach_their_goal(self) -> "RunConfig":
        if self.objective.kind != "trajectory":
            return self
        if self.teacher.trajectories == 0:
            raise ValueError(
                "objective.kind = 'trajectory': teacher.trajectories = 0 leaves nothing to match; choose 1 or more"
            )
        kept, ahead = min(self.teacher.states, self.teacher.trajectory_steps), self.objective.ahead
        if ahead > kept:
            raise ValueError(
                f"objective.ahead = {ahead}: a trajectory keeps {kept} states; choose fewer, or raise teacher.states"
            )
        return self

    @property
    def students(self) -> tuple[Kind, ...]:
        """The architectures of the final table; the first has all rows."""
        return self.evaluation.students or (self.model.kind,)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on settings that are allowed and rarely wise."""
        eps = self.inner.eps
        if eps >= MIN_EPS or self.inner.optimizer != "adam":
            return ()
        return (f"inner.eps = {eps:g}: below {MIN_EPS:g} the meta-gradient is mostly rounding noise; 0.0001 is safe",)

    def for_student(self, kind: Kind) -> "RunConfig":
        """These settings with `kind` as the architecture that is trained. One that was not distilled with takes its own
        step size on synthetic data too: GRU4Rec at SASRec's loses 4 points of HR@10 (python-calls, demo). Those step
        sizes are Adam's; SGD keeps its own. And it chooses among other weight decays: `evaluation.other_decays`. The
        dropout is that of the students that were distilled with."""
        if kind == self.model.kind:
            return self
        model = self.model.model_copy(update={"kind": kind})
        lr = self.teacher.lr_of(kind) if self.inner.optimizer == "adam" else self.inner.lr
        inner = self.inner.model_copy(update={"lr": lr})
        evaluation = self.evaluation.model_copy(update={"decays": self.evaluation.other_decays})
        return self.model_copy(update={"model": model, "inner": inner, "evaluation": evaluation})

    @property
    def decayed(self) -> "dict[float, RunConfig]":
        """These settings with each of the weight decays that `evaluation.decays` asks for, by its factor."""
        inners = {
            factor: self.inner.model_copy(update={"weight_decay": factor * self.inner.weight_decay})
            for factor in self.evaluation.decays
        }
        return {factor: self.model_copy(update={"inner": inner}) for factor, inner in inners.items()}

    @property
    def on_little(self) -> "RunConfig":
        """These settings for training on as much real data as is distilled: with the decay that students on synthetic
        data have, and the larger dropout of theirs and of full data's."""
        dropout = max(self.teacher.dropout, self.inner.dropout)
        teacher = {"weight_decay": self.inner.weight_decay, "dropout": dropout}
        return self.model_copy(update={"teacher": self.teacher.model_copy(update=teacher)})


def parse_config(values: dict[str, Any]) -> RunConfig:
    """A checked `RunConfig`; raises `ConfigError` that names each bad setting, its value and the rule."""
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(_sentence(one) for one in error.errors())) from None


def with_settings(config: RunConfig, settings: dict[str, Any]) -> RunConfig:
    """`config` with dotted settings replaced, for example {"inner.lr": 0.01}; raises `ConfigError`."""
    values = config.model_dump(mode="json")
    for dotted, value in settings.items():
        section = values
        *path, last = dotted.split(".")
        for key in path:
            if not isinstance(section.get(key), dict):
                raise ConfigError(f"unknown setting {dotted!r}: no section {key!r}; sections are {_sections()}")
            section = section[key]
        section[last] = value
    return parse_config(values)


def _sections() -> str:
    return ", ".join(name for name, one in RunConfig.model_fields.items() if isinstance(one.default, Section))


def _sentence(error: Any) -> str:
    place, rule = ".".join(str(part) for part in error["loc"]), error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"unknown setting {place!r} (value {error['input']!r}); remove it or correct its name"
    if error["type"] == "value_error" and isinstance(error["input"], dict):  # of several settings, which the rule names
        return f"{place}: {rule}" if place else rule
    return f"{place} = {error['input']!r}: {rule}"
