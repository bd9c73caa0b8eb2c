"""The exported folder by itself: its tensors are the run's, and the card's own code makes the same numbers."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from farzi_core.views import package
from farzi_core.views.load import RunView
from farzi_core.views.package import Package


@pytest.fixture(params=["next", "own"])
def exported(request: pytest.FixtureRequest, view: RunView, labelled: RunView, tmp_path: Path) -> tuple[RunView, Path]:
    """A run and its export, without and with labels of their own."""
    source = {"next": view, "own": labelled}[request.param]
    return source, Package.of_run(source).save(tmp_path / "out")


def softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    powers = np.exp(logits.astype(float))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def faces(view: RunView) -> dict[str, Any]:
    """Z by the name that its probabilities have."""
    labels = view.synthetic.label_latent
    return {"probs": view.synthetic.latent} | ({} if labels is None else {"labels": labels})


def test_both_files_hold_what_is_read_and_labels_where_there_are_some(exported: tuple[RunView, Path]) -> None:
    view, folder = exported
    wanted, decoder = faces(view), view.synthetic.decoder
    stored = safetensors.numpy.load_file(folder / "synthetic.safetensors")
    assert stored.keys() == {"latent", "decoder", "tau"} | ({"label_latent"} if "labels" in wanted else set())
    assert np.array_equal(stored["latent"], wanted["probs"])
    assert "labels" not in wanted or np.array_equal(stored["label_latent"], wanted["labels"])
    made = safetensors.numpy.load_file(folder / "probs.safetensors")
    assert made.keys() == wanted.keys()
    for name, latent in wanted.items():
        assert made[name].dtype == np.float16
        assert made[name] == pytest.approx(softmax(latent @ decoder), abs=2**-11)


def test_the_code_of_the_card_makes_the_same_numbers(
    exported: tuple[RunView, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    view, folder = exported
    text = (folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2 + ("labels" in faces(view))
    monkeypatch.chdir(folder)
    made: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), made)
    for name, latent in faces(view).items():
        assert made[name] == pytest.approx(softmax(latent @ view.synthetic.decoder), rel=1e-4)
        assert f"{name} = weights / weights.sum(-1, keepdims=True)  # [6, 5, 12]" in text
    titles = view.vocab["title"]
    assert str([titles[item] for item in view.synthetic.probs(0)[0].argmax(-1)]) in capsys.readouterr().out
    noise = np.random.default_rng(0).gumbel(size=(6, 5, 12))
    drawn = (np.log(view.synthetic.probs(0, 6)) + noise).argmax(-1)
    assert np.array_equal(made["sampled"], drawn), "draws are from what is read"


def test_the_card_says_what_is_to_be_predicted(exported: tuple[RunView, Path]) -> None:
    view, folder = exported
    text = (folder / "README.md").read_text(encoding="utf-8")
    own = view.synthetic.label_latent is not None
    assert ("Positions have labels of their own" in text) == own
    assert ("the target of each is its row of `labels`" in text) == own
    assert ("the target of the position before is the distribution itself" in text) != own
    assert f"holds the same {'`probs` and `labels`' if own else '`probs`'} ready-made" in text


def test_probabilities_of_labels_count_towards_the_largest_export(
    view: RunView, labelled: RunView, monkeypatch: pytest.MonkeyPatch
) -> None:
    for most, both in ((2 * 2 * 6 * 5 * 12, (True, True)), (2 * 2 * 6 * 5 * 12 - 1, (True, False))):
        monkeypatch.setattr(package, "MAX_EXPORTED_BYTES", most)
        assert (Package.of_run(view).has_probs, Package.of_run(labelled).has_probs) == both
