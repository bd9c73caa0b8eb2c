# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How reverse-mode Adam works
#
# Distillation asks how the *end* of a training depends on the data it was trained on. Automatic differentiation answers
# by keeping the graphs of all T steps. Here the same gradient is found with one graph at a time: walk back through Adam
# with an adjoint for the weights and **two** for its moments. Everything is float64 and checked against autograd.

# %%
import math

import torch

import farzi_core as farzi

torch.set_default_dtype(torch.float64)
LR, BETA1, BETA2, EPS, STEPS = 0.01, 0.9, 0.999, 1e-3, 20

# %% [markdown]
# ## 1. The problem
#
# A small network (weights `theta`, one flat vector) is trained on ten synthetic points `x` with fixed labels. The outer
# loss is its loss on other points. Wanted: d outer / d `x`.

# %%
generator = torch.Generator().manual_seed(0)
x = torch.randn(10, 3, generator=generator)
labels = torch.randn(10, generator=generator)
real, real_labels = torch.randn(30, 3, generator=generator), torch.randn(30, generator=generator)
theta_0 = 0.5 * torch.randn(4 * 3 + 4, generator=generator)


def network(theta, points):
    return torch.tanh(points @ theta[:12].view(3, 4)) @ theta[12:]


def inner(theta, x):
    return ((network(theta, x) - labels) ** 2).mean()


def outer(theta):
    return ((network(theta, real) - real_labels) ** 2).mean()


# %% [markdown]
# ## 2. The expensive road: unroll
#
# Adam written out, every operation recorded, one `grad` at the end. Memory grows with T.


# %%
def unrolled(steps):
    data, theta = x.clone().requires_grad_(), theta_0.clone().requires_grad_()
    m = v = torch.zeros_like(theta)
    for t in range(1, steps + 1):
        (g,) = torch.autograd.grad(inner(theta, data), theta, create_graph=True)
        m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g * g
        theta = theta - LR * (m / (1 - BETA1**t)) / ((v / (1 - BETA2**t)).sqrt() + EPS)
    return torch.autograd.grad(outer(theta), data)[0]


wanted = unrolled(STEPS)


# %% [markdown]
# ## 3. Forward, keeping a tape
#
# No graph is kept: only what the way back needs, a few vectors a step. (The engine keeps less still: gradients, and
# some states from which the rest is replayed.)


# %%
def forward(steps):
    theta, m, v, tape = theta_0, torch.zeros_like(theta_0), torch.zeros_like(theta_0), []
    for t in range(1, steps + 1):
        leaf = theta.clone().requires_grad_()
        (g,) = torch.autograd.grad(inner(leaf, x), leaf)
        m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g * g
        tape.append((theta, g, m, v))
        theta = theta - LR * (m / (1 - BETA1**t)) / ((v / (1 - BETA2**t)).sqrt() + EPS)
    return theta, tape


# %% [markdown]
# ## 4. Back, with two moment adjoints
#
# Step t reaches the weights through m and through v, so by the chain rule, with q = dtheta / (s + eps) and
# s = sqrt(v / c2):
#
#     dm <- dm - lr / c1 q
#     dv <- dv + lr / (2 c1 c2) (m / s) q / (s + eps)
#     u   = (1 - beta1) dm + 2 (1 - beta2) g dv
#     dtheta, dx <- dtheta, dx + gradients of <g(theta, x), u> with u held fixed        (one Hessian-vector product)
#     dm, dv <- beta1 dm, beta2 dv


# %%
def product(theta, u):
    """Derivatives of <g, u> with respect to theta and x: one step's graph, thrown away at once."""
    leaf, data = theta.clone().requires_grad_(), x.clone().requires_grad_()
    (g,) = torch.autograd.grad(inner(leaf, data), leaf, create_graph=True)
    return torch.autograd.grad(g @ u, (leaf, data))


def last_gradient(theta):
    leaf = theta.clone().requires_grad_()
    return torch.autograd.grad(outer(leaf), leaf)[0]


def two_adjoints(steps):
    end, tape = forward(steps)
    d_theta, d_m, d_v, d_x = last_gradient(end), torch.zeros_like(end), torch.zeros_like(end), torch.zeros_like(x)
    for t in range(steps, 0, -1):
        theta, g, m, v = tape[t - 1]
        c1, c2 = 1 - BETA1**t, 1 - BETA2**t
        s = (v / c2).sqrt()
        q = d_theta / (s + EPS)
        d_m = d_m - LR / c1 * q
        d_v = d_v + LR / (2 * c1 * c2) * (m / s) * q / (s + EPS)
        u = (1 - BETA1) * d_m + 2 * (1 - BETA2) * g * d_v
        of_theta, of_x = product(theta, u)
        d_theta, d_x = d_theta + of_theta, d_x + of_x
        d_m, d_v = BETA1 * d_m, BETA2 * d_v
    return d_x


def error(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


print(f"two adjoints against unrolling, T = {STEPS}: relative error {error(two_adjoints(STEPS), wanted):.1e}")
assert error(two_adjoints(STEPS), wanted) < 1e-12


# %% [markdown]
# ## 5. The paper's line 13
#
# Algorithm 1 of arXiv 2310.09983 carries one moment adjoint: the path through v is folded into dm. For the step itself
# that is right; on the way to earlier steps it then decays by beta1 instead of beta2. It is another vector, not the
# gradient.


# %%
def line_13(steps):
    end, tape = forward(steps)
    d_theta, d_m, d_x = last_gradient(end), torch.zeros_like(end), torch.zeros_like(x)
    beta = (1 - BETA2) / (1 - BETA1)
    for t in range(steps, 0, -1):
        theta, g, m, v = tape[t - 1]
        c1, c2 = 1 - BETA1**t, 1 - BETA2**t
        alpha, eps = LR * math.sqrt(c2) / c1, EPS * math.sqrt(c2)
        folded = beta * m * g / (v.sqrt() * (v.sqrt() + eps) ** 2) - 1 / (v.sqrt() + eps)
        d_m = d_m + alpha * folded * d_theta
        of_theta, of_x = product(theta, (1 - BETA1) * d_m)
        d_theta, d_x, d_m = d_theta + of_theta, d_x + of_x, BETA1 * d_m
    return d_x


for steps in (1, 2, 5, 20):
    reference = unrolled(steps)
    exact, printed = error(two_adjoints(steps), reference), error(line_13(steps), reference)
    print(f"T = {steps:>2}: two adjoints off by {exact:.0e}, line 13 off by {printed:.2g}")
assert error(line_13(1), unrolled(1)) < 1e-12, "one step has no earlier ones"
assert error(line_13(STEPS), wanted) > 0.01

# %% [markdown]
# ## 6. The engine
#
# `farzi.adam_metagradient` does this for any losses, for dictionaries of tensors, and chooses what to keep. `print` its
# plan to see what each memory mode holds and costs.

# %%
found = farzi.adam_metagradient(
    lambda params, meta, step: inner(params["theta"], meta["x"]),
    lambda params: outer(params["theta"]),
    {"theta": theta_0},
    {"x": x},
    steps=STEPS,
    optimizer=farzi.Adam(lr=LR, betas=(BETA1, BETA2), eps=EPS),
    memory="checkpoint",
)
print(f"the engine against unrolling: {error(found.grads['x'], wanted):.1e}")
assert error(found.grads["x"], wanted) < 1e-12
print(farzi.memory_plan(1_000_000, 200))

# %%
torch.set_default_dtype(torch.float32)
