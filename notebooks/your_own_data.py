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
# # Your own data
#
# From a table on disk to distilled data. The table here is made in the first cell, from generated sequences whose best
# possible accuracy is known; put the name of yours in its place and skip that cell.

# %%
import os
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

import farzi_core as farzi
from farzi_core.config import with_settings
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.presets import PRESETS

TINY = os.environ.get("FARZI_NOTEBOOK_TINY") == "1"  # the tests run this notebook in seconds; its numbers mean nothing
folder = Path(mkdtemp())

# %%
planted = read_planted(PlantedSettings(sequences=600 if TINY else 6_000))
table = planted.frame.rename(columns={"user": "session", "item": "product", "time": "step"})
table.to_csv(folder / "clicks.csv", index=False)
planted.items.rename(columns={"item": "product"}).to_csv(folder / "products.csv", index=False)
print((folder / "clicks.csv").read_text()[:80])

# %% [markdown]
# ## 1. Read
#
# One event a row: who, what, and what orders a person's events (an order number or a time). Ids stay the text of
# the file. A second table may bring titles. CSV, TSV, Parquet, JSON lines and more; what is set aside is said,
# never dropped in silence.

# %%
events = farzi.read_events(
    folder / "clicks.csv", user="session", item="product", order="step", titles=folder / "products.csv"
)
print(events.report.events, "events of", events.report.users, "users on", events.report.items, "items")
for finding in events.report.findings:
    print("-", finding.sentence)

# %% [markdown]
# ## 2. Prepare
#
# The most frequent items, users with at least three events, and a split by users that depends on the seed alone.

# %%
dataset = farzi.prepare(events, max_items=60 if TINY else 250, seed=0)
for finding in dataset.findings:
    print("-", finding.sentence)
pd.Series({part: len(users) for part, users in dataset.split.items()})

# %% [markdown]
# ## 3. Choose a size
#
# `mu` sequences of `xi` events. Start with `xi` near the usual length of your sequences and 1 to 2 % of them; what
# counts against the size is what is stored: Z (`mu` x `xi` x `d`) and M (`d` x items).

# %%
lengths = dataset.sequences.lengths
config = with_settings(PRESETS["demo"].config, {"synthetic.mu": 100, "synthetic.xi": max(3, round(lengths.mean()))})
if TINY:
    small = {
        "model.hidden": 8,
        "teacher.epochs": 1,
        "synthetic.mu": 20,
        "synthetic.d": 4,
        "synthetic.start_steps": 5,
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
    config = with_settings(config, small)
size = config.synthetic
print(f"[{size.mu} x {size.xi}] for sequences of {lengths.mean():.1f} events, d = {size.d}")

# %% [markdown]
# ## 4. Distil and compare
#
# Look at `distilled` beside `full` (the same model on all your data), beside as many of your own users, and beside
# rules that need no training. If `markov` (what follows the last item most often) is as good as `full`, order
# beyond the last event matters little in your data.

# %%
run = farzi.distill(dataset, config)
rows = run.evaluation.rows
pd.DataFrame({row.name.value: {m.value: 100 * v for m, v in row.mean.items()} for row in rows}).T.round(1)

# %% [markdown]
# ## 5. Is it good enough, and is it a copy?
#
# Distances of decoded synthetic sequences to the nearest training window, beside those of people who were held out:
# copies would lie far to the left. Distilled data are **not private by construction**.

# %%
pd.DataFrame({kind: pd.Series(run.memorisation[kind]) for kind in ("argmax", "heldout")}).describe().round(2)

# %% [markdown]
# ## 6. Save
#
# A folder for other programs, with a card that says where the data come from and how good they are.

# %%
saved = run.synthetic.save(folder / "farzi-data")
print((saved / "README.md").read_text()[:300])
