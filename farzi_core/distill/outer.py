"""One outer step: the meta-gradient of a few students' next windows, averaged, and Adam's update of Z and M.

A student is trained on synthetic data for `lifetime` steps in windows of T; each window is differentiated through all
of its steps (a moving window, as in RaT-BPTT, arXiv 2311.07025), and the student goes on where its window ended. So
every age is covered, and no step is spent on burn-in.

Legend: mu sequences, xi positions, V items, n weights of a student.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Sequences
from farzi_core.distill.adam import Adam, Moments
from farzi_core.distill.inner_loss import StudentCore, SyntheticLoss
from farzi_core.distill.layout import Layout, Tensors
from farzi_core.distill.ranks import Alone, Ranks
from farzi_core.distill.reverse import MetaGradient, adam_metagradient
from farzi_core.distill.rows import everything
from farzi_core.distill.synthetic import Synthetic
from farzi_core.distill.windows import NO_ROW, StepReport, Window, is_finite, row_of, step_report, window_of
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


class OuterProblem:
    """Everything that stays the same during a run: the data, the student, the settings and Omega."""

    def __init__(
        self,
        config: RunConfig,
        train: Sequences,
        items: int,
        omega: Tensor,
        device: torch.device,
        ranks: Ranks = Alone(),  # noqa: B008 - it has no state
    ) -> None:
        self.config, self.train, self.device, self.omega, self.ranks = config, train, device, omega, ranks
        self.model = build(config.model, items, config.synthetic.xi)
        self.adam = inner_adam(config)
        self.layout = Layout.of(self.model.init(torch_stream(0, "layout")))

    def start(self, synthetic: Synthetic) -> OuterState:
        """The state before the first outer step; all students start at age 0, in step."""
        latent, decoder = synthetic.latent.to(self.device), synthetic.decoder.to(self.device)
        synthetic = Synthetic(latent, decoder, synthetic.tau)
        runners = tuple(self.new_runner(index) for index in range(self.config.inner.students))
        return OuterState(synthetic, self.adam.init(latent), self.adam.init(decoder), runners)

    def new_runner(self, *indices: int) -> Runner:
        """A fresh student: random weights, or with probability `omega_share` a state of Omega."""
        chance = stream(self.config.seed, "runner", *indices)
        if len(self.omega) and chance.random() < self.config.inner.omega_share:
            theta = self.omega[int(chance.integers(len(self.omega)))]
            return Runner(theta, self.adam.init(theta), 0)
        return self.random_runner(*indices)

    def random_runner(self, *indices: int) -> Runner:
        """A fresh student with random weights."""
        weights = fresh(self.model, torch_stream(self.config.seed, "runner weights", *indices), self.device)
        theta = self.layout.flatten(weights)
        return Runner(theta, self.adam.init(theta), 0)

    def gathered(self, state: OuterState) -> OuterState:
        """`state` with the students of all ranks, for a checkpoint."""
        if self.ranks.size == 1:
            return state
        runners = []
        for slot, runner in enumerate(state.runners):
            mine = torch.cat([runner.theta, *runner.moments])
            whole = self.ranks.sum(mine if self.ranks.owns(slot) else torch.zeros_like(mine))
            theta, m, v = whole.chunk(3)
            runners.append(Runner(theta.clone(), Moments(m.clone(), v.clone()), runner.age))
        return replace(state, runners=tuple(runners))

    def advance(self, state: OuterState, lr_scale: float) -> tuple[OuterState, StepReport]:
        """One outer step. The result may be non-finite: the caller decides (`loop`)."""
        outer, students = self.config.outer, len(state.runners)
        meta = meta_parameters(state.synthetic)
        chosen = list(dict.fromkeys((state.step * outer.starts + i) % students for i in range(outer.starts)))
        mine = [slot for slot in chosen if self.ranks.owns(slot)]
        found = map_threads(lambda slot: self.window(state, slot, meta), mine, self.device)
        results = dict(zip(mine, found, strict=True))
        grads, windows = self._mean(state, meta, chosen, results)
        synthetic, report, moments = self._update(state, grads, windows, lr_scale)
        runners = list(state.runners)
        for slot, window in zip(chosen, windows, strict=True):
            ended = window.age + self.config.inner.steps > max(self.config.inner.lifetime, self.config.inner.steps)
            if ended or not window.good:
                runners[slot] = self.new_runner(slot, state.step + 1)
            elif slot in results:
                result = results[slot]
                runners[slot] = Runner(self.layout.flatten(result.final_params), result.state, window.age)
            else:  # its weights live where it is trained; everyone knows its age
                runners[slot] = replace(runners[slot], age=window.age)
        return OuterState(synthetic, *moments, tuple(runners), state.step + 1), report

    def window(self, state: OuterState, slot: int, meta: Tensors) -> MetaGradient[Moments]:
        """The meta-gradient of one student's next T steps with respect to `meta_parameters`."""
        config, runner, model = self.config, state.runners[slot], self.model
        generator = stream(config.seed, "outer step", state.step, slot)
        users = generator.choice(len(self.train), min(config.outer.batch, len(self.train)), replace=False)
        tokens = tokens_of(self.train, users, model.max_length, generator, self.device)
        mu, batch = state.synthetic.mu, config.inner.batch
        rows = [torch.from_numpy(generator.permutation(mu)[:batch]).to(self.device) for _ in range(config.inner.steps)]

        def of_step(t: int) -> Tensor:
            return rows[t - runner.age]

        return adam_metagradient(
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

    def _mean(
        self, state: OuterState, meta: Tensors, chosen: Sequence[int], results: Mapping[int, MetaGradient[Moments]]
    ) -> tuple[tuple[Tensor, Tensor], list[Window]]:
        """(dZ, dM) averaged over the finite windows of all ranks, and what every window measured: one all-reduce."""
        old = state.synthetic
        good = {slot: one for slot, one in results.items() if is_finite(one)}
        latent, decoder = torch.zeros_like(old.latent), torch.zeros_like(old.decoder)
        for one in good.values():  # in the order of slots, so that any number of ranks adds up the same numbers
            grad_latent, grad_decoder = latent_gradients(old, meta, one.grads)
            latent, decoder = latent + grad_latent, decoder + grad_decoder
        rows = [row_of(results[slot], slot in good) if slot in results else NO_ROW for slot in chosen]
        table = torch.tensor(rows, dtype=latent.dtype, device=latent.device)
        parts = self.ranks.sum(torch.cat([latent.flatten(), decoder.flatten(), table.flatten()]))
        sizes = [latent.numel(), decoder.numel(), table.numel()]
        latent_sum, decoder_sum, measured = torch.split(parts, sizes)
        ages = [state.runners[slot].age + self.config.inner.steps for slot in chosen]
        windows = [window_of(age, row) for age, row in zip(ages, measured.view_as(table).tolist(), strict=True)]
        count = max(1, sum(window.good for window in windows))
        return (latent_sum.view_as(latent) / count, decoder_sum.view_as(decoder) / count), windows

    def _update(
        self, state: OuterState, grads: tuple[Tensor, Tensor], windows: list[Window], lr_scale: float
    ) -> tuple[Synthetic, StepReport, tuple[Moments, Moments]]:
        """Clip, then one Adam step of Z and one of M with the cosine schedule."""
        outer, old = self.config.outer, state.synthetic
        norm = float(torch.sqrt(grads[0].square().sum() + grads[1].square().sum()))
        clip = min(1.0, outer.clip / norm) if norm > 0 else 1.0
        lr = lr_scale * outer.lr * cosine(state.step, outer.steps)
        adam = Adam(lr)
        latent, latent_moments = adam.step(old.latent, grads[0] * clip, state.latent_moments, state.step)
        decoder, decoder_moments = adam.step(old.decoder, grads[1] * clip, state.decoder_moments, state.step)
        return (
            replace(old, latent=latent, decoder=decoder),
            step_report(windows, norm, lr),
            (latent_moments, decoder_moments),
        )


def meta_parameters(synthetic: Synthetic) -> Tensors:
    """What the inner loop is differentiated by: probs [mu, xi, V], or Z and M where probs would not fit.

    The softmax is then passed once an outer step or, from Z and M, at every inner step in row chunks (`LatentRows`).
    """
    if synthetic.mu * synthetic.xi * synthetic.decoder.shape[1] <= MAX_DENSE_NUMBERS:
        return {"probs": synthetic.probs()}
    return {"latent": synthetic.latent, "decoder": synthetic.decoder}


def latent_gradients(synthetic: Synthetic, meta: Tensors, grads: Tensors) -> tuple[Tensor, Tensor]:
    """d/dZ [mu, xi, d] and d/dM [d, V] from gradients with respect to `meta`, which is `meta_parameters(synthetic)`."""
    if "probs" in meta:
        return synthetic.gradients(meta["probs"], grads["probs"])
    return grads["latent"], grads["decoder"]


def cosine(step: int, steps: int) -> float:
    """1 at the first step, 0 after the last, on half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))
