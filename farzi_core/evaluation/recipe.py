"""The optimisers that students are trained with: on synthetic data, in the inner loop too, and on real sequences."""

from dataclasses import dataclass

from farzi_core.config import RunConfig
from farzi_core.distill.adam import Adam
from farzi_core.distill.sgd import SGD
from farzi_core.sections import Schedule


def teacher_adam(config: RunConfig, steps: int) -> Adam:
    """The optimiser of training on real data that takes `steps` steps."""
    teacher = config.teacher
    rate = _scheduled(teacher.lr_of(config.model.kind), teacher.schedule, steps)
    return Adam(rate, weight_decay=teacher.weight_decay)


def inner_optimizer(config: RunConfig) -> Adam | SGD:
    """The optimiser of the inner loop and of every student on synthetic data."""
    inner = config.inner
    rate = _scheduled(inner.lr, inner.schedule, inner.lifetime)
    if inner.optimizer == "sgd":
        return SGD(rate, inner.momentum, weight_decay=inner.weight_decay)
    return Adam(rate, (inner.beta1, inner.beta2), inner.eps, weight_decay=inner.weight_decay)


def _scheduled(lr: float, schedule: Schedule, steps: int) -> "float | LinearRate":
    return lr if schedule == "constant" else LinearRate(lr, steps)


@dataclass(frozen=True)
class LinearRate:
    """A schedule: up to lr over the first tenth of `steps`, then down to zero at the end."""

    lr: float
    steps: int

    def __call__(self, step: int) -> float:
        """The step size at `step`, counted from 0."""
        warm = max(1, self.steps // 10)
        return self.lr * max(0.0, min((step + 1) / warm, (self.steps - step) / max(1, self.steps - warm)))
