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
# # Quickstart: distil, look, hand on
#
# A few synthetic sequences that train a model almost as well as thousands of real ones. Needs `farzi_core` on the path
# (start Jupyter in the project's folder). With the settings below: a few minutes on two cores, nothing to download.

# %%
import os

import pandas as pd

import farzi_core as farzi
from farzi_core.config import with_settings
from farzi_core.presets import PRESETS

TINY = os.environ.get("FARZI_NOTEBOOK_TINY") == "1"  # the tests run this notebook in seconds; its numbers mean nothing

# %% [markdown]
# ## 1. Data
#
# Which function is called next? Real code of this Python: one sequence a function, items are the called names. Users
# (here functions) are split 80/10/10; the last event of a test user is what has to be predicted.

# %%
events = farzi.open_source("planted" if TINY else "python-calls")
dataset = farzi.prepare(events, max_items=60 if TINY else 500, seed=0)
info = dataset.info
print(info.name, info.sequences, "sequences,", info.events, "events,", info.items, "items")

# %% [markdown]
# ## 2. Settings
#
# A preset and what you change. `python -m farzi_core distill --help-settings` explains every one.

# %%
config = with_settings(PRESETS["demo"].config, {"synthetic.mu": 200, "synthetic.xi": 5, "outer.steps": 90})
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

# %% [markdown]
# ## 3. Distil
#
# The same pipeline as the app's worker: a teacher on all data, the outer loop with the exact meta-gradient through
# Adam, then fresh students on everything that is compared.


# %%
def follow(step):
    if step["step"] % 30 == 0 or step["step"] == step["steps"]:
        print(f"outer step {step['step']} of {step['steps']}: loss {step['loss']:.3f} nats an event")


run = farzi.distill(dataset, config, on_step=follow)

# %% [markdown]
# ## 4. How good is it?
#
# Percent of test users whose next item is among the ten best guesses (HR@10), and the rest of the table. `full` is
# the same model trained on all real data; `random_users` and `head_users` are as many real sequences as there are
# synthetic.

# %%
pd.DataFrame({row.name.value: {m.value: 100 * v for m, v in row.mean.items()} for row in run.evaluation.rows}).T.round(
    1
)

# %% [markdown]
# ## 5. Look at them
#
# A position is a distribution over all items. Here is the most probable one at every position, then one position whole.

# %%
probs = run.synthetic.read.probs()  # what is read: [sequences, positions, items]
titles = run.synthetic.vocab["title"]
for sequence in probs[:5].argmax(-1).tolist():
    print(" -> ".join(titles.iloc[sequence]))

# %%
position = pd.Series(probs[0, 1].numpy(), index=titles)
position.nlargest(5).round(3)

# %% [markdown]
# ## 6. Which real sequences does each one stand for?
#
# Every real training sequence is given to the synthetic one nearest to it.

# %%
run.coverage["synthetic"].value_counts().describe().round(1)

# %% [markdown]
# ## 7. Hand it on
#
# A folder of safetensors, vocabulary and card that other programs read without Farzi: see `someone_elses_model`.

# %%
# run.synthetic.save("farzi-data")
