"""The final table: one row a training set, one value a metric and seed. No torch: pages and exports read it too."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from farzi_core.config import Kind


class Metric(StrEnum):
    """Ranking metrics of the paper (appendix C.1), as fractions."""

    HR10 = "hr@10"
    HR100 = "hr@100"
    NDCG10 = "ndcg@10"
    NDCG100 = "ndcg@100"
    AUC = "auc"


class RowName(StrEnum):
    """What a student was trained on, or which rule ranked the items."""

    FULL = "full"
    DISTILLED = "distilled"
    RANDOM = "random_users"
    HEAD = "head_users"
    CORESET = "coreset"
    WINDOWS = "random_windows"
    POPULAR = "most_popular"
    MARKOV = "markov"


LABELS = {
    RowName.FULL: "Full data",
    RowName.DISTILLED: "Distilled",
    RowName.RANDOM: "Random users",
    RowName.HEAD: "Head users",
    RowName.CORESET: "Coreset",
    RowName.WINDOWS: "Random windows",
    RowName.POPULAR: "Most popular",
    RowName.MARKOV: "Markov",
}
MEANINGS = {
    RowName.RANDOM: "as many training users as there are synthetic sequences, drawn anew for every student",
    RowName.HEAD: "as many, those with the most events",
    RowName.CORESET: "as many, each the farthest in item counts from those before it (k-centre)",
    RowName.WINDOWS: "as many events as the synthetic data have, in real windows no longer than theirs",
    RowName.POPULAR: "items by their training counts",
    RowName.MARKOV: "items by how often they followed the last event in training",
}
KIND_LABELS: dict[Kind, str] = {"sasrec": "SASRec", "gru4rec": "GRU4Rec", "fmlp": "FMLP"}
METRIC_LABELS = {
    Metric.HR10: "HR@10",
    Metric.HR100: "HR@100",
    Metric.NDCG10: "nDCG@10",
    Metric.NDCG100: "nDCG@100",
    Metric.AUC: "AUC",
}


class Interval(BaseModel):
    """A 95 % interval; as fractions, or as differences of fractions."""

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

    @property
    def tables(self) -> tuple[StudentTable, ...]:
        """One table a student architecture, the first student's first."""
        return (StudentTable(student=self.student, rows=self.rows), *self.others)

    @property
    def baselines(self) -> str:
        """What the rows beside full and distilled data are, as one sentence."""
        known = [f"{LABELS[row.name]}: {MEANINGS[row.name]}" for row in self.rows if row.name in MEANINGS]
        return f"{'; '.join(known)}."

    def row(self, name: RowName) -> Row | None:
        """A row of the first student."""
        return self.tables[0].row(name)


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
