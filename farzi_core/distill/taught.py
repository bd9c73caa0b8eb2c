"""The taught start: labels of their own begin as what full-data models predict at the events of the start.

What is read at a position becomes its most likely event, or the event of a covering start; what is to be predicted
there, the teachers' prediction (the softmax of their mean scores), averaged over all the cuts into stretches that a
student may read it in (`stretches`), so that a teacher sees no more than the student will. Z and M are then fitted to
both. Soft labels of teachers on distilled inputs are those of Cui et al. 2022 (arXiv 2211.10586); here the
meta-gradient goes on from them (docs/method.md, section 7).

Cost: E teachers read mu xi events once a cut; then `FIT_STEPS` times three products of 2 mu xi x d x V.

Legend: E teachers, mu sequences, xi positions, L positions a stretch, d latent factors, V items.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset, Sequences
from farzi_core.device import CPU
from farzi_core.distill.covering import covering
from farzi_core.distill.start import coordinates, factored, initial, laid_windows
from farzi_core.distill.stretches import Stretches
from farzi_core.distill.synthetic import Synthetic
from farzi_core.seeds import stream
from farzi_core.teacher.ensemble import Ensemble

FIT_STEPS = 400  # Magazine, d = 32: KL of labels .20, .05, .02 after 100, 200, 400; seconds for some hundred items
LEARNING_RATE = 0.05
BLOCK_NUMBERS = 1 << 21  # probabilities of the fit that are held at a time: 8 MB stay near a core


def begin(
    config: RunConfig,
    dataset: Dataset,
    teachers: Tensor,
    device: torch.device = CPU,
    between: Callable[[], None] = lambda: None,
) -> Synthetic:
    """Z and M before the first outer step, on the CPU: the start by its rules, taught by `teachers` [E, n] where
    `synthetic.start_labels` says so. `between` is called before each step of a fit: what it raises ends it."""
    train, items, settings = dataset.part("train"), len(dataset.vocab), config.synthetic
    if settings.start == "covering":  # always taught
        chosen = covering(train, items, settings, config.stretch, config.seed, between)
        start = factored(chosen, coordinates(train, items, settings.d - 1, config.seed), train, settings)
        tokens = torch.from_numpy(chosen[:, 0])  # which need not be the most likely ones of few factors
    else:
        start = initial(train, items, settings, config.seed, device, between)
        if settings.start_labels == "next":
            return start
        tokens = start.read.probs().argmax(-1)
    models, tokens = Ensemble.of(config, items, teachers.to(device)), tokens.to(device)
    wanted = predictions(models, tokens, Stretches.of(config, start.mu), between)
    return fitted(start.to(device), tokens, wanted, between).to(CPU)


def windows(
    train: Sequences,
    teachers: Ensemble,
    stretches: Stretches,
    seed: int,
    draw: int,
    between: Callable[[], None] = lambda: None,
) -> Tensor:
    """The baseline of equal size: rows [mu, 2, xi, V] of real windows laid end to end and what the teachers predict
    behind each event, across the seams, too. The taught start on windows as they come: not chosen, fitted or
    distilled."""
    laid = laid_windows(train, stretches.mu, stretches.xi, stream(seed, "taught windows", draw))
    tokens = torch.from_numpy(laid).to(teachers.device)
    wanted = predictions(teachers, tokens, stretches, between)
    read = torch.zeros_like(wanted).scatter_(-1, tokens[..., None], 1)
    return torch.stack([read, wanted], 1)


@torch.no_grad()
def predictions(
    teachers: Ensemble, tokens: Tensor, stretches: Stretches, between: Callable[[], None] = lambda: None
) -> Tensor:
    """What the teachers predict behind each of tokens [mu, xi]: [mu, xi, V], the mean over the cuts that read it."""
    xi, items = tokens.shape[1], teachers.model.items
    total = torch.zeros(*tokens.shape, items, device=tokens.device)
    times = torch.zeros(xi, 1, device=tokens.device)
    some = max(1, BLOCK_NUMBERS // (xi * items))
    for places in stretches.cuts:
        inside = torch.from_numpy(places).to(tokens.device)
        for rows, said in zip(torch.split(tokens, some), torch.split(total, some), strict=True):
            between()
            told = teachers.behind(rows[:, inside].flatten(0, 1))
            said[:, inside.flatten()] += told.reshape(len(rows), -1, items)
        times[inside.flatten()] += 1
    return total.div_(times)


@torch.no_grad()
def fitted(start: Synthetic, tokens: Tensor, wanted: Tensor, between: Callable[[], None] = lambda: None) -> Synthetic:
    """`start` after `FIT_STEPS` Adam steps on the cross-entropy of what is read with tokens [mu, xi], and of what is to
    be predicted with wanted [mu, xi, V], in equal parts."""
    latent, decoder = start.latent.clone(), start.decoder.clone()
    optimiser = torch.optim.Adam([latent, decoder], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, FIT_STEPS)
    for _ in range(FIT_STEPS):
        between()
        latent.grad, decoder.grad = slopes(replace(start, latent=latent, decoder=decoder), tokens, wanted)
        optimiser.step()
        schedule.step()
    return replace(start, latent=latent, decoder=decoder)


def slopes(synthetic: Synthetic, tokens: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """d/dZ and d/dM of the mean over positions of both cross-entropies: of logits they are (X - target) / (mu xi).

    Some sequences at a time, so that X is never held as a whole.
    """
    count = tokens.numel() * synthetic.tau
    grad_latent, grad_decoder = torch.empty_like(synthetic.latent), torch.zeros_like(synthetic.decoder)
    some = max(1, BLOCK_NUMBERS // (2 * tokens.shape[1] * wanted.shape[-1]))
    parts = (torch.split(one, some) for one in (synthetic.latent, grad_latent, tokens, wanted))
    for latent, grad, read, label in zip(*parts, strict=True):
        off = replace(synthetic, latent=latent).probs()
        off[:, 1] -= label
        off[:, 0].scatter_add_(-1, read[..., None], off.new_full((*read.shape, 1), -1))
        grad.copy_(off @ synthetic.decoder.T / count)
        grad_decoder += latent.flatten(0, -2).T @ off.flatten(0, -2) / count
    return grad_latent, grad_decoder
