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
# # Training someone else's model on Farzi data
#
# Part 1 makes an exported folder, as you would have received it. Part 2 knows nothing of Farzi: it reads two files and
# trains a GRU in plain PyTorch, in the three forms that distilled sequences can take.

# %%
import os
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd
import torch
from safetensors.torch import load_file

import farzi_core as farzi
from farzi_core.config import with_settings
from farzi_core.data.planted import PlantedSettings, read_planted

TINY = os.environ.get("FARZI_NOTEBOOK_TINY") == "1"  # the tests run this notebook in seconds; its numbers mean nothing

# %% [markdown]
# ## 1. An exported folder, and people to test on
#
# Planted sequences distilled with a SASRec student. Histories of test users are lists of item ids, the last of which is
# to be predicted.

# %%
dataset = farzi.prepare(read_planted(PlantedSettings(sequences=600 if TINY else 6_000)), max_items=250, seed=0)
sizes = {"synthetic.mu": 60, "synthetic.xi": 8, "outer.steps": 100, "inner.lifetime": 100, "evaluation.seeds": 2}
small = {
    "model.hidden": 8,
    "teacher.epochs": 1,
    "synthetic.mu": 20,
    "synthetic.start_steps": 20,
    "inner.steps": 4,
    "inner.lifetime": 8,
    "outer.steps": 4,
    "validation.every": 2,
    "validation.steps": 10,
    "evaluation.seeds": 1,
    "evaluation.full_seeds": 1,
    "evaluation.steps": 10,
    "runtime.threads": 1,
}
run = farzi.distill(dataset, with_settings(farzi.RunConfig(), {**sizes, **small} if TINY else sizes))
folder = run.synthetic.save(Path(mkdtemp()) / "farzi-data")
ids = dataset.vocab.ids
histories = [[ids[item] for item in sequence] for sequence in dataset.part("test")]

# %% [markdown]
# ## 2. From here on plain PyTorch
#
# Row `v` of the vocabulary is column `v` of the probabilities.

# %%
stored = load_file(folder / "synthetic.safetensors")
soft = torch.softmax(stored["latent"] @ stored["decoder"] / stored["tau"], -1)  # [sequences, positions, items]
labels = None  # without labels of its own a position is to predict the next one
if "label_latent" in stored:
    labels = torch.softmax(stored["label_latent"] @ stored["decoder"] / stored["tau"], -1)
row_of = {item: row for row, item in enumerate(pd.read_parquet(folder / "vocab.parquet")["item"])}


class Next(torch.nn.Module):
    def __init__(self, items, width=32):
        super().__init__()
        self.item = torch.nn.Parameter(0.1 * torch.randn(items, width))
        self.gru = torch.nn.GRU(width, width, batch_first=True)

    def forward(self, rows):  # rows of the simplex; a hard item is a row with a single 1
        return self.gru(rows @ self.item)[0] @ self.item.T


def train(rows, labels=None, steps=150):
    read, wanted = (rows[:, :-1], rows[:, 1:]) if labels is None else (rows, labels)
    model = Next(rows.shape[-1])
    adam = torch.optim.Adam(model.parameters(), lr=0.02, eps=1e-3, weight_decay=2e-3)
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model(read).flatten(0, 1), wanted.flatten(0, 1))
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model


@torch.no_grad()
def hit_rate(model, histories, k=10):
    hits = 0
    for history in histories:
        *past, target = (row_of[item] for item in history)
        rows = torch.nn.functional.one_hot(torch.tensor([past]), soft.shape[-1]).float()
        hits += target in model(rows)[0, -1].topk(k).indices
    return hits / len(histories)


# %% [markdown]
# ## 3. Three forms
#
# - **soft**: every position as its distribution, input and target: what was distilled.
# - **argmax**: the most probable item of every position. Ordinary sequences, for programs that take nothing else.
# - **sampled**: one draw from every position; several draws of the same data are different training sets.
#
# Each is measured with three students, on people whom nobody has seen.


# %%
def hard(items):
    return torch.nn.functional.one_hot(items, soft.shape[-1]).float()


forms = {
    "soft": lambda: soft,
    "argmax": lambda: hard(soft.argmax(-1)),
    "sampled": lambda: hard(torch.distributions.Categorical(soft).sample()),
}
found = {}
for name, form in forms.items():
    rates = []
    for seed in range(1 if TINY else 3):
        torch.manual_seed(seed)
        rates.append(hit_rate(train(form(), labels, 20 if TINY else 150), histories))
    found[name] = {
        "HR@10, mean": 100 * sum(rates) / len(rates),
        "lowest": 100 * min(rates),
        "highest": 100 * max(rates),
    }
pd.DataFrame(found).T.round(1)

# %% [markdown]
# For comparison: the student that was distilled with, on the same people, from the run's own table.

# %%
pd.Series({row.name.value: 100 * next(iter(row.mean.values())) for row in run.evaluation.rows}).round(1)
