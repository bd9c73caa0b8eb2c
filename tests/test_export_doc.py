"""docs/export.md: its code trains a model on an exported folder, from two files and without farzi_core."""

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Any

import fixtures
import pytest
import torch

from farzi_core.views.load import RunView
from farzi_core.views.package import Package

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "export.md").read_text(encoding="utf-8"), re.DOTALL)
ADDED = ("SASRec", "stretches")  # of the document alone
ALLOWED = {"pandas", "torch", "safetensors.torch"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the document's code leaves behind, run where an exported folder lies."""
    folder = tmp_path_factory.mktemp("export")
    view = RunView(fixtures.make_finished_run(folder / "home"))
    expected = torch.from_numpy(view.synthetic.probs(0, view.synthetic.mu))
    return {"expected": expected, **executed(view, folder)}


def executed(view: RunView, folder: Path) -> dict[str, Any]:
    """The names that the code leaves behind, run in `folder` beside the export of `view`."""
    Package.of_run(view).save(folder / "farzi-data")
    torch.manual_seed(0)
    namespace: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in BLOCKS:
            exec(compile(block, "docs/export.md", "exec"), namespace)
    return namespace


def test_it_needs_nothing_of_farzi() -> None:
    nodes = [node for block in BLOCKS for node in ast.walk(ast.parse(block))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert names | {node.module for node in nodes if isinstance(node, ast.ImportFrom)} == ALLOWED


def test_soft_rows_are_the_data_and_the_other_forms_follow_from_them(made: dict[str, Any]) -> None:
    soft, forms = made["soft"], made["forms"]
    assert torch.allclose(soft.double(), made["expected"], atol=1e-6)
    assert torch.equal(forms["argmax"].argmax(-1), soft.argmax(-1))
    for name in ("argmax", "sampled"):
        assert (forms[name].sum(-1) == 1).all()
        assert set(forms[name].unique().tolist()) == {0.0, 1.0}


def test_stretches_are_parts_of_every_row_at_one_place(made: dict[str, Any]) -> None:
    soft = made["soft"]
    length = soft.shape[1] - 2
    starts = set()
    for _ in range(60):
        (some,) = made["stretches"](length, soft)
        places = [first for first in range(3) if torch.equal(some, soft[:, first : first + length])]
        assert len(places) == 1
        starts.update(places)
    assert starts == {0, 1, 2}


def test_stretches_at_fixed_places_are_equally_frequent(made: dict[str, Any]) -> None:
    rows = torch.arange(6).expand(4, 6)
    drawn = [made["stretches"](2, rows, rows + 10, fixed=True) for _ in range(600)]
    starts = Counter(int(some[0, 0]) for some, _ in drawn)
    assert starts.keys() == {0, 2, 4}
    assert min(starts.values()) > 150
    assert all(torch.equal(some + 10, other) for some, other in drawn)


def test_training_fits_the_rows_it_was_given(made: dict[str, Any]) -> None:
    """No model beats the entropy of its soft targets; a trained one comes near, an untrained one does not."""
    soft = made["soft"]
    targets = soft[:, 1:].flatten(0, 1)
    entropy = float(-(targets * targets.log()).sum(-1).mean())

    @torch.no_grad()
    def loss(model: torch.nn.Module) -> float:
        return float(torch.nn.functional.cross_entropy(model(soft[:, :-1]).flatten(0, 1), targets))

    fresh, trained = loss(made["Next"](soft.shape[-1])), loss(made["models"]["soft"])
    assert entropy - 1e-4 <= trained < entropy + 0.25 * (fresh - entropy)


def test_an_export_with_labels_trains_on_them(tmp_path: Path) -> None:
    view = RunView(fixtures.make_finished_run(tmp_path / "home", labels="own"))
    assert view.synthetic.wanted is not None
    rows, labels = (torch.from_numpy(one.probs(0, one.mu)).float() for one in (view.synthetic, view.synthetic.wanted))
    found = executed(view, tmp_path)
    assert torch.allclose(found["labels"], labels, atol=1e-6)
    entropy, one, other = float(-(labels * labels.log()).sum(-1).mean()), found["models"]["soft"], found["sasrec"]
    for trained, fresh in ((one, found["Next"](12)), (other, found["SASRec"](12, rows.shape[1]))):
        with torch.no_grad():
            aims = labels.flatten(0, 1)
            losses = [
                float(torch.nn.functional.cross_entropy(each(rows).flatten(0, 1), aims)) for each in (trained, fresh)
            ]
        assert entropy - 1e-4 <= losses[0] < entropy + 0.25 * (losses[1] - entropy)
    read, wanted = found["stretches"](3, rows, labels)
    (first,) = (place for place in range(3) if torch.equal(read, rows[:, place : place + 3]))
    assert torch.equal(wanted, labels[:, first : first + 3])


@torch.no_grad()
def test_the_sasrec_learns_the_rows_looks_back_only_and_reads_histories_of_any_length(made: dict[str, Any]) -> None:
    soft, sasrec = made["soft"], made["sasrec"]
    targets, rows = soft[:, 1:].flatten(0, 1), soft[:, :-1]

    def loss(model: torch.nn.Module) -> float:
        return float(torch.nn.functional.cross_entropy(model(rows).flatten(0, 1), targets))

    entropy, fresh = float(-(targets * targets.log()).sum(-1).mean()), loss(made["SASRec"](12, rows.shape[1]))
    assert entropy - 1e-4 <= loss(sasrec) < entropy + 0.25 * (fresh - entropy)
    changed = rows.clone()
    changed[:, -1] = changed[:, -1].flip(-1)
    assert torch.allclose(sasrec(changed)[:, :-1], sasrec(rows)[:, :-1], atol=1e-6)
    longer = torch.cat([rows[:1], rows[1:2]], 1)
    assert torch.allclose(sasrec(longer), sasrec(rows[1:2]), atol=1e-6)
    made["hit_rate"](sasrec, [["id0"] * 40])


def test_hit_rates_are_counted_over_histories_of_item_ids(made: dict[str, Any]) -> None:
    class Favourite(torch.nn.Module):
        """Always ranks item 3 first, then 4, 5, ..."""

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return -((torch.arange(12.0) - 3) % 12).expand(*rows.shape[:2], 12)

    histories = [["id0", "id3"], ["id1", "id2", "id4"], ["id3", "id2"]]
    assert made["hit_rate"](Favourite(), histories, k=1) == pytest.approx(1 / 3)
    assert made["hit_rate"](Favourite(), histories, k=2) == pytest.approx(2 / 3)
    assert made["hit_rate"](Favourite(), histories, k=12) == 1


def test_the_notebook_has_the_same_lines() -> None:
    """Model, training and measurement of the notebook `someone_elses_model` are those of the document."""
    notebook = (ROOT / "notebooks" / "someone_elses_model.py").read_text(encoding="utf-8")

    def parts(source: str) -> dict[str, str]:
        wanted = (ast.ClassDef, ast.FunctionDef)
        return {node.name: ast.unparse(node) for node in ast.parse(source).body if isinstance(node, wanted)}

    document = {name: code for block in BLOCKS for name, code in parts(block).items()}
    assert document.keys() == {"Next", "train", "hit_rate", "hard", *ADDED}
    assert parts(notebook) == {name: code for name, code in document.items() if name not in ADDED}
