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
    def of(cls, params: Mapping[str, Tensor]) -> "Layout":
        kinds = {(tensor.dtype, tensor.device) for tensor in params.values()}
        if len(kinds) != 1:
            raise ConfigError(f"params mix {sorted(map(str, kinds))}: they must share one dtype and one device")
        return cls({name: tensor.shape for name, tensor in params.items()})

    def flatten(self, params: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([params[name].detach().reshape(-1) for name in self.shapes])

    def views(self, theta: Tensor) -> Tensors:
        """Named views of theta [n]; differentiable."""
        parts = torch.split(theta, [shape.numel() for shape in self.shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}
