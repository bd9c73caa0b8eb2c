"""gradcheck finds a wrong engine; doctor finds a store that cannot be written."""

from pathlib import Path

import pytest
import torch

from farzi_core.distill import adam as adam_steps
from farzi_core.distill.adam import Adjoint


@pytest.mark.parametrize("model", ["sasrec", "gru4rec", "fmlp"])
def test_the_engine_is_exact_here(farzi, model: str) -> None:
    ended = farzi("gradcheck", "--device", "cpu", "--model", model, "--json")
    assert ended.status == 0
    assert ended.json["passed"]
    assert len(ended.json["errors"]) == 3
    assert max(ended.json["errors"].values()) < 1e-8


def test_an_engine_without_the_second_moment_is_found(farzi, monkeypatch: pytest.MonkeyPatch) -> None:
    right = adam_steps.adjoint_of_update

    def wrong(*arguments: object) -> tuple[Adjoint, torch.Tensor]:
        adjoint, u = right(*arguments)
        return adjoint._replace(v=torch.zeros_like(adjoint.v)), u

    monkeypatch.setattr(adam_steps, "adjoint_of_update", wrong)
    ended = farzi("gradcheck", "--device", "cpu", "--json")
    assert ended.status == 1
    assert not ended.json["passed"]
    assert min(ended.json["errors"].values()) > 1e-8


def test_gradcheck_of_an_unknown_architecture_says_which_there_are(farzi) -> None:
    ended = farzi("gradcheck", "--model", "narm")
    assert ended.status == 2
    assert "'sasrec', 'gru4rec' or 'fmlp'" in ended.err


def test_doctor_measures_the_store_and_leaves_nothing_there(farzi, farzi_home: Path) -> None:
    ended = farzi("doctor", "--json")
    assert ended.status == 0
    assert ended.json["store"] == str(farzi_home)
    assert ended.json["torch"] == torch.__version__
    assert ended.json["write_bytes_per_second"] > 0
    assert list(farzi_home.iterdir()) == []


def test_a_store_that_cannot_be_written_is_a_problem(farzi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("FARZI_HOME", str(tmp_path / "file" / "home"))
    ended = farzi("doctor", "--json")
    assert ended.status == 1
    assert "FARZI_HOME" in ended.json["problems"][0]
