"""The sections of `RunConfig` on what is there before and around a distillation: 1 to 3 and 10."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from farzi_core.limits import MIN_EVENTS_PER_USER
from farzi_core.sections import Kind, Schedule, Section


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
