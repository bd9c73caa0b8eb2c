"""Named random streams without state: the same (seed, name, indices) is the same stream; resume needs no RNG state."""

import zlib

import numpy as np
import torch


def stream(seed: int, name: str, *indices: int) -> np.random.Generator:
    """A numpy generator for one purpose, for example `stream(0, "outer batch", step)`."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), *indices])


def torch_stream(seed: int, name: str, *indices: int) -> torch.Generator:
    """The same for torch, on the CPU: weights are drawn there and moved, so that every device starts alike."""
    return torch.Generator().manual_seed(int(stream(seed, name, *indices).integers(2**63 - 1)))
