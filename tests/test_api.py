"""The notebook's way: distil and evaluate in memory, then hand the data on."""

from pathlib import Path

import fixtures
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file
from small import SETTINGS

import farzi_core as farzi
from farzi_core.api import Distilled
from farzi_core.config import with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.data.planted import PlantedSettings, read_planted
from farzi_core.errors import ConfigError
from farzi_core.evaluation import inspect
from farzi_core.evaluation.report import RowName
from farzi_core.runs.environment import code_version
from farzi_core.runs.run import settings_digest

steps: list[dict[str, object]] = []


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return farzi.prepare(read_planted(PlantedSettings(sequences=1500)), max_items=40)


@pytest.fixture(scope="module")
def run(dataset: Dataset) -> Distilled:
    steps.clear()
    return farzi.distill(dataset, with_settings(farzi.RunConfig(), SETTINGS), on_step=steps.append)


@pytest.fixture(scope="module")
def labelled(dataset: Dataset) -> Distilled:
    """Labels of their own, read in stretches."""
    more = {"synthetic.labels": "own", "inner.crop": 4, "inner.dropout": 0.1}
    return farzi.distill(dataset, with_settings(farzi.RunConfig(), {**SETTINGS, **more}))


def test_every_outer_step_is_heard(run: Distilled) -> None:
    assert [one["step"] for one in steps] == [1, 2, 3, 4, 5, 6]
    assert all(one["event"] == "step" for one in steps)


def test_the_run_holds_data_of_the_configured_size_and_the_whole_table(run: Distilled, dataset: Dataset) -> None:
    assert run.synthetic.latent.shape == (20, 6, 4)
    assert run.synthetic.decoder.shape == (4, len(dataset.vocab))
    assert {row.name for row in run.evaluation.rows} == {
        RowName.FULL,
        RowName.DISTILLED,
        *fixtures.ROWS["recommendation"],
    }


def test_a_run_with_labels_of_their_own_is_one_whole_thing(
    labelled: Distilled, dataset: Dataset, tmp_path: Path
) -> None:
    """Learnt, evaluated again with the same students, looked up by what is read, written and exported."""
    data = labelled.synthetic
    assert data.latent.shape == (20, 2, 6, 4)
    assert labelled.evaluation.stored_numbers == data.stored_numbers == 20 * 2 * 6 * 4 + 4 * len(dataset.vocab)
    assert not torch.equal(data.latent[:, 1, :-1], data.latent[:, 0, 1:]), "labels have left the next positions"
    first = labelled.evaluation.row(RowName.DISTILLED)
    for given, config in ((data, None), (farzi.Synthetic(data.latent, data.decoder, data.tau), data.config)):
        again = farzi.evaluate(given, dataset, config=config, seeds=1).row(RowName.DISTILLED)
        assert first is not None
        assert again is not None
        assert again.seeds == first.seeds[:1]
    train = dataset.part("train")
    pd.testing.assert_frame_equal(labelled.nearest, inspect.nearest(data.read.probs().numpy(), train))
    labelled.write(tmp_path)
    assert np.array_equal(load_file(tmp_path / "synthetic.safetensors")["latent"], data.latent.numpy())
    folder = data.save(tmp_path / "out")
    stored, made = (load_file(folder / f"{name}.safetensors") for name in ("synthetic", "probs"))
    assert np.array_equal(np.stack([stored["latent"], stored["label_latent"]], 1), data.latent.numpy())
    probs = torch.from_numpy(np.stack([made["probs"], made["labels"]], 1)).float()
    assert torch.allclose(probs, data.probs(), atol=2**-11)


def test_plain_tensors_say_by_themselves_whether_they_have_labels(labelled: Distilled, dataset: Dataset) -> None:
    """The settings that train students need not."""
    data, config = labelled.synthetic, with_settings(labelled.synthetic.config, {"synthetic.labels": "next"})
    plain = farzi.Synthetic(data.latent, data.decoder, data.tau)
    row, first = farzi.evaluate(plain, dataset, config=config, seeds=1).rows[1], labelled.evaluation.rows[1]
    assert row.seeds == first.seeds[:1]
    read = farzi.evaluate(plain.read, dataset, config=data.config, seeds=1).rows[1]
    assert read.seeds != row.seeds, "what is read alone is data, too: of the other kind"
    taught = with_settings(data.config, {"objective.teachers": 2, "synthetic.start_labels": "taught"})
    same = farzi.evaluate(plain.read, dataset, config=taught, seeds=1).rows[1]
    assert same.seeds == read.seeds, "how they started is not asked"


def test_evaluate_gives_the_same_distilled_row_as_the_run(run: Distilled, dataset: Dataset) -> None:
    report = farzi.evaluate(run.synthetic, dataset, seeds=2)
    first, again = run.evaluation.row(RowName.DISTILLED), report.row(RowName.DISTILLED)
    assert first is not None
    assert again is not None
    assert again.seeds == first.seeds
    full = report.row(RowName.FULL)
    assert full is not None
    assert len(full.seeds) == 2, "as many full-data models as were asked for"
    assert report.row(RowName.ARGMAX) is None
    forms = farzi.evaluate(run.synthetic, dataset, forms=["soft", "argmax"], seeds=1)
    assert forms.row(RowName.ARGMAX) is not None


def test_plain_tensors_can_be_evaluated_too(run: Distilled, dataset: Dataset) -> None:
    plain = farzi.Synthetic(run.synthetic.latent, run.synthetic.decoder, run.synthetic.tau)
    report = farzi.evaluate(plain, dataset, config=run.synthetic.config, seeds=1)
    row, first = report.row(RowName.DISTILLED), run.evaluation.row(RowName.DISTILLED)
    assert row is not None
    assert first is not None
    assert row.seeds == first.seeds[:1]


def test_saved_data_load_back_bit_for_bit(run: Distilled, dataset: Dataset, tmp_path: Path) -> None:
    folder = run.synthetic.save(tmp_path / "farzi-data")
    stored = load_file(folder / "synthetic.safetensors")
    assert np.array_equal(stored["latent"], run.synthetic.latent.numpy())
    assert np.array_equal(stored["decoder"], run.synthetic.decoder.numpy())
    probs = torch.from_numpy(load_file(folder / "probs.safetensors")["probs"]).float()
    assert torch.allclose(probs, run.synthetic.probs(), atol=2**-11)
    assert pd.read_parquet(folder / "vocab.parquet")["item"].tolist() == list(dataset.vocab.ids)


def test_the_card_of_saved_data_says_how_they_were_made(run: Distilled, tmp_path: Path) -> None:
    card = (run.synthetic.save(tmp_path / "farzi-data") / "README.md").read_text(encoding="utf-8")
    assert f"SHA-256 `{settings_digest(run.synthetic.config)}`" in card
    assert f"code `{code_version()}`" in card
    assert "6 outer steps over windows of T = 4 training steps" in card
    assert 0 < run.synthetic.origin.seconds["distil"] < 600


def test_what_does_not_fit_is_said_before_any_training(run: Distilled, dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match="narm"):
        farzi.evaluate(run.synthetic, dataset, students=["sasrec", "narm"])  # type: ignore[list-item]
    other = farzi.prepare(read_planted(PlantedSettings(sequences=500)), max_items=30)
    with pytest.raises(ConfigError, match="40 items"):
        farzi.evaluate(run.synthetic, other)
    with pytest.raises(ConfigError, match=r"synthetic\.mu"):
        farzi.distill(dataset, with_settings(farzi.RunConfig(), {"synthetic.mu": 99_999}))
