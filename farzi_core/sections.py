"""What each section of `RunConfig` is, and those on the distillation and its evaluation: 4 to 9 of `config`."""

from typing import Annotated, Any, Literal

from annotated_types import Len
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

ObjectiveKind = Literal["meta", "gradient", "trajectory"]
Kind = Literal["sasrec", "gru4rec", "fmlp"]
Baseline = Literal["random_users", "head_users", "coreset", "random_windows", "taught_windows"]
Form = Literal["soft", "argmax", "sampled"]
Schedule = Literal["constant", "linear"]


def _listed(value: Any) -> Any:
    """`a,b` as a command line writes it, or one number -> the parts without repeats; all else is left to the type."""
    if isinstance(value, str):
        value = [word for part in value.split(",") if (word := part.strip())]
    elif isinstance(value, int | float):
        value = [value]
    return tuple(dict.fromkeys(value)) if isinstance(value, list | tuple) else value


Decays = Annotated[tuple[Annotated[float, Field(ge=0, le=100)], ...], BeforeValidator(_listed), Len(1)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class SyntheticConfig(Section):
    """4. The synthetic data softmax(Z M / tau)."""

    mu: int = Field(100, ge=1, le=100_000)
    """Synthetic sequences."""
    xi: int = Field(10, ge=2, le=1024)
    """Events in each synthetic sequence."""
    d: int = Field(16, ge=1, le=512)
    """Latent factors: Z is mu x xi x d, with labels of their own twice that; M is d x |V|."""
    tau: float = Field(1.0, gt=0, le=100)
    """Softmax temperature; lower makes each position more certain."""
    labels: Literal["next", "own"] = "next"
    """What a student is to predict at a position: what the next one says, as in the paper (next), or a second
    distribution of the position itself (own), so that what is read may be one item where many are expected. Students
    are mostly better for it, on few users about as good; twice the numbers in Z."""
    start: Literal["matched", "data", "covering", "random"] = "matched"
    """Where Z and M start: real windows in co-occurrence factors, then fitted to the data's pair counts (matched); the
    windows alone (data); windows of what a student reads at once, chosen so that rare items are read, too (covering:
    with labels that are taught they stay excerpts of real sequences, nearly event by event); or random numbers
    (random)."""
    start_windows: Literal["random", "medoids"] = "random"
    """Which real windows Z starts from: random ones, or the medoids of k-means with mu clusters, which stand for many
    others and are unlike each other. A covering start has a choice of its own, one from random numbers none."""
    start_labels: Literal["next", "taught"] = "next"
    """Where labels of their own start: as the next positions of the windows (next), or as what the teachers of the
    outer loss (objective.teachers) predict behind the windows' most likely events, or those of covering windows
    (taught): students begin near their teachers, and live longer before they know the sequences by heart."""
    start_scale: float = Field(3.0, gt=0, le=100)
    """Sharpness of the data-driven start, in logits."""
    start_steps: int = Field(300, ge=0, le=100_000)
    """Steps of the pair-count fit: seconds in all for a few hundred items. A step costs mu x xi operations for each
    pair of items that occurs, so large data want fewer."""

    @property
    def labelled(self) -> bool:
        """Whether positions have labels of their own."""
        return self.labels == "own"

    @property
    def faces(self) -> int:
        """Latents of a position: what is read there and, with labels of their own, what is to be predicted."""
        return 1 + self.labelled

    @property
    def latents(self) -> int:
        """Rows of Z, d numbers each."""
        return self.mu * self.faces * self.xi


class InnerConfig(Section):
    """5. The inner loop: a student trained on synthetic data for a differentiated window of steps."""

    steps: int = Field(20, ge=1, le=5000)
    """T: training steps in one window, all differentiated."""
    lifetime: int = Field(60, ge=1, le=5000)
    """Steps after which a student is replaced by a fresh one; until then it goes on where its last window ended."""
    burn_in: int = Field(0, ge=0, le=5000)
    """Steps at the start of a student's life that are trained but not differentiated: what early steps say of the data
    is mostly the noise of random weights, and a plain step costs a quarter. Trajectory matching does without."""
    students: int = Field(4, ge=1, le=256)
    """Students kept in flight; each outer step differentiates the next window of some of them."""
    staggered: bool = False
    """Whether the first students of a run (up to a roll-back) begin their windows at ages spread over a life, trained
    up to there without derivatives. Else all begin together and grow old together, so that for many outer steps in a
    row the data are fitted to young students, and then to old ones. Nothing changes where a life has one window."""
    batch: int = Field(50, ge=1, le=100_000)
    """Synthetic sequences a step, or stretches of them where students read fewer events at once; as many as there are
    or more means all."""
    crop: int = Field(0, ge=0, le=1024)
    """Events a student reads at once: each step cuts all synthetic sequences into stretches of so many and takes a
    batch of those. 0, or xi and more, means whole sequences. Short real histories want short ones."""
    cuts: Literal["random", "fixed"] = "random"
    """Where sequences are cut: each step at another place, so that an event is read behind few others and behind many
    (random); or always at multiples of `crop` (fixed), so that taught labels are for one context and the windows of a
    covering start are read as they are; xi is then a multiple of it."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """What trains students on synthetic data, in the inner loop and in the final table alike. sgd wants a larger step
    size (0.3 where Adam has 0.01, on planted data); training on real data is Adam's in either case."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Decay of SGD's momentum buffer; Adam has its own."""
    lr: float = Field(0.01, gt=0, le=1)
    """Step size of the student on synthetic data."""
    schedule: Schedule = "constant"
    """How the step size runs over a student's lifetime: constant; or linear, up over the first tenth and then down to
    zero at its end, so that students settle and the meta-gradient stays smooth."""
    beta1: float = Field(0.9, ge=0, lt=1)
    """Decay of Adam's first moment."""
    beta2: float = Field(0.999, ge=0, lt=1)
    """Decay of Adam's second moment."""
    eps: float = Field(1e-3, gt=0, le=1)
    """Added to Adam's root; below 1e-6 the meta-gradient is mostly rounding noise."""
    weight_decay: float = Field(0.002, ge=0, le=1)
    """L2 decay of the weights of a student on little data, synthetic or real: without it students overfit after a few
    dozen steps, and the distillation has nothing to hold on to. Fewer items want more."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the embedded events' numbers set to zero at random while a student trains on synthetic data; those on as
    much real data have it, too. GRUs on texts then learn the rows by heart much later, and want 0.3 to 0.5."""
    omega_share: float = Field(0.3, ge=0, le=1)
    """Share of fresh students that start from a state of Omega instead of random weights."""

    @model_validator(mode="after")
    def _a_life_has_a_window(self) -> "InnerConfig":
        if self.burn_in and self.burn_in + self.steps > self.lifetime:
            raise ValueError(
                f"burn_in={self.burn_in} and a window of steps={self.steps} do not fit into lifetime={self.lifetime}; "
                f"choose burn_in of at most {max(0, self.lifetime - self.steps)}, or a longer lifetime"
            )
        return self

    @field_validator("crop")
    @classmethod
    def _crop_holds_a_target(cls, value: int) -> int:
        if value == 1:
            raise ValueError("a stretch of 1 event has none to predict; choose 0 (whole sequences) or at least 2")
        return value


class ObjectiveConfig(Section):
    """6. The objective: what a student trained on synthetic data is held against (paper, table 2)."""

    kind: ObjectiveKind = "meta"
    """meta: the student's loss on real data, through all T steps: the paper's Farzi and, with no starts from Omega, its
    MM. gradient: the directions of its gradients on synthetic and real data (DC). trajectory: how far from a later
    state of Omega it ends, of whose trajectory it starts (MTT); such a student lives for one window."""
    teachers: int = Field(0, ge=0, le=64)
    """Of meta: full-data models whose mean prediction the outer loss is held against, in place of the next events: of
    few users these are noisy, and models have averaged them. 0 means the events; each model is trained for it."""
    matches: int = Field(4, ge=1, le=5000)
    """Of gradient: the states of a window at which gradients are compared, evenly spaced; T or more means all. Each
    costs one gradient of the real batch."""
    ahead: int = Field(3, ge=1, le=1000)
    """Of trajectory: M, from the start of a window to its goal, in kept states of a trajectory of Omega."""

    @property
    def ensemble(self) -> int:
        """Teachers that are trained and read: only meta-matching has a loss on next events to put theirs in."""
        return self.teachers if self.kind == "meta" else 0


class OuterConfig(Section):
    """7. The outer loop: Adam on Z and M, with a cosine schedule and gradient clipping."""

    steps: int = Field(400, ge=1, le=1_000_000)
    """Outer steps."""
    lr: float = Field(0.02, gt=0, le=10)
    """Adam step size for Z and M at the start of the cosine schedule."""
    starts: int = Field(2, ge=1, le=256)
    """Students differentiated an outer step, side by side; their meta-gradients are averaged."""
    batch: int = Field(512, ge=1, le=65536)
    """Real sequences in the outer loss."""
    clip: float = Field(1.0, gt=0, le=1e6)
    """Largest norm of the meta-gradient; longer ones are scaled down."""


class ValidationConfig(Section):
    """8. Validation during the run, on fresh students and validation users; the best snapshot is kept."""

    every: int = Field(50, ge=1, le=1_000_000)
    """Outer steps between validations."""
    students: int = Field(2, ge=1, le=20)
    """Fresh students trained at each validation."""
    steps: int = Field(150, ge=1, le=100_000)
    """Most training steps of a student; the best step on validation users is used."""
    users: int = Field(2000, ge=10, le=10_000_000)
    """Most validation users scored."""
    average: int = Field(0, ge=0, le=100)
    """Last snapshots whose Z and M are averaged at the end of the run and validated as one more candidate; 0 or 1 means
    no average."""


class EvaluationConfig(Section):
    """9. The final table on test users: full data, distilled, and baselines of equal size."""

    seeds: int = Field(5, ge=1, le=100)
    """Fresh students a row."""
    full_seeds: int = Field(5, ge=1, le=100)
    """Models trained on all of the data, the slowest row."""
    steps: int = Field(300, ge=1, le=100_000)
    """Most training steps of a student on a small data set; validation users choose the step."""
    students: Annotated[tuple[Kind, ...], BeforeValidator(_listed)] = ()
    """Architectures trained on the result. The first has the whole table, every other one full data and distilled;
    none named means the one that was distilled with."""
    baselines: Annotated[tuple[Baseline, ...], BeforeValidator(_listed)] = ("random_users", "head_users")
    """Real data of equal size that a student of the first architecture is trained on for comparison. taught_windows are
    real windows with labels that the teachers of the outer loss predict: what is won without distilling them."""
    forms: Annotated[tuple[Form, ...], BeforeValidator(_listed)] = ("soft",)
    """Forms of the synthetic data that a student of the first architecture is trained on: soft (distributions, as they
    were distilled), and for programs that take nothing but items argmax (the most probable ones) or sampled."""
    draws: int = Field(1, ge=1, le=1000)
    """Of the form sampled: sequences drawn from each synthetic one, anew for every student."""
    decays: Decays = (1.0,)
    """Multiples of inner.weight_decay that every student on little data, synthetic or real, is trained with; validation
    users choose one for each student. Several cost as many times the students of the table."""
    other_decays: Decays = (0.1, 0.3, 1.0)
    """The same for students of other architectures than the one that was distilled with: that decay suits the latter.
    GRU4Rec on SASRec's data wants less, FMLP does not care."""
    mask_seen: bool = False
    """Remove all items of a user's past, the target excepted, from the ranking; the paper does not. In AUC they
    count as ranked below the target."""

    @field_validator("forms")
    @classmethod
    def _soft_is_one_of_them(cls, value: tuple[Form, ...]) -> tuple[Form, ...]:
        if "soft" not in value:
            raise ValueError("it lacks soft, the form that was distilled and that every row is held against; add it")
        return value
