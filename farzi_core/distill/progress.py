"""Where a distillation stands between two outer steps, and the same as tensors and JSON values of a checkpoint."""

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from farzi_core.distill.adam import Moments
from farzi_core.distill.flight import Flight, Runner
from farzi_core.distill.guard import Guard
from farzi_core.distill.outer import OuterState
from farzi_core.distill.synthetic import Synthetic
from farzi_core.distill.windows import StepReport
from farzi_core.recorder import Meta


@dataclass(frozen=True)
class Best:
    """The best snapshot so far, by what the task maximises on validation users (`Measures.selection`)."""

    synthetic: Synthetic
    step: int
    score: float
    student_steps: float


@dataclass(frozen=True)
class Progress:
    """A run after `state.step` outer steps."""

    state: OuterState
    good: OuterState  # the state of the last validation: where a roll-back goes
    best: Best
    guard: Guard = field(default_factory=Guard)
    lr_scale: float = 1.0
    rollbacks: int = 0
    recent: tuple[Synthetic, ...] = ()  # the last validated snapshots, as many as are averaged at the end

    def after(self, state: OuterState, report: StepReport) -> "Progress":
        """With a step that was taken."""
        return replace(self, state=state, guard=self.guard.after(report))

    def validated(self, best: Best, keep: int) -> "Progress":
        """With a validation of `state`, and the last `keep` snapshots if there is anything to average."""
        recent = (*self.recent, self.state.synthetic)[-keep:] if keep > 1 else ()
        return replace(self, good=self.state, best=best, recent=recent)

    def save(self) -> tuple[dict[str, Tensor], Meta]:
        """Everything `restore` needs: streams of random numbers have no state, so these tensors are all."""
        snapshots = {"best": self.best.synthetic} | {f"recent.{i}": one for i, one in enumerate(self.recent)}
        tensors = {f"{name}.latent": one.latent for name, one in snapshots.items()}
        tensors |= {f"{name}.decoder": one.decoder for name, one in snapshots.items()}
        tensors |= _pack("state", self.state) | _pack("good", self.good)
        best = {"step": self.best.step, "score": self.best.score, "student_steps": self.best.student_steps}
        meta: Meta = {
            "step": self.state.step, "good_step": self.good.step, "best": best, "lr_scale": self.lr_scale,
            "rollbacks": self.rollbacks, "guard": self.guard.meta(), "recent": len(self.recent),
            "ages": [runner.age for runner in self.state.runners],
            "good_ages": [runner.age for runner in self.good.runners],
        }  # fmt: skip
        return tensors, meta

    @classmethod
    def restore(cls, tensors: dict[str, Tensor], meta: dict[str, Any], flight: Flight) -> "Progress":
        """What `save` gave, on the run's device. An older checkpoint has no guard and no snapshots to average."""
        tensors = {name: tensor.to(flight.device) for name, tensor in tensors.items()}
        tau = flight.config.synthetic.tau

        def snapshot(name: str) -> Synthetic:
            return Synthetic(tensors[f"{name}.latent"], tensors[f"{name}.decoder"], tau)

        return cls(
            _unpack("state", tensors, meta["step"], meta["ages"], flight),
            _unpack("good", tensors, meta["good_step"], meta["good_ages"], flight),
            Best(snapshot("best"), **meta["best"]), Guard.of_meta(meta.get("guard", {})), meta["lr_scale"],
            meta["rollbacks"], tuple(snapshot(f"recent.{i}") for i in range(meta.get("recent", 0))),
        )  # fmt: skip


def _pack(prefix: str, state: OuterState) -> dict[str, Tensor]:
    packed = {
        **state.synthetic.tensors(),
        "latent.m": state.latent_moments.m, "latent.v": state.latent_moments.v,
        "decoder.m": state.decoder_moments.m, "decoder.v": state.decoder_moments.v,
        "theta": torch.stack([runner.theta for runner in state.runners]),
    }  # fmt: skip
    for name in state.runners[0].moments._fields:
        packed[f"theta.{name}"] = torch.stack([getattr(runner.moments, name) for runner in state.runners])
    return {f"{prefix}.{name}": tensor for name, tensor in packed.items()}


def _unpack(prefix: str, tensors: dict[str, Tensor], step: int, ages: list[int], flight: Flight) -> OuterState:
    part = {
        name.removeprefix(f"{prefix}."): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")
    }
    empty = flight.optimizer.init(part["theta"][0])
    runners = tuple(
        # aligned like those of an unbroken run
        Runner(part["theta"][i].clone(), empty._make(part[f"theta.{name}"][i].clone() for name in empty._fields), age)
        for i, age in enumerate(ages)
    )
    moments = (Moments(part["latent.m"], part["latent.v"]), Moments(part["decoder.m"], part["decoder.v"]))
    synthetic = Synthetic(part["latent"], part["decoder"], flight.config.synthetic.tau)
    return OuterState(synthetic, *moments, runners, step)
