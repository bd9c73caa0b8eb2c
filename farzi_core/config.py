"""RunConfig: all that decides a run, one frozen section a stage (4 to 9 are in `sections`). Unknown keys are refused.

The docstring under a field is its help text in the app and in `python -m farzi_core distill --help-settings`:
what it is, its unit, its range and its effect. Symbols are the paper's (arXiv 2310.09983).
"""

from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from farzi_core.errors import ConfigError
from farzi_core.limits import MIN_EPS, MIN_EVENTS_PER_USER
from farzi_core.sections import (
    EvaluationConfig,
    InnerConfig,
    Kind,
    ObjectiveConfig,
    OuterConfig,
    Schedule,
    Section,
    SyntheticConfig,
    ValidationConfig,
)


class DataConfig(Section):
    """1. Which events or which text, and how users (or sentences) are split."""

    source: str = "python-calls"
    """A built-in or catalogue name (python-calls, planted, ...) or `dataset:<id>` of an imported data set."""
    max_items: int = Field(500, ge=2, le=1_000_000)
    """Items kept, most frequent first; events of rarer items are removed and counted in the report. Of a text: the
    vocabulary; rarer words are read as <unk>."""
    seed: int = Field(0, ge=0)
    """Seed of the random 80/10/10 split of users into train, validation and test; a text's own split is kept."""
    tokeniser: Literal["auto", "words", "spaces", "characters", "subwords"] = "auto"
    """How a text is cut into tokens: lower-case words, what stands between spaces, characters, or subwords (BPE) learnt
    from the training sentences; auto takes what the text asks for. Events need none."""
    block: int = Field(0, ge=0, le=1024)
    """Tokens of one sequence of a text that runs over sentence ends; 0 means one sequence a sentence."""

    @field_validator("block")
    @classmethod
    def _block_holds_a_target(cls, value: int) -> int:
        if 0 < value < MIN_EVENTS_PER_USER:
            raise ValueError(f"a block of {value} tokens is too short; choose 0 or at least {MIN_EVENTS_PER_USER}")
        return value


class ModelConfig(Section):
    """2. The student that is trained in the inner loop, and the full-data reference (same architecture)."""

    kind: Kind = "sasrec"
    """Architecture of the student: self-attention (sasrec), recurrence (gru4rec) or causal filters (fmlp).
    On a text sasrec is the Transformer language model of the paper and gru4rec the recurrent one."""
    hidden: int = Field(32, ge=4, le=512)
    """Width of SASRec's item embedding and of every block, in units."""
    gru4rec_hidden: int = Field(16, ge=4, le=512)
    """Width of GRU4Rec's item embedding and state, in units; the paper's is 16."""
    fmlp_hidden: int = Field(64, ge=4, le=512)
    """Width of FMLP's item embedding and of every block, in units; the paper's is 256."""
    layers: int = Field(1, ge=1, le=8)
    """Blocks of SASRec and FMLP; GRU4Rec has one layer."""
    heads: int = Field(1, ge=1, le=8)
    """Attention heads of SASRec; must divide its width."""
    activation: Literal["gelu", "relu"] = "gelu"
    """Between the two matrices of a block of SASRec or FMLP; relu is the original SASRec's."""
    max_length: int = Field(50, ge=2, le=1024)
    """Longest context in events; longer sequences keep their last events."""
    head: Literal["tied", "untied"] = "tied"
    """What scores the next item: the item embedding itself (tied), or a matrix and a bias of its own (untied)."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "ModelConfig":
        if self.hidden % self.heads:
            raise ValueError(f"heads={self.heads} does not divide hidden={self.hidden}; choose a divisor")
        return self


class TeacherConfig(Section):
    """3. Training on the real data: the full-data reference and the trajectory pool Omega (paper, eq. 2)."""

    lr: float = Field(0.005, gt=0, le=1)
    """Adam step size of SASRec on full data, and on synthetic data that were distilled with another architecture."""
    gru4rec_lr: float = Field(0.02, gt=0, le=1)
    """Adam step size of GRU4Rec on full data, and on synthetic data that were distilled with another architecture."""
    fmlp_lr: float = Field(0.01, gt=0, le=1)
    """Adam step size of FMLP on full data, and on synthetic data that were distilled with another architecture."""
    batch: int = Field(256, ge=1, le=65536)
    """Real sequences a training step."""
    epochs: int = Field(12, ge=1, le=1000)
    """Most passes over the training users; the best epoch on validation users is kept."""
    weight_decay: float = Field(1e-4, ge=0, le=1)
    """L2 decay of the weights in full-data training."""
    schedule: Schedule = "constant"
    """How the step size runs when models train on real data, all of it or as much as is distilled (not in Omega):
    constant; or linear, up over a tenth of all steps and then down towards zero. GRUs on texts gain by linear, SASRec
    on events does not."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the embedded events' numbers set to zero at random when models train on real data, all of it or as much
    as is distilled (then at least inner.dropout). Few users with long histories want 0.4 to 0.6 (the paper's grid has
    0, 0.2 and 0.4)."""
    trajectories: int = Field(4, ge=0, le=1000)
    """|Omega|: short real-data trajectories that inner loops may start from; 0 means random weights only."""
    trajectory_steps: int = Field(60, ge=1, le=100_000)
    """Length of one trajectory, in real-data training steps."""
    states: int = Field(6, ge=1, le=1000)
    """States kept along each trajectory, evenly spaced."""

    def full_steps(self, users: int) -> tuple[int, int]:
        """Training steps of a full-data model on so many users, and those of one epoch."""
        epoch = max(1, users // self.batch)
        return epoch * self.epochs, epoch

    def lr_of(self, kind: Kind) -> float:
        """The Adam step size of full-data training of `kind`."""
        return {"sasrec": self.lr, "gru4rec": self.gru4rec_lr, "fmlp": self.fmlp_lr}[kind]


class RuntimeConfig(Section):
    """10. Where it runs and how often it saves."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """auto takes CUDA if there is one, else MPS, else the CPU."""
    threads: int = Field(0, ge=0, le=1024)
    """CPU threads; 0 takes all cores. Recorded, because sums differ in the last bit between thread counts."""
    hvp: Literal["auto", "eager", "compiled", "captured"] = "auto"
    """auto: eager on a CPU, captured on a GPU. captured: whole steps as CUDA graphs. compiled: by torch.compile;
    students of a few hundred items then take half to two thirds of the time, after a minute of compiling (seconds
    where this machine has compiled that size before). It needs a C++ compiler and goes on eagerly without one; on a
    GPU it is captured, too."""
    deterministic: bool = True
    """On a GPU: only algorithms that give the same bits every time, so that a resumed run is bit-identical; some sums
    are slower. The CPU is deterministic as it is."""
    checkpoint_seconds: float = Field(10.0, ge=0, le=86_400)
    """Least time between two checkpoints; 0 writes one after every outer step."""
    snapshots: int = Field(30, ge=0, le=1000)
    """About how many snapshots of Z and M the replay of a run has, each a file of their size; very large ones are kept
    less often, and validations keep theirs in any case."""


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
    def _labels_are_taught_by_someone(self) -> "RunConfig":
        if self.synthetic.start_labels == "taught" and not (self.synthetic.labelled and self.objective.ensemble):
            raise ValueError(
                f"synthetic.start_labels = 'taught' with synthetic.labels = {self.synthetic.labels!r} and "
                f"{self.objective.ensemble} teachers: the teachers of a meta-objective teach labels of their own; set "
                "synthetic.labels to 'own' and objective.teachers to 1 or more, or synthetic.start_labels to 'next'"
            )
        return self

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
