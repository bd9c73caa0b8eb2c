"""One outer step: the meta-gradient of a few students' next windows, averaged, and Adam's update of Z and M.

How students begin and train is `flight`'s matter, what they are held against that of an `objective`.

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
from farzi_core.distill.flight import Flight, Runner
from farzi_core.distill.layout import Tensors
from farzi_core.distill.objective import objective_of
from farzi_core.distill.ranks import Alone, Ranks
from farzi_core.distill.synthetic import Synthetic
from farzi_core.distill.windows import NO_ROW, Found, StepReport, Window, is_finite, row_of, step_report, window_of
from farzi_core.limits import MAX_DENSE_NUMBERS
from farzi_core.parallel import map_threads
from farzi_core.seeds import stream
from farzi_core.teacher.ensemble import NO_TEACHERS
from farzi_core.teacher.omega import Omega


@dataclass(frozen=True)
class OuterState:
    """What an outer step turns into the next: Z and M with Adam's moments, the students, and the step count."""

    synthetic: Synthetic
    latent_moments: Moments
    decoder_moments: Moments
    runners: tuple[Runner, ...]
    step: int = 0


class OuterProblem:
    """Everything that stays the same during a run: the settings, what students share, and the objective."""

    def __init__(
        self,
        config: RunConfig,
        train: Sequences,
        items: int,
        omega: Tensor,
        device: torch.device,
        ranks: Ranks = Alone(),  # noqa: B008 - it has no state
        teachers: Tensor = NO_TEACHERS,
    ) -> None:
        """`omega` are the states of `Omega`, `teachers` [E, n] the weights of `Ensemble`."""
        self.config, self.device, self.ranks = config, device, ranks
        self.flight = Flight(config, train, items, Omega(omega), device)
        self.objective = objective_of(self.flight, teachers)

    def start(self, synthetic: Synthetic) -> OuterState:
        """The state before the first outer step: students of age 0, trained up to `first_age` when their turn comes."""
        synthetic = synthetic.to(self.device)
        runners = tuple(self.flight.new_runner(index) for index in range(self.config.inner.students))
        return OuterState(synthetic, Adam().init(synthetic.latent), Adam().init(synthetic.decoder), runners)

    def gathered(self, state: OuterState) -> OuterState:
        """`state` with the students of all ranks, for a checkpoint."""
        if self.ranks.size == 1:
            return state
        runners = []
        for slot, runner in enumerate(state.runners):
            mine = torch.cat([runner.theta, *runner.moments])
            whole = self.ranks.sum(mine if self.ranks.owns(slot) else torch.zeros_like(mine))
            theta, *moments = whole.chunk(1 + len(runner.moments))
            kept = self.flight.optimizer.init(theta)._make(one.clone() for one in moments)
            runners.append(Runner(theta.clone(), kept, runner.age))
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
            ended = window.age + self.config.inner.steps > max(self.objective.lifetime, self.config.inner.steps)
            if ended or not window.good:
                runners[slot] = self.flight.new_runner(slot, state.step + 1)
            elif slot in results:
                result = results[slot]
                runners[slot] = Runner(self.flight.layout.flatten(result.final_params), result.state, window.age)
            else:  # its weights live where it is trained; everyone knows its age
                runners[slot] = replace(runners[slot], age=window.age)
        return OuterState(synthetic, *moments, tuple(runners), state.step + 1), report

    def window(self, state: OuterState, slot: int, meta: Tensors) -> Found:
        """What the objective finds in one student's next T steps, with gradients by `meta_parameters`."""
        generator = stream(self.config.seed, "outer step", state.step, slot)
        synthetic = state.synthetic
        runner = self.flight.grown(state.runners[slot], self.first_age(state.step, slot), synthetic, meta, generator)
        return self.objective.window(runner, synthetic, meta, generator)

    def first_age(self, step: int, slot: int) -> int:
        """The age at which a student that is fresh at outer step `step` begins its first window: the burn-in; those of
        the run's first students, if staggered, are evenly spread over the windows of a life."""
        inner, students = self.config.inner, self.config.inner.students
        if not inner.staggered or step != slot // self.config.outer.starts:  # the step at which its slot first comes
            return self.config.burn_in
        windows = max(1, (self.objective.lifetime - self.config.burn_in) // inner.steps)
        return self.config.burn_in + slot * windows // students * inner.steps

    def _mean(
        self, state: OuterState, meta: Tensors, chosen: Sequence[int], results: Mapping[int, Found]
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
        begun = [max(state.runners[slot].age, self.first_age(state.step, slot)) for slot in chosen]
        ages = [age + self.config.inner.steps for age in begun]
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
    """What the inner loop is differentiated by: probs [mu, xi, V] (with labels [mu, 2, xi, V]), or Z and M where
    probs would not fit.

    The softmax is then passed once an outer step or, from Z and M, at every inner step in row chunks (`LatentRows`).
    """
    if synthetic.latent[..., 0].numel() * synthetic.decoder.shape[1] <= MAX_DENSE_NUMBERS:
        return {"probs": synthetic.probs()}
    return synthetic.tensors()


def latent_gradients(synthetic: Synthetic, meta: Tensors, grads: Tensors) -> tuple[Tensor, Tensor]:
    """d/dZ and d/dM [d, V] from gradients with respect to `meta`, which is `meta_parameters(synthetic)`."""
    if "probs" in meta:
        return synthetic.gradients(meta["probs"], grads["probs"])
    return grads["latent"], grads["decoder"]


def cosine(step: int, steps: int) -> float:
    """1 at the first step, 0 after the last, on half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))
