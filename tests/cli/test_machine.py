"""gradcheck finds a wrong engine; doctor finds a store that cannot be written."""

from pathlib import Path

import pytest
import torch

from farzi_core.distill.adam import Adam, Moments
from farzi_core.distill.optimizer import Back
from farzi_core.errors import RunError


@pytest.mark.parametrize("model", ["sasrec", "gru4rec", "fmlp"])
def test_the_engine_is_exact_here(farzi, model: str) -> None:
    ended = farzi("gradcheck", "--device", "cpu", "--model", model, "--json")
    assert ended.status == 0
    assert ended.json["passed"]
    assert len(ended.json["errors"]) == 4
    assert max(ended.json["errors"].values()) < 1e-8


def test_an_engine_without_the_second_moment_is_found(farzi, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Adam.adjoint

    def wrong(*arguments: object) -> Back[Moments]:
        back = right(*arguments)
        state = back.adjoint.state._replace(v=torch.zeros_like(back.adjoint.state.v))
        return back._replace(adjoint=back.adjoint._replace(state=state))

    monkeypatch.setattr(Adam, "adjoint", wrong)
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


def test_gradcheck_of_a_run_compares_float32_with_float64_on_its_synthetic_data(farzi, finished) -> None:
    ended = farzi("gradcheck", "--run", "last", "--device", "cpu", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["run_id"] == finished.document["run_id"]
    assert ended.json["cosine"] > 0.999
    assert 0 < ended.json["error"] < 0.05
    assert ended.json["passed"]


def test_runs_show_has_the_health_of_a_finished_run(farzi, finished) -> None:
    health = {one["name"]: one for one in farzi("runs", "show", "last", "--json").json["health"]}
    assert len(health) == 7
    assert health["Windows left out, not finite"]["value"] == "0 in 6 steps"
    assert "Adjoint growth" in farzi("runs", "show", "last").out  # names wrap in a narrow terminal


def test_a_tiny_eps_is_warned_of_before_the_run(farzi, monkeypatch: pytest.MonkeyPatch) -> None:
    def submit(_config: object) -> None:
        raise RunError("not now")

    monkeypatch.setattr("farzi_core.commands.work.launcher.submit", submit)
    assert "inner.eps = 1e-08: below 1e-06" in farzi("distill", "--data", "planted", "--set", "inner.eps=1e-8").err
    assert "inner.eps" not in farzi("distill", "--data", "planted", "--set", "inner.eps=1e-6").err
