"""One outer step: the meta-gradient of a few students' next windows, averaged, and Adam's update of Z and M.

A student is trained on synthetic data for `lifetime` steps in windows of T; each window is differentiated through all
of its steps (a moving window, as in RaT-BPTT, arXiv 2311.07025), and the student goes on where its window ended. So
every age is covered, and no step is spent on burn-in.

Legend: mu sequences, xi positions, V items, n weights of a student.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Sequences
from farzi_core.distill.adam import Adam, Moments
from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.reverse import MetaGradient, adam_metagradient
from farzi_core.distill.rows import everything
from farzi_core.distill.synthetic import Synthetic
from farzi_core.evaluation.students import inner_adam
from farzi_core.limits import MAX_DENSE_NUMBERS
from farzi_core.models.losses import hard_loss, tables_of
from farzi_core.models.model import build
from farzi_core.parallel import map_threads
from farzi_core.seeds import stream, torch_stream
from farzi_core.teacher.train import fresh, tokens_of


@dataclass(frozen=True)
class Runner:
    """A student in flight: weights and moments [n], and the steps behind it."""

    theta: Tensor
    moments: Moments
    age: int


@dataclass(frozen=True)
class OuterState:
    """What an outer step turns into the next: Z and M with Adam's moments, the students, and the step count."""

    synthetic: Synthetic
    latent_moments: Moments
    decoder_moments: Moments
    runners: tuple[Runner, ...]
    step: int = 0


@dataclass(frozen=True)
class StepReport:
    """What one outer step measured: outer loss (nats an event), gradient norm before clipping, adjoint growth."""

    loss: float
    grad_norm: float
    growth: float
    lr: float

    def finite(self) -> bool:
        return all(value == value and abs(value) != float("inf") for value in (self.loss, self.grad_norm, self.growth))


class OuterProblem:
    """Everything that stays the same during a run: the data, the student, the settings and Omega."""

    def __init__(self, config: RunConfig, train: Sequences, items: int, omega: Tensor, device: torch.device) -> None:
        self.config, self.train, self.device, self.omega = config, train, device, omega
        self.model = build(config.model, items, config.synthetic.xi)
        self.adam = inner_adam(config)
        self.layout = Layout.of(self.model.init(torch_stream(0, "layout")))

    def start(self, synthetic: Synthetic) -> OuterState:
        """The state before the first outer step; students start at ages spread over the lifetime's windows."""
        latent, decoder = synthetic.latent.to(self.device), synthetic.decoder.to(self.device)
        synthetic = Synthetic(latent, decoder, synthetic.tau)
        runners = tuple(self.new_runner(index) for index in range(self.config.inner.students))
        return OuterState(synthetic, self.adam.init(latent), self.adam.init(decoder), runners)

    def new_runner(self, *indices: int) -> Runner:
        """A fresh student: random weights, or with probability `omega_share` a state of Omega."""
        chance = stream(self.config.seed, "runner", *indices)
        if len(self.omega) and chance.random() < self.config.inner.omega_share:
            theta = self.omega[int(chance.integers(len(self.omega)))]
        else:
            weights = fresh(self.model, torch_stream(self.config.seed, "runner weights", *indices), self.device)
            theta = self.layout.flatten(weights)
        return Runner(theta, self.adam.init(theta), 0)

    def advance(self, state: OuterState, lr_scale: float) -> tuple[OuterState, StepReport]:
        """One outer step. The result may be non-finite: the caller decides (`loop`)."""
        config = self.config
        meta = meta_parameters(state.synthetic)
        chosen = [(state.step * config.outer.starts + i) % len(state.runners) for i in range(config.outer.starts)]
        chosen = list(dict.fromkeys(chosen))
        results = map_threads(lambda slot: self._window(state, slot, meta), chosen, self.device)
        synthetic, report, moments = self._update(state, meta, [result for _, result in results], lr_scale)
        runners = list(state.runners)
        for slot, (runner, result) in zip(chosen, results, strict=True):
            age = runner.age + config.inner.steps
            ended = age + config.inner.steps > max(config.inner.lifetime, config.inner.steps)
            moved = Runner(self.layout.flatten(result.final_params), result.state, age)
            runners[slot] = self.new_runner(slot, state.step + 1) if ended else moved
        return OuterState(synthetic, *moments, tuple(runners), state.step + 1), report

    def _window(self, state: OuterState, slot: int, meta: Tensors) -> tuple[Runner, MetaGradient[Moments]]:
        """The meta-gradient of one student's next T steps with respect to `meta_parameters`."""
        config, runner, model = self.config, state.runners[slot], self.model
        generator = stream(config.seed, "outer step", state.step, slot)
        users = generator.choice(len(self.train), min(config.outer.batch, len(self.train)), replace=False)
        tokens = tokens_of(self.train, users, model.max_length, generator, self.device)
        mu, batch = state.synthetic.mu, config.inner.batch
        rows = [torch.from_numpy(generator.permutation(mu)[:batch]).to(self.device) for _ in range(config.inner.steps)]

        def of_step(t: int) -> Tensor:
            return rows[t - runner.age]

        result = adam_metagradient(
            SyntheticLoss(
                StudentCore(model, tables_of(self.layout.shapes)),
                state.synthetic.tau,
                of_step if batch < mu else everything,
            ),
            lambda weights: hard_loss(model, weights, tokens),
            self.layout.views(runner.theta),
            meta,
            steps=config.inner.steps,
            optimizer=self.adam,
            start_step=runner.age,
            state=runner.moments,
            memory="auto",
        )
        return runner, result

    def _update(
        self, state: OuterState, meta: Tensors, results: list[MetaGradient[Moments]], lr_scale: float
    ) -> tuple[Synthetic, StepReport, tuple[Moments, Moments]]:
        """Clip, then one Adam step of Z and one of M with the cosine schedule."""
        outer, old = self.config.outer, state.synthetic
        grads = {name: torch.stack([result.grads[name] for result in results]).mean(0) for name in meta}
        dense = "probs" in meta
        grad_latent, grad_decoder = (
            old.gradients(meta["probs"], grads["probs"]) if dense else (grads["latent"], grads["decoder"])
        )
        norm = float(torch.sqrt(grad_latent.square().sum() + grad_decoder.square().sum()))
        clip = min(1.0, outer.clip / norm) if norm > 0 else 1.0
        lr = lr_scale * outer.lr * cosine(state.step, outer.steps)
        adam = Adam(lr)
        latent, latent_moments = adam.step(old.latent, grad_latent * clip, state.latent_moments, state.step)
        decoder, decoder_moments = adam.step(old.decoder, grad_decoder * clip, state.decoder_moments, state.step)
        loss = sum(float(result.outer_value) for result in results) / len(results)
        report = StepReport(loss, norm, max(result.growth for result in results), lr)
        return replace(old, latent=latent, decoder=decoder), report, (latent_moments, decoder_moments)


def meta_parameters(synthetic: Synthetic) -> Tensors:
    """What the inner loop is differentiated by: probs [mu, xi, V], or Z and M where probs would not fit.

    The softmax is then passed once an outer step or, from Z and M, at every inner step in row chunks (`LatentRows`).
    """
    if synthetic.mu * synthetic.xi * synthetic.decoder.shape[1] <= MAX_DENSE_NUMBERS:
        return {"probs": synthetic.probs()}
    return {"latent": synthetic.latent, "decoder": synthetic.decoder}


def cosine(step: int, steps: int) -> float:
    """1 at the first step, 0 after the last, on half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))
