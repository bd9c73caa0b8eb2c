"""The final table: one row a training set, one value a metric and seed. No torch: pages and exports read it too.

A task decides which metrics there are (`METRICS`); a metric knows whether lower is better and how it
is shown. Nothing else in the program tells tasks apart by their figures.
"""

from collections.abc import Container
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from farzi_core.data.dataset import Task
from farzi_core.sections import Form, Kind

TINY = 1e-12  # a metric that is 0 on full data has no percentage: large, but not a division by zero


class Metric(StrEnum):
    """Ranking metrics of the paper (appendix C.1) as fractions, and those of language models."""

    HR10 = "hr@10"
    HR100 = "hr@100"
    NDCG10 = "ndcg@10"
    NDCG100 = "ndcg@100"
    AUC = "auc"
    ACCURACY = "accuracy"
    KNOWN_ACCURACY = "accuracy_known"
    PPL = "ppl"
    TOKEN_PPL = "ppl_token"  # noqa: S105 - not a password
    LOSS = "loss"

    @property
    def lower_is_better(self) -> bool:
        return self in _LOWER

    @property
    def is_fraction(self) -> bool:
        """Shown in percent; others are shown as they are."""
        return self not in _LOWER


_LOWER = {Metric.PPL, Metric.TOKEN_PPL, Metric.LOSS}
METRICS: dict[Task, tuple[Metric, ...]] = {
    "recommendation": (Metric.HR10, Metric.HR100, Metric.NDCG10, Metric.NDCG100, Metric.AUC),
    "language": (Metric.ACCURACY, Metric.KNOWN_ACCURACY, Metric.PPL, Metric.TOKEN_PPL, Metric.LOSS),
}


class RowName(StrEnum):
    """What a student was trained on, or which rule predicted without training."""

    FULL = "full"
    DISTILLED = "distilled"
    ARGMAX = "distilled_argmax"
    SAMPLED = "distilled_sampled"
    RANDOM = "random_users"
    HEAD = "head_users"
    CORESET = "coreset"
    WINDOWS = "random_windows"
    TAUGHT = "taught_windows"
    POPULAR = "most_popular"
    MARKOV = "markov"
    RANDOM_SENTENCES = "random_sentences"
    HEAD_SENTENCES = "head_sentences"
    UNIGRAM = "unigram"
    BIGRAM = "bigram"


LABELS = {
    RowName.FULL: "Full data",
    RowName.DISTILLED: "Distilled",
    RowName.ARGMAX: "Distilled, argmax",
    RowName.SAMPLED: "Distilled, sampled",
    RowName.RANDOM: "Random users",
    RowName.HEAD: "Head users",
    RowName.CORESET: "Coreset",
    RowName.WINDOWS: "Random windows",
    RowName.TAUGHT: "Taught windows",
    RowName.POPULAR: "Most popular",
    RowName.MARKOV: "Markov",
    RowName.RANDOM_SENTENCES: "Random sentences",
    RowName.HEAD_SENTENCES: "Head sentences",
    RowName.UNIGRAM: "Unigram",
    RowName.BIGRAM: "Bigram (Kneser-Ney)",
}
FORM_ROWS: dict[Form, RowName] = {"soft": RowName.DISTILLED, "argmax": RowName.ARGMAX, "sampled": RowName.SAMPLED}
"""The same synthetic data in every form that students are trained on."""
MEANINGS = {
    RowName.ARGMAX: "the most probable item of every position of the distilled data, as ordinary sequences",
    RowName.SAMPLED: "items drawn from every position of the distilled data, anew for every student",
    RowName.RANDOM: "as many training users as there are synthetic sequences, drawn anew for every student",
    RowName.HEAD: "as many, those with the most events",
    RowName.CORESET: "as many, each the farthest in item counts from those before it (k-centre)",
    RowName.WINDOWS: "as many events as the synthetic data have, in real windows no longer than theirs",
    RowName.TAUGHT: "as many real events, laid end to end, with labels that the teachers predict: no meta-gradient",
    RowName.POPULAR: "items by their training counts",
    RowName.MARKOV: "items by how often they followed the last event in training",
    RowName.RANDOM_SENTENCES: "as many training sentences as there are synthetic ones, drawn anew for every student",
    RowName.HEAD_SENTENCES: "as many, the longest",
    RowName.UNIGRAM: "each token as often as in training",
    RowName.BIGRAM: "each token as often as after the last one in training, smoothed",
}
KIND_LABELS: dict[Kind, str] = {"sasrec": "SASRec", "gru4rec": "GRU4Rec", "fmlp": "FMLP"}
METRIC_LABELS = {
    Metric.HR10: "HR@10",
    Metric.HR100: "HR@100",
    Metric.NDCG10: "nDCG@10",
    Metric.NDCG100: "nDCG@100",
    Metric.AUC: "AUC",
    Metric.ACCURACY: "Accuracy",
    Metric.KNOWN_ACCURACY: "Accuracy without <unk>",
    Metric.PPL: "PPL",
    Metric.TOKEN_PPL: "PPL of tokens",
    Metric.LOSS: "Loss",
}


def metrics_in(values: Container[str]) -> tuple[Metric, ...]:
    """The metrics of the task whose figures `values` (a line of the log) holds; none where it holds none."""
    return next((metrics for metrics in METRICS.values() if metrics[0].value in values), ())


def scale(metric: Metric) -> int:
    """What a stored value is multiplied with to be shown: fractions are shown in percent."""
    return 100 if metric.is_fraction else 1


def percent_of_full(metric: Metric, value: float, full: float) -> float:
    """value / full, or full / value where lower is better (paper, table 6), in percent."""
    above, below = (full, value) if metric.lower_is_better else (value, full)
    return 100 * above / max(below, TINY)


def shown(metric: Metric, value: float) -> str:
    """A value for people: `64.2 %`, or as it is."""
    return f"{100 * value:.1f} %" if metric.is_fraction else f"{value:.2f}"


class Interval(BaseModel):
    """A 95 % interval of a metric, or of a difference."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float
    high: float


class Row(BaseModel):
    """One row of the table, on test users."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RowName
    sequences: int
    """Sequences trained on (0 for rules without training)."""
    events: int
    seeds: tuple[dict[Metric, float], ...]
    """One entry a fresh student; rules have one entry."""
    mean: dict[Metric, float]
    interval: dict[Metric, Interval]
    """Of the mean over seeds: bootstrap over test users."""
    percent_of_full: dict[Metric, float]
    percent_interval: dict[Metric, Interval] = {}
    """Of `percent_of_full`: paired bootstrap, in percent; empty for the full row and in runs of version 0.1."""
    minus_distilled: dict[Metric, Interval]
    """Paired bootstrap interval of (distilled - this row); empty for the distilled row itself."""
    steps: float
    """Mean training steps chosen on validation users."""
    seconds: float
    """Mean seconds to train one student."""
    decays: tuple[float, ...] = ()
    """Of each student on little data the multiple of the distillation's weight decay that validation users chose."""


class StudentTable(BaseModel):
    """The rows of one student architecture; percentages are of its own full data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    student: Kind
    rows: tuple[Row, ...]

    def row(self, name: RowName) -> Row | None:
        return next((row for row in self.rows if row.name == name), None)


class Evaluation(BaseModel):
    """The table and the protocol it was made under."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[Row, ...]
    """Of the first student."""
    student: Kind = "sasrec"
    """Architecture of `rows`; version 0.1 knew no other."""
    teacher: Kind = "sasrec"
    """Architecture that was distilled with."""
    others: tuple[StudentTable, ...] = ()
    """Other architectures, each with the rows full and distilled."""
    test_users: int
    validation_users: int
    masked_seen: bool
    seeds: int
    full_sequences: int
    full_events: int
    stored_numbers: int
    """Floats in Z and M together."""
    decays: tuple[float, ...] = (1.0,)
    """Multiples of the weight decay between which validation users chose, for every row but full data."""
    other_decays: tuple[float, ...] | None = None
    """The same for architectures that were not distilled with; None in older files, where `decays` held for all."""
    task: Task = "recommendation"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of this table, the first the one to look at first."""
        return METRICS[self.task]

    @property
    def tables(self) -> tuple[StudentTable, ...]:
        """One table a student architecture, the first student's first."""
        return (StudentTable(student=self.student, rows=self.rows), *self.others)

    @property
    def baselines(self) -> str:
        """What the rows beside full and distilled data are, as one sentence."""
        known = [f"{LABELS[row.name]}: {MEANINGS[row.name]}" for row in self.rows if row.name in MEANINGS]
        return f"{'; '.join(known)}."

    @property
    def chosen_decay(self) -> str:
        """That weight decay was chosen, as sentences with a blank before them; empty where there was no choice."""
        whose: dict[tuple[float, ...], list[str]] = {}
        for table in self.tables:
            whose.setdefault(self._decays_of(table.student), []).append(KIND_LABELS[table.student])
        said = [
            _choice(factors, f"{' or '.join(names)} student" if len(whose) > 1 else "student")
            for factors, names in whose.items()
            if len(factors) > 1
        ]
        return " ".join(["", *said, "Full data keep their own."]) if said else ""

    def _decays_of(self, student: Kind) -> tuple[float, ...]:
        others = self.decays if self.other_decays is None else self.other_decays
        return self.decays if student == self.teacher else others

    @property
    def labelled(self) -> tuple[tuple[str, Row], ...]:
        """All rows with their names: those of the first student, then of every other one."""
        first = [(LABELS[row.name], row) for row in self.rows]
        others = [
            (f"{KIND_LABELS[table.student]}, {LABELS[row.name].lower()}", row)
            for table in self.others
            for row in table.rows
        ]
        return (*first, *others)

    def row(self, name: RowName) -> Row | None:
        """A row of the first student."""
        return self.tables[0].row(name)


def _choice(factors: tuple[float, ...], student: str) -> str:
    """Between which weight decays validation chose for such a student, as a sentence."""
    return (
        f"Each {student} on distilled data or on as much real data was trained with "
        f"{', '.join(f'{one:g}' for one in factors)} times the weight decay of the distillation; validation data chose."
    )


class Recovery(BaseModel):
    """Planted data only: what was put in against what was found.

    adjusted_rand   of k-means clusters of the items' columns of M against the planted groups: 1 equal, about 0 chance
    table           items by cluster (rows, ordered by their largest group) and planted group (columns)
    best            HR@k of the Bayes-optimal ranking, in expectation over sequences: no model can beat it on average
    """

    model_config = ConfigDict(frozen=True)

    adjusted_rand: float
    groups: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    best: dict[Metric, float]
