"""Reading a result: the numbers of X = softmax(Z M / tau), and what damage and absence say."""

import math
import shutil
from pathlib import Path

import fixtures
import numpy as np
import pytest
import safetensors.numpy

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


def test_a_run_with_labels_is_read_as_what_is_read_and_what_is_wanted(view: RunView, labelled: RunView) -> None:
    stored = safetensors.numpy.load(labelled.read(load.SYNTHETIC))["latent"]
    one, wanted = labelled.synthetic, labelled.synthetic.wanted
    assert stored.shape == (6, 2, 5, 3)
    assert np.array_equal(one.latent, stored[:, 0])
    assert wanted is not None
    assert np.array_equal(wanted.latent, stored[:, 1])
    assert (one.mu, one.xi, one.items, one.tau) == (wanted.mu, wanted.xi, wanted.items, wanted.tau) == (6, 5, 12, 1)
    assert wanted.wanted is None
    logits = stored[2, 1].astype(float) @ one.decoder
    assert wanted.probs(2)[0] == pytest.approx(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), rel=1e-12)
    assert np.array_equal(one.probs(0, 6), view.synthetic.probs(0, 6)), "the fixture reads the same"
    assert view.synthetic.label_latent is view.synthetic.wanted is None


def test_a_snapshot_of_a_run_with_labels_has_them_too(labelled: RunView) -> None:
    arrays = safetensors.numpy.load(labelled.read("snapshots/0000000010.safetensors"))
    one = labelled.snapshot(10)
    assert one.label_latent is not None
    assert np.array_equal(np.stack([one.latent, one.label_latent], 1), arrays["latent"])


@pytest.mark.parametrize("shape", [(6, 3, 5, 3), (6, 1, 5, 3), (6, 2, 5, 4), (6, 5, 4), (5, 3), (6, 2, 2, 5, 3)])
def test_tensors_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    arrays = {"latent": np.zeros(shape, np.float32), "decoder": np.zeros((3, 12), np.float32)}
    content = safetensors.numpy.save({**arrays, "tau": np.ones(1, np.float32)})
    view = RunView(fixtures.make_finished_run(tmp_path, more={load.SYNTHETIC: content}))
    with pytest.raises(StoreError, match="shapes do not fit each other"):
        _ = view.synthetic
