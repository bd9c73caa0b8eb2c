"""Tensors and the JSON values that belong to them in one safetensors file: no code inside, no pickle, nothing infinite.

The checksum of the file stands in the run's manifest (`runs.folder`).
"""

import json
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from farzi_core.errors import StoreError
from farzi_core.recorder import Meta, Saved

_META = "meta"


def pack(what: str, tensors: Mapping[str, Tensor], meta: Meta) -> bytes:
    """The bytes of a file; `what` names it in errors. Raises `StoreError` for values that are not finite."""
    plain = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    for name, tensor in plain.items():
        if (tensor.is_floating_point() or tensor.is_complex()) and not bool(torch.isfinite(tensor).all()):
            bad = int((~torch.isfinite(tensor)).sum())
            raise StoreError(
                f"{what} was not written: {bad:,} of {tensor.numel():,} values of {name!r} are not finite; "
                "the one before is kept. Lower outer.lr or inner.lr"
            )
    try:
        text = json.dumps(meta, allow_nan=False)
    except ValueError:
        raise StoreError(f"{what} was not written: a number beside the tensors is not finite") from None
    return safetensors.torch.save(plain, {_META: text})


def unpack(what: str, content: bytes) -> Saved:
    """What `pack` was given; raises `StoreError` if the bytes are no such file."""
    try:
        length = int.from_bytes(content[:8], "little")
        header: dict[str, Any] = json.loads(content[8 : 8 + length])
        meta = json.loads(header["__metadata__"][_META])
        # Copies: what safetensors returns starts anywhere in `content`, and matrix products on memory that is aligned
        # otherwise than in the unbroken run differ in the last bit
        return Saved({name: tensor.clone() for name, tensor in safetensors.torch.load(content).items()}, meta)
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise StoreError(f"{what} is not a file of this program: {type(error).__name__}") from None
