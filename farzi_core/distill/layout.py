"""Named tensors as one flat vector, and back as views: the engine works on vectors, losses on names."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from farzi_core.errors import ConfigError

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Layout:
    """How named tensors lie in one flat vector."""

    shapes: dict[str, torch.Size]

    @classmethod
    def of(cls, params: Mapping[str, Tensor], stacked: int | None = None) -> "Layout":
        """The layout of `params`, or of one of the `stacked` students whose weights lie along a first axis."""
        kinds = {(tensor.dtype, tensor.device) for tensor in params.values()}
        if len(kinds) != 1:
            raise ConfigError(f"params mix {sorted(map(str, kinds))}: they must share one dtype and one device")
        if stacked is None:
            return cls({name: tensor.shape for name, tensor in params.items()})
        for name, tensor in params.items():
            if tensor.shape[:1] != (stacked,):
                raise ConfigError(
                    f"params[{name!r}] has shape {list(tensor.shape)}: the first axis must be {stacked}, one entry for "
                    f"each outer loss"
                )
        return cls({name: tensor.shape[1:] for name, tensor in params.items()})

    def flatten(self, params: Mapping[str, Tensor]) -> Tensor:
        """theta [n], or [K, n] of K stacked students."""
        rows = [params[name].detach() for name in self.shapes]
        ahead = rows[0].shape[: rows[0].dim() - len(next(iter(self.shapes.values())))]
        return torch.cat([row.reshape(*ahead, -1) for row in rows], -1)

    def views(self, theta: Tensor) -> Tensors:
        """Named views of theta [n] or [K, n]; differentiable."""
        parts = torch.split(theta, [shape.numel() for shape in self.shapes.values()], -1)
        named = zip(self.shapes.items(), parts, strict=True)
        return {name: part.view(*theta.shape[:-1], *shape) for (name, shape), part in named}
