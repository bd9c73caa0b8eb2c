"""A run as a notebook: the same settings through the public API, cell by cell (nbformat 4.5, written as plain JSON).

The settings stand in the notebook as a Python literal (`repr` of plain values), so a hostile name stays a string; in
Markdown cells names are escaped.
"""

import json
from pprint import pformat
from typing import Any

from farzi_core.config import RunConfig
from farzi_core.views import text

_DATA = """\
events = farzi.open_source(config.data.source)
dataset = farzi.prepare(events, max_items=config.data.max_items, seed=config.data.seed)
dataset.info"""

_DISTIL = """\
def follow(step):
    if step["step"] % 20 == 0:
        print(f"outer step {step['step']}: loss {step['loss']:.3f}")


run = farzi.distill(dataset, config, on_step=follow)"""

_TABLE = """\
import pandas as pd

table = pd.DataFrame(
    {row.name: {metric: 100 * value for metric, value in row.mean.items()} for row in run.evaluation.rows}
).T.round(1)
table"""

_LOOK = """\
probs = run.synthetic.read.probs()  # what is read: [sequences, positions, items], each position a distribution
titles = run.synthetic.vocab["title"]
for sequence in probs[:5].argmax(-1).tolist():
    print(" -> ".join(titles.iloc[sequence]))"""

_SAVE = """\
# run.synthetic.save("farzi-data")  # a folder of safetensors, vocabulary and card for other programs"""


def notebook(config: RunConfig, title: str) -> bytes:
    """The .ipynb: config, data, distillation, final table, a look at the sequences."""
    settings = pformat(config.model_dump(mode="json"), width=100, sort_dicts=False)
    configure = f"import farzi_core as farzi\n\nconfig = farzi.RunConfig.model_validate(\n{_indented(settings)}\n)"
    cells = [
        _words(
            f"# {text.markdown(title)}\n\nThe settings of this run, from Python. It needs Farzi Studio's "
            "`farzi_core` on the path. Same settings, machine and threads give the same numbers as the app."
        ),
        _words("## 1. Settings"),
        _code(configure),
        _words("## 2. Data\n\nImported data sets (`dataset:...`) are found only where they were imported."),
        _code(_DATA),
        _words("## 3. Distil\n\nThe same pipeline as the app's worker: teacher, outer loop, fresh students."),
        _code(_DISTIL),
        _words("## 4. How good is it?\n\nPercent of test users; each row is what the students were trained on."),
        _code(_TABLE),
        _words("## 5. Look at the sequences\n\nThe most probable item at every position of the first five."),
        _code(_LOOK),
        _code(_SAVE),
    ]
    numbered = [{**cell, "id": f"cell-{place}"} for place, cell in enumerate(cells)]
    content = {"cells": numbered, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False).encode("utf-8")


_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" for line in code.split("\n"))


def _words(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
