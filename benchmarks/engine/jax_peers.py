"""The same meta-gradient in JAX: lax.scan with a checkpoint a step, and with a MixFlow-style derivative (2505.00793).

MixFlow-style: the inner gradient's own derivative is the forward-over-reverse Hessian-vector product, the inner
gradients are saved, and everything else of a step is computed again.
"""

import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import jax
import jax.numpy as jnp
import numpy as np
import torch
from case import Case, Pair
from jax.ad_checkpoint import checkpoint_name

from farzi_core.distill.adam import Adam

Arrays = dict[str, Any]


def _norm(x: Any, weight: Any, bias: Any = 0.0) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * weight + bias


def _encode(w: Arrays, embedded: Any, layers: int, heads: int) -> Any:
    batch, length, width = embedded.shape
    x = embedded + w["position"][:length]
    mask = jnp.triu(jnp.full((length, length), -jnp.inf), 1)
    for layer in range(layers):
        y = (_norm(x, w[f"{layer}.norm1"]) @ w[f"{layer}.qkv"]).reshape(batch, length, 3, heads, -1)
        q, k, v = jnp.transpose(y, (2, 0, 3, 1, 4))
        scores = q @ jnp.swapaxes(k, -1, -2) / (width // heads) ** 0.5 + mask
        mixed = jnp.swapaxes(jax.nn.softmax(scores, -1) @ v, 1, 2).reshape(batch, length, width)
        x = x + mixed @ w[f"{layer}.out"]
        y = _norm(x, w[f"{layer}.norm2"]) @ w[f"{layer}.up"] + w[f"{layer}.up_bias"]
        x = x + jax.nn.gelu(y, approximate=False) @ w[f"{layer}.down"] + w[f"{layer}.down_bias"]
    return _norm(x, w["norm"], w["norm_bias"])


def _losses(case: Case) -> tuple[Callable[..., Any], Callable[..., Any]]:
    layers, heads, tokens = case.model.layers, case.model.heads, _array(case.tokens)

    def inner(w: Arrays, probs: Any) -> Any:
        hidden = _encode(w, (probs @ w["item"])[:, :-1], layers, heads)
        return -(jax.nn.log_softmax(hidden @ w["item"].T) * probs[:, 1:]).sum(-1).mean()

    def outer(w: Arrays) -> Any:
        hidden = _encode(w, w["item"][tokens[:, :-1]], layers, heads)
        scores = jax.nn.log_softmax(hidden @ w["item"].T)
        return -jnp.take_along_axis(scores, tokens[:, 1:, None], -1).mean()

    return inner, outer


def _symmetric(inner: Callable[..., Any]) -> Callable[..., Any]:
    """grad(inner) whose reverse derivative is the forward one: the Hessian is symmetric."""

    @jax.custom_vjp
    def gradient(w: Arrays, probs: Any) -> Any:
        return jax.grad(inner)(w, probs)

    def back(saved: Any, u: Any) -> Any:
        _, moved = jax.jvp(lambda w: jax.grad(inner, (0, 1))(w, saved[1]), (saved[0],), (u,))
        return moved

    gradient.defvjp(lambda w, probs: (gradient(w, probs), (w, probs)), back)
    return gradient


def _update(adam: Adam, carry: Any, g: Arrays) -> Any:
    (b1, b2), (w, m, v, t) = adam.betas, carry
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, g)
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, g)

    def moved(w: Any, m: Any, v: Any) -> Any:
        under = v / (1 - b2**t)
        root = jnp.where(under > 0, jnp.sqrt(jnp.where(under > 0, under, 1.0)), 0.0)
        return w - adam.rate(0) * (m / (1 - b1**t)) / (root + adam.eps)

    return jax.tree.map(moved, w, m, v), m, v, t + 1


def _trained(adam: Adam, inner: Callable[..., Any], steps: int, kind: str) -> Callable[..., Any]:
    gradient = _symmetric(inner) if kind == "mixflow" else jax.grad(inner)

    def trained(w: Arrays, probs: Any) -> Any:
        def one(carry: Any, _: Any) -> Any:
            g = jax.tree.map(lambda x: checkpoint_name(x, "g"), gradient(carry[0], probs))
            return _update(adam, carry, g), None

        policy = jax.checkpoint_policies.save_only_these_names("g") if kind == "mixflow" else None
        step = one if kind == "plain" else jax.checkpoint(one, policy=policy)
        zeros = jax.tree.map(jnp.zeros_like, w)
        return jax.lax.scan(step, (w, zeros, zeros, jnp.float32(1)), None, length=steps)[0][0]

    return trained


def measure(
    case: Case, steps: int, kind: str, clock: Callable[[], float] = time.process_time, repeats: int = 1
) -> tuple[Pair, float, float, int]:
    """Gradients, seconds of the meta-gradient and of plain training (compiled beforehand), and XLA's temporaries."""
    inner, outer = _losses(case)
    w = {name: _array(tensor) for name, tensor in case.weights.items()}
    z, m = _array(case.synthetic.latent), _array(case.synthetic.decoder)
    train = _trained(case.adam, inner, steps, kind)
    plain = (
        jax.jit(lambda w, z, m: _trained(case.adam, inner, steps, "plain")(w, jax.nn.softmax(z @ m)))
        .lower(w, z, m)
        .compile()
    )
    meta = jax.jit(jax.grad(lambda z, m, w: outer(train(w, jax.nn.softmax(z @ m))), (0, 1))).lower(z, m, w).compile()
    own = min(_timed(lambda: plain(w, z, m), clock)[0] for _ in range(repeats))
    seconds, found = min((_timed(lambda: meta(z, m, w), clock) for _ in range(repeats)), key=lambda one: one[0])
    pair = tuple(torch.from_numpy(np.array(one)) for one in found)
    return (pair[0], pair[1]), seconds, own, meta.memory_analysis().temp_size_in_bytes


def _timed(run: Callable[[], Any], clock: Callable[[], float]) -> tuple[float, Any]:
    started = clock()
    found = jax.block_until_ready(run())
    return clock() - started, found


def _array(tensor: torch.Tensor) -> Any:
    return jnp.asarray(tensor.numpy())


JAX = {"JAX, remat": "remat", "JAX, MixFlow-style": "mixflow"}
