"""The result of a run, read lazily from its folder (docs/run-folder.md). No torch: pages hold these objects.

A file counts only if the manifest lists it with the checksum it has. Legend: mu synthetic sequences of xi events, d
latent factors, V items; X = softmax(Z M / tau).
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
import safetensors
import safetensors.numpy
from pydantic import BaseModel, ValidationError

from farzi_core.config import RunConfig
from farzi_core.data.dataset import DatasetInfo, Task
from farzi_core.data.tokenise import Tokeniser, parse
from farzi_core.errors import DatasetError, StoreError
from farzi_core.evaluation.report import Evaluation, Recovery
from farzi_core.runs import files, manifest, migrate
from farzi_core.runs.run import read_config
from farzi_core.views import text

Model = TypeVar("Model", bound=BaseModel)
Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]

SYNTHETIC, MAPS = "result/synthetic.safetensors", "result/maps.safetensors"
VOCAB, CURVES, NEAREST = "result/vocab.parquet", "result/curves.parquet", "result/nearest.parquet"
TOKENISER = "result/tokeniser.json"  # of a text
DATASET, EVALUATION, MEMORISATION = "result/dataset.json", "result/evaluation.json", "result/memorisation.json"
SNAPSHOTS = "snapshots"  # a folder, there while the run works
COVERAGE = "result/coverage.parquet"  # absent in runs of version 0.1
STUDENTS = "result/students.safetensors"  # small ones; absent in runs of older versions
RECOVERY = "result/recovery.json"  # planted data only; absent in runs of version 0.1
_AGAIN = "Duplicate the run and start it again."
CHUNK_NUMBERS = 250_000  # probabilities held at once: 2 MB as float64, which stays in the cache of a processor


@dataclass(frozen=True)
class Synthetic:
    """The synthetic data in its stored form; probabilities are made where they are needed."""

    latent: Array  # Z [mu, xi, d] float32: what is read
    decoder: Array  # M [d, V] float32
    tau: float
    label_latent: Array | None = None  # of runs whose positions have labels of their own: Z of those [mu, xi, d]

    @classmethod
    def of(cls, latent: Array, decoder: Array, tau: float) -> "Synthetic":
        """From Z as runs keep it: [mu, xi, d], or [mu, 2, xi, d] with labels."""
        return cls(latent, decoder, tau) if latent.ndim == 3 else cls(latent[:, 0], decoder, tau, latent[:, 1])

    @property
    def wanted(self) -> "Synthetic | None":
        """The labels, to be looked at as what is read is looked at; None where the next position is what is wanted."""
        return None if self.label_latent is None else Synthetic(self.label_latent, self.decoder, self.tau)

    @property
    def mu(self) -> int:
        return int(self.latent.shape[0])

    @property
    def xi(self) -> int:
        return int(self.latent.shape[1])

    @property
    def items(self) -> int:
        return int(self.decoder.shape[1])

    def probs(self, first: int, last: int | None = None) -> Float64:
        """X[first:last] as [n, xi, V], softmax in float64; `last` defaults to the one sequence at `first`."""
        logits = self._rows(first, last).astype(np.float64) @ self.decoder.astype(np.float64) / self.tau
        probs: Float64 = _softmax(logits)
        return probs

    def quick_probs(self, first: int, last: int | None = None) -> Float32:
        """`probs` in float32, for pictures of many items: a relative error below 1e-4, half the time or less."""
        rows = self._rows(first, last).reshape(-1, self.latent.shape[2]).astype(np.float32)
        flat = (rows / np.float32(self.tau)) @ self.decoder.astype(np.float32, copy=False)  # one large product
        probs: Float32 = _softmax(flat.reshape(-1, self.xi, self.items))
        return probs

    def _rows(self, first: int, last: int | None) -> Array:
        return self.latent[first : first + 1 if last is None else last]

    def chunks(self) -> Iterator[tuple[int, Float64]]:
        """(index of the first sequence, X of a few sequences) over all mu, in bounded memory."""
        for part in self.parts():
            yield part.start, self.probs(part.start, part.stop)

    def parts(self) -> Iterator[slice]:
        """All mu sequences, a few at a time, so that their X stays small."""
        size = max(1, CHUNK_NUMBERS // (self.xi * self.items))
        for first in range(0, self.mu, size):
            yield slice(first, min(first + size, self.mu))


def _softmax(logits: Any) -> Any:
    """Over the last axis, in place, in the precision of `logits`."""
    logits -= logits.max(axis=-1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=-1, keepdims=True)
    return logits


class RunView:
    """One run's result. Each property reads its file once; damage and absence raise `StoreError` with the next step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, name: str) -> bool:
        """Is the file committed? A running, failed or early stopped run lacks some or all results."""
        return name in self._files

    @cached_property
    def config(self) -> RunConfig:
        return read_config(self.folder)

    @cached_property
    def info(self) -> DatasetInfo:
        return _parse(DatasetInfo, self.read(DATASET), self._where(DATASET))

    @cached_property
    def task(self) -> Task:
        """What kind of data it was distilled from."""
        return self.info.task

    @cached_property
    def tokeniser(self) -> Tokeniser | None:
        """How text became items; None for events."""
        if not self.has(TOKENISER):
            return None
        try:
            return parse(self.read(TOKENISER).decode("utf-8", errors="replace"))
        except DatasetError as error:
            raise StoreError(f"{self._where(TOKENISER)}: {error}") from None

    @cached_property
    def evaluation(self) -> Evaluation:
        return _parse(Evaluation, self.read(EVALUATION), self._where(EVALUATION))

    @cached_property
    def recovery(self) -> Recovery:
        return _parse(Recovery, self.read(RECOVERY), self._where(RECOVERY))

    @cached_property
    def memorisation(self) -> dict[str, Any]:
        """`synthetic`, `argmax`, `heldout`: distances to the nearest training window; `length` and counts."""
        values: dict[str, Any] = json.loads(self.read(MEMORISATION))
        return values

    @cached_property
    def vocab(self) -> pd.DataFrame:
        """item, title, group, count; the row number is the internal id. Titles and groups are made `visible`."""
        frame = self._table(VOCAB, ("item", "title", "group", "count"))
        return frame.assign(title=frame["title"].map(text.visible), group=frame["group"].map(text.visible))

    @cached_property
    def curves(self) -> pd.DataFrame:
        """row, seed, step, seconds, metric, value."""
        return self._table(CURVES, ("row", "seed", "step", "seconds", "metric", "value"))

    @cached_property
    def nearest(self) -> pd.DataFrame:
        """synthetic, rank, user, offset, distance, items."""
        return self._table(NEAREST, ("synthetic", "rank", "user", "offset", "distance", "items"))

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """user, synthetic, offset, distance, reference, items: which synthetic sequence stands for which real one."""
        frame = self._table(COVERAGE, ("user", "synthetic", "offset", "distance", "reference", "items"))
        known = bool(frame["synthetic"].between(0, self.synthetic.mu - 1).all())
        self._check(COVERAGE, known, "names synthetic sequences that there are not")
        return frame

    @cached_property
    def covered_windows(self) -> Array:
        """The items of `coverage` as one table [n, xi]; -1 beyond the ends of the real sequence."""
        lists = self.coverage["items"].tolist()
        self._check(COVERAGE, all(len(one) == self.synthetic.xi for one in lists), "has windows of another length")
        return np.array(lists, dtype=np.int64).reshape(len(lists), self.synthetic.xi)

    @cached_property
    def maps(self) -> dict[str, Array]:
        """pca [V, 2], tsne [V, 2], cluster [V], pca_variance [2]."""
        arrays = self._arrays(MAPS, ("pca", "tsne", "cluster", "pca_variance"))
        self._check(MAPS, len(arrays["pca"]) == len(self.vocab), "has another number of items than the vocabulary")
        return arrays

    @cached_property
    def synthetic(self) -> Synthetic:
        arrays = self._arrays(SYNTHETIC, ("latent", "decoder", "tau"))
        tau = arrays["tau"]
        self._check(SYNTHETIC, tau.size == 1 and bool(np.isfinite(tau).all()), "has no temperature")
        return self._fitting(SYNTHETIC, arrays, float(tau.ravel()[0]))

    @cached_property
    def snapshots(self) -> tuple[int, ...]:
        """Outer steps at which Z and M were kept, in order; a run that still works has those so far."""
        return tuple(sorted(int(Path(name).stem) for name in self._files if name.startswith(f"{SNAPSHOTS}/")))

    def snapshot(self, step: int) -> Synthetic:
        """Z and M as they were after `step` outer steps; read anew at each call."""
        name = f"{SNAPSHOTS}/{step:010d}.safetensors"
        return self._fitting(name, self._arrays(name, ("latent", "decoder")), self.config.synthetic.tau)

    def checksum(self, name: str) -> str:
        """SHA-256 of a committed file, as the manifest has it."""
        return self._files[name].sha256

    def read(self, name: str) -> bytes:
        """The bytes of a committed file, checked against the manifest."""
        if not self.has(name):
            raise StoreError(
                f"{self._where(name)} does not exist: the run ended before it was written. Resume the run."
            )
        record = self._files[name]
        content = files.read_bounded(self.folder / name, record.size)
        self._check(
            name, files.sha256(content) == record.sha256, "is damaged: its checksum is not that of the manifest"
        )
        return content

    @cached_property
    def _files(self) -> dict[str, manifest.FileRecord]:
        return migrate.read_manifest(self.folder).manifest.files

    def _fitting(self, name: str, arrays: dict[str, Array], tau: float) -> Synthetic:
        latent, decoder = arrays["latent"], arrays["decoder"]
        rows = latent.ndim == 3 or (latent.ndim == 4 and latent.shape[1] == 2)
        fits = rows and decoder.ndim == 2 and latent.shape[-1] == decoder.shape[0]
        self._check(name, fits, "has tensors whose shapes do not fit each other")
        finite = bool(np.isfinite(latent).all() and np.isfinite(decoder).all())
        self._check(name, finite, "holds a number that is not finite")
        known = not self.has(VOCAB) or decoder.shape[1] == len(self.vocab)
        self._check(name, known, "has another number of items than the vocabulary")
        return Synthetic.of(latent, decoder, tau)

    def _where(self, name: str) -> str:
        return f"{name} of run {self.folder.name}"

    def _check(self, name: str, good: bool, problem: str) -> None:
        if not good:
            raise StoreError(f"{self._where(name)} {problem}. {_AGAIN}")

    def _table(self, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        content = self.read(name)
        try:
            # not pandas.read_parquet: it loads Arrow's dataset libraries, 5 MB of the server's memory for nothing
            frame: pd.DataFrame = pq.ParquetFile(io.BytesIO(content)).read(list(columns), use_threads=False).to_pandas()
            return frame[list(columns)]
        except (OSError, ValueError, KeyError) as error:  # pyarrow's errors are ValueErrors
            raise StoreError(f"{self._where(name)} is not the expected table ({error}). {_AGAIN}") from None

    def _arrays(self, name: str, keys: tuple[str, ...]) -> dict[str, Array]:
        content = self.read(name)
        try:
            arrays = safetensors.numpy.load(content)
            return {key: arrays[key] for key in keys}
        except (safetensors.SafetensorError, KeyError) as error:
            raise StoreError(f"{self._where(name)} is not the expected file ({error}). {_AGAIN}") from None


def _parse(model: type[Model], content: bytes, where: str) -> Model:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise StoreError(
            f"{where} does not have the expected form ({error.error_count()} problems). {_AGAIN}"
        ) from None
