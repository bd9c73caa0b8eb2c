"""Synthetic data as a folder for other programs: safetensors, the vocabulary, and a card. Nothing in it needs Farzi.

    synthetic.safetensors   latent Z [mu, xi, d], decoder M [d, V], tau [1], float32: the data as they are stored; where
                            positions have labels of their own, label_latent [mu, xi, d], their Z
    probs.safetensors       probs [mu, xi, V], float16: softmax(Z M / tau), for programs that just want to train; and
                            labels [mu, xi, V], made of label_latent likewise
    vocab.parquet, vocab.csv   row number = internal id: item, title, group, count (CSV guarded against formulas)
    README.md               the card: provenance, licence of the source, how to load, figures, protocol, how it was made

The folder appears whole or not at all. Legend: mu sequences, xi positions, d latent factors, V items.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from safetensors.numpy import save_file

from farzi_core.config import RunConfig
from farzi_core.data.dataset import DatasetInfo
from farzi_core.errors import StoreError
from farzi_core.evaluation.report import Evaluation
from farzi_core.limits import MAX_EXPORTED_BYTES
from farzi_core.runs import atomic
from farzi_core.runs.run import Run
from farzi_core.views import card, export
from farzi_core.views.load import RunView, Synthetic
from farzi_core.views.origin import Origin

HALF = 2  # bytes of a float16


@dataclass(frozen=True)
class Package:
    """What a folder of Farzi data is made from. `vocab` has the columns item, title, group, count."""

    synthetic: Synthetic
    vocab: pd.DataFrame
    info: DatasetInfo
    evaluation: Evaluation
    config: RunConfig
    origin: Origin

    @classmethod
    def of_run(cls, view: RunView) -> "Package":
        """The result of a run; raises `StoreError` where there is none or it is damaged."""
        origin = Origin.of_run(Run(view.folder))
        return cls(view.synthetic, view.vocab, view.info, view.evaluation, view.config, origin)

    @property
    def has_probs(self) -> bool:
        """False where probs.safetensors would be larger than `MAX_EXPORTED_BYTES`."""
        synthetic = self.synthetic
        return self.config.synthetic.faces * synthetic.mu * synthetic.xi * synthetic.items * HALF <= MAX_EXPORTED_BYTES

    def save(self, folder: str | Path) -> Path:
        """Write the folder, which must not exist yet; raises `StoreError`."""
        final = Path(folder).absolute()
        if final.exists() or final.is_symlink():
            raise StoreError(f"{final} exists already; nothing is overwritten. Choose another folder, or remove it")
        try:
            temporary = atomic.temporary_folder(final)
            try:
                self._fill(temporary)
                atomic.commit_folder(temporary, final)
            finally:
                atomic.discard(temporary)
        except OSError as error:
            raise StoreError(f"{final} could not be written: {error.strerror or error}") from None
        return final

    def _fill(self, folder: Path) -> None:
        synthetic = self.synthetic
        save_file(tensors(synthetic), folder / "synthetic.safetensors")
        if self.has_probs:
            made = {"probs": _probs(synthetic)} | ({"labels": _probs(wanted)} if (wanted := synthetic.wanted) else {})
            save_file(made, folder / "probs.safetensors")
        (folder / "vocab.parquet").write_bytes(export.parquet(self.vocab))
        (folder / "vocab.csv").write_bytes(export.csv(self.vocab))
        text = card.card(synthetic, self.info, self.evaluation, self.config, self.origin, self.has_probs)
        (folder / "README.md").write_text(text, encoding="utf-8")


def tensors(synthetic: Synthetic) -> dict[str, npt.NDArray[np.float32]]:
    """What synthetic.safetensors holds."""
    arrays = {"latent": synthetic.latent, "decoder": synthetic.decoder, "tau": np.array([synthetic.tau])}
    arrays |= {} if synthetic.label_latent is None else {"label_latent": synthetic.label_latent}
    return {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}


def _probs(synthetic: Synthetic) -> npt.NDArray[np.float16]:
    """[mu, xi, V]."""
    probs = np.empty((synthetic.mu, synthetic.xi, synthetic.items), dtype=np.float16)
    for first, chunk in synthetic.chunks():
        probs[first : first + len(chunk)] = chunk
    return probs
