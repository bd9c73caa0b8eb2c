"""What a training step reads of the synthetic sequences: some of them whole, or short stretches of them.

Legend: mu sequences, xi positions, b stretches of L positions, F latents a position: 2 with labels, else 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from farzi_core.config import RunConfig
from farzi_core.data.dataset import IntArray


@dataclass(frozen=True)
class Stretches:
    """`batch` random ones a step of mu sequences, or of the stretches of `length` positions they are cut into.

    Each step cuts all sequences at the same random phase, so that a position begins a stretch at one step and is in its
    middle at another, and no step reads a position twice; where cuts are `fixed`, always at multiples of the length.
    """

    mu: int
    xi: int
    length: int
    batch: int
    faces: int
    fixed: bool = False

    @classmethod
    def of(cls, config: RunConfig, mu: int) -> "Stretches":
        """The configured ones of mu sequences."""
        synthetic, inner = config.synthetic, config.inner
        return cls(mu, synthetic.xi, config.stretch, inner.batch, synthetic.faces, inner.cuts == "fixed")

    @property
    def last_phase(self) -> int:
        """The latest position a first stretch may begin at."""
        return 0 if self.fixed else min(self.length - 1, self.xi - self.length)

    @property
    def size(self) -> int:
        """b: as many at every phase."""
        return min(self.batch, self.mu * self._each(self.last_phase))

    @property
    def inputs(self) -> tuple[int, int]:
        """What a step reads and predicts from: b stretches, all positions with labels, else those before the last."""
        return self.size, self.length - (self.faces == 1)

    @property
    def everything(self) -> bool:
        """Whether every step reads all sequences whole."""
        return self.length == self.xi and self.batch >= self.mu

    @property
    def cuts(self) -> Iterator[IntArray]:
        """Positions [stretches, L] of a sequence, cut at each phase in turn; each position is in at least one cut where
        xi is a multiple of L or cuts are not fixed."""
        for phase in range(self.last_phase + 1):
            each = self._each(phase)
            yield phase + np.arange(each * self.length).reshape(each, self.length)

    def draw(self, generator: np.random.Generator) -> IntArray:
        """Indices of sequences [b] where they are read whole, else of positions [b, L], or [b, 2, L] with labels:
        place (row F + face) xi + place of Z."""
        if self.length == self.xi:
            return generator.permutation(self.mu)[: self.batch]
        phase = int(generator.integers(self.last_phase + 1))
        each = self._each(phase)
        row, place = np.divmod(generator.permutation(self.mu * each)[: self.size], each)
        first = row * self.faces * self.xi + phase + place * self.length
        positions: IntArray = first[:, None, None] + np.arange(self.faces)[:, None] * self.xi + np.arange(self.length)
        return positions[:, 0] if self.faces == 1 else positions

    def _each(self, phase: int) -> int:
        """Whole stretches of one sequence that is cut from `phase` on."""
        return (self.xi - phase) // self.length
