"""Reading a result: the numbers of X = softmax(Z M / tau), and what damage and absence say."""

import math
import shutil
from pathlib import Path

import fixtures
import numpy as np
import pytest

from farzi_core.errors import StoreError
from farzi_core.runs.manifest import RunState
from farzi_core.views import load
from farzi_core.views.load import RunView, Synthetic

ATTRIBUTES = {
    load.SYNTHETIC: "synthetic",
    load.VOCAB: "vocab",
    load.EVALUATION: "evaluation",
    load.MEMORISATION: "memorisation",
    load.MAPS: "maps",
    load.NEAREST: "nearest",
    load.COVERAGE: "coverage",
}


def test_probabilities_agree_with_the_definition_written_as_loops(view: RunView) -> None:
    one = view.synthetic
    probs = one.probs(2)[0]
    for position in range(one.xi):
        logits = [
            sum(float(one.latent[2, position, f]) * float(one.decoder[f, v]) for f in range(3)) / one.tau
            for v in range(12)
        ]
        total = sum(math.exp(logit) for logit in logits)
        assert probs[position] == pytest.approx([math.exp(logit) / total for logit in logits], rel=1e-12)


def test_temperature_divides_the_logits() -> None:
    latent, decoder = np.ones((1, 1, 1), dtype=np.float32), np.array([[0.0, math.log(4)]], dtype=np.float32)
    assert Synthetic(latent, decoder, 1.0).probs(0)[0, 0] == pytest.approx([1 / 5, 4 / 5], rel=1e-6)
    assert Synthetic(latent, decoder, 2.0).probs(0)[0, 0] == pytest.approx([1 / 3, 2 / 3], rel=1e-6)


def test_large_logits_do_not_overflow() -> None:
    latent = np.full((1, 1, 1), 1e4, dtype=np.float32)
    assert Synthetic(latent, np.array([[1.0, -1.0]], dtype=np.float32), 0.01).probs(0).tolist() == [[[1.0, 0.0]]]


def test_chunks_together_are_the_whole(view: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = view.synthetic.probs(0, 6)
    monkeypatch.setattr(load, "CHUNK_NUMBERS", 2 * view.synthetic.xi * view.synthetic.items)
    parts = list(view.synthetic.chunks())
    assert [first for first, _ in parts] == [0, 2, 4]
    assert np.array_equal(np.concatenate([probs for _, probs in parts]), whole)


def test_every_file_of_a_finished_run_is_read(view: RunView) -> None:
    assert view.config.synthetic.mu == view.synthetic.mu == 6
    assert view.info.name == "fixture"
    assert len(view.vocab) == view.synthetic.items == len(view.maps["pca"]) == 12
    assert view.evaluation.seeds == 5
    assert set(view.curves["row"]) == {"full", "distilled", "random_users", "head_users"}
    assert set(view.nearest["synthetic"]) == set(range(6))
    assert len(view.memorisation["synthetic"]) == 6


def test_an_unfinished_run_has_no_result_and_says_what_to_do(tmp_path: Path) -> None:
    view = RunView(fixtures.make_finished_run(tmp_path, state=RunState.FAILED))
    assert not view.has(load.SYNTHETIC)
    with pytest.raises(StoreError, match=r"result/synthetic\.safetensors of run r-0+1 does not exist.*Resume the run"):
        _ = view.synthetic


@pytest.mark.parametrize(
    "name", [load.SYNTHETIC, load.VOCAB, load.EVALUATION, load.MEMORISATION, load.MAPS, load.NEAREST, load.COVERAGE]
)
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_file_is_named_and_never_shown(run_folder: Path, tmp_path: Path, name: str, damage: str) -> None:
    folder = tmp_path / run_folder.name
    shutil.copytree(run_folder, folder)
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(content if damage == "flip" else content[:-7])
    with pytest.raises(StoreError, match=Path(name).name):
        getattr(RunView(folder), ATTRIBUTES[name])


def test_a_file_that_the_manifest_does_not_list_does_not_exist(tmp_path: Path) -> None:
    folder = fixtures.make_finished_run(tmp_path, state=RunState.STOPPED)
    (folder / "result").mkdir()
    (folder / load.VOCAB).write_bytes(b"planted")
    assert not RunView(folder).has(load.VOCAB)


def test_quick_probabilities_are_the_exact_ones_up_to_single_precision(view: RunView) -> None:
    exact, quick = view.synthetic.probs(1, 4), view.synthetic.quick_probs(1, 4)
    assert quick.dtype == np.float32
    assert quick == pytest.approx(exact, rel=1e-4)
    assert view.synthetic.quick_probs(2) == pytest.approx(exact[1:2], rel=1e-4)
