"""The synthetic data in the forms that students, and other programs, train on.

soft      the distribution of every position, rows [mu, xi, V]: what was distilled
argmax    the most probable item of every position, tokens [mu, xi]
sampled   `draws` sequences from each one, every position drawn by itself, tokens [draws mu, xi]: the distributions say
          nothing of how positions go together

With labels (`Synthetic`) there are two of each, in an axis of length 2 before that of positions.

Legend: mu sequences, xi positions, V items.
"""

import torch
from torch import Tensor

from farzi_core.sections import Form
from farzi_core.seeds import torch_stream


def rows_of(form: Form, probs: Tensor, draws: int, seed: int, student: int) -> Tensor:
    """What a student is trained on, from probs [mu, xi, V]. Draws follow from (seed, student) and are made on the CPU,
    so that every device has the same ones."""
    match form:
        case "soft":
            return probs
        case "argmax":
            return probs.argmax(-1)
        case "sampled":
            generator = torch_stream(seed, "sampled form", student)
            drawn = torch.multinomial(probs.flatten(0, -2).cpu(), draws, replacement=True, generator=generator)
            return drawn.view(*probs.shape[:-1], draws).movedim(-1, 0).flatten(0, 1)
