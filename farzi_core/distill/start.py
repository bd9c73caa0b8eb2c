"""Where Z and M start: from the data, because from random numbers a run sits at popularity level for hundreds of steps.

M's first row is the centred log popularity; the others are the leading right singular vectors of the shifted positive
PMI of neighbouring events. Z holds those coordinates of real windows, plus a one for the popularity row; the scale of
the coordinates, in logits, is the sharpness of the start. Labels of their own start as the next positions of rows that
are one longer.

Legend: mu sequences, xi positions, d latent factors, V items, W candidate windows.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import coo_array, csr_array
from sklearn.cluster import MiniBatchKMeans
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils.extmath import randomized_svd

from farzi_core.data.batches import IGNORED, windows
from farzi_core.data.dataset import IntArray, Sequences
from farzi_core.data.pairs import pair_counts
from farzi_core.device import CPU
from farzi_core.distill.matching import matched
from farzi_core.distill.synthetic import Synthetic
from farzi_core.sections import SyntheticConfig
from farzi_core.seeds import stream, torch_stream

Floats = npt.NDArray[np.float64]
CANDIDATE_NUMBERS = 1 << 25  # coordinates of the windows that medoids are chosen from: 256 MB in float64


def neighbours(train: Sequences, items: int, reach: int) -> csr_array:
    """Counts [V, V], sparse, of item b within `reach` events after item a; nearer pairs weigh more (1 / distance)."""
    return sum((pair_counts(train, items, k) / k for k in range(1, reach + 1)), csr_array((items, items)))


def coordinates(train: Sequences, items: int, factors: int, seed: int) -> Floats:
    """Item coordinates [V, factors], columns of unit variance, most informative first."""
    if factors == 0:
        return np.zeros((items, 0))
    counts = neighbours(train, items, reach=3)
    both = (counts + counts.T).tocoo()
    margin = both.sum(1)
    pmi = np.log(both.data * both.sum() / (margin[both.row] * margin[both.col]))
    positive = coo_array((np.maximum(pmi, 0), both.coords), shape=both.shape).tocsr()
    left, values, _ = randomized_svd(positive, n_components=min(factors, items), random_state=seed)
    result = np.zeros((items, factors))
    result[:, : left.shape[1]] = left * np.sqrt(values)
    return result / max(float(np.linalg.norm(result, axis=1).mean()), 1e-9)


def initial(
    train: Sequences,
    items: int,
    config: SyntheticConfig,
    seed: int,
    device: torch.device = CPU,
    between: Callable[[], None] = lambda: None,
) -> Synthetic:
    """Z and M before the first outer step, on the CPU, by the rule `config.start`. A fit computes on `device` and calls
    `between` before each of its steps: what that raises ends it."""
    if not config.labelled:
        return _rows(train, items, config, seed, device, between)
    longer = _rows(train, items, config.model_copy(update={"xi": config.xi + 1}), seed, device, between)
    return replace(longer, latent=torch.stack([longer.latent[:, :-1], longer.latent[:, 1:]], 1))


def _rows(
    train: Sequences, items: int, config: SyntheticConfig, seed: int, device: torch.device, between: Callable[[], None]
) -> Synthetic:
    """The start without labels."""
    if config.start == "random":
        generator = torch_stream(seed, "random start")
        latent = torch.randn(config.mu, config.xi, config.d, generator=generator)
        decoder = torch.randn(config.d, items, generator=generator)
        return Synthetic(latent, decoder / config.d**0.5, config.tau)
    start = from_windows(train, items, config, seed)
    if config.start != "matched":
        return start
    return matched(start.to(device), train, items, config.start_steps, between).to(CPU)


def from_windows(train: Sequences, items: int, config: SyntheticConfig, seed: int) -> Synthetic:
    """Windows of real sequences in item coordinates."""
    factors = coordinates(train, items, config.d - 1, seed)
    count = config.mu if config.start_windows == "random" else _candidates(train, config)
    tokens = laid_windows(train, count, config.xi, stream(seed, "start windows"))
    if config.start_windows == "medoids":
        tokens = medoids(tokens, factors, config.mu, seed)
    return factored(tokens, factors, train, config)


def factored(tokens: IntArray, factors: Floats, train: Sequences, config: SyntheticConfig) -> Synthetic:
    """Tokens [mu, ...] in item coordinates [V, d - 1]; logits are divided by tau, so tau does not change the start."""
    counts = np.bincount(train.items, minlength=len(factors)) + 1.0
    popularity = np.log(counts) - np.log(counts).mean()
    latent = np.concatenate([np.ones((*tokens.shape, 1)), config.start_scale * factors[tokens]], -1)
    decoder = config.tau * np.concatenate([popularity[None], config.start_scale * factors.T])
    return Synthetic(torch.tensor(latent).float(), torch.tensor(decoder).float(), config.tau)


def medoids(candidates: IntArray, factors: Floats, mu: int, seed: int) -> IntArray:
    """The windows [mu, xi] of `candidates` [W, xi] nearest to the centres of k-means with mu clusters, by the
    coordinates of their items [V, d - 1] side by side: windows that stand for many others, and are unlike each other.

    With no more windows than mu every one is taken, some twice. Cost: W mu xi d a pass of k-means.
    """
    if len(candidates) <= mu:
        return np.resize(candidates, (mu, candidates.shape[1]))
    places = factors[candidates].reshape(len(candidates), -1)
    fitted = MiniBatchKMeans(mu, random_state=seed, n_init=1, batch_size=4096).fit(places)
    nearest: IntArray = pairwise_distances_argmin(fitted.cluster_centers_, places)
    return candidates[nearest]


def laid_windows(train: Sequences, rows: int, xi: int, generator: np.random.Generator) -> IntArray:
    """Real tokens [rows, xi] without gaps: windows of random sequences laid end to end and cut into rows of xi."""
    need = rows * xi
    order = np.resize(generator.permutation(len(train)), need)  # every sequence holds at least one event
    enough = np.searchsorted(np.cumsum(np.minimum(train.lengths[order], xi)), need) + 1
    tokens = windows(train, order[:enough], xi, generator)
    laid: IntArray = tokens[tokens != IGNORED][:need]
    return laid.reshape(rows, xi)


def _candidates(train: Sequences, config: SyntheticConfig) -> int:
    """W: as many windows as the data have, within `CANDIDATE_NUMBERS`, and never fewer than mu."""
    most = CANDIDATE_NUMBERS // (config.xi * config.d)
    return max(config.mu, min(len(train.items) // config.xi, most))
