"""What `demo`, `evaluate` and `export` say about a finished run is what the run's files hold."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from small import SETTINGS

from farzi_core.data.planted import read_planted
from farzi_core.data.prepare import prepare
from farzi_core.evaluation.report import LABELS, METRIC_LABELS, Metric, RowName
from farzi_core.runs.run import stored_digest
from farzi_core.runs.store import Store
from farzi_core.views.runs import seconds

METRICS = ["hr@10", "hr@100", "ndcg@10", "ndcg@100", "auc"]


def test_the_document_has_exactly_the_promised_keys(finished) -> None:
    said = finished.document
    assert list(said) == ["dataset", "sizes", "results", "seconds", "run_id", "evaluation"]
    assert said["dataset"] == "planted"
    assert list(said["sizes"]) == ["sequences", "events", "mu", "xi", "percent_of_sequences"]
    assert set(said["results"]) == {"full", "distilled", "random_users", "head_users", "most_popular", "markov"}
    assert all(list(row) == METRICS for row in said["results"].values())
    assert list(said["seconds"]) == ["prepare", "distil", "evaluate"]


def test_its_sizes_are_those_of_the_training_users(finished) -> None:
    train = prepare(read_planted(), max_items=40).part("train")
    sizes = finished.document["sizes"]
    assert (sizes["sequences"], sizes["events"]) == (len(train), len(train.items))
    assert (sizes["mu"], sizes["xi"]) == (SETTINGS["synthetic.mu"], SETTINGS["synthetic.xi"])
    assert sizes["percent_of_sequences"] == pytest.approx(2000 / len(train))


def test_its_results_are_means_over_the_stored_students(finished) -> None:
    stored = json.loads((finished.run_folder / "result" / "evaluation.json").read_text())
    for row in stored["rows"]:
        for metric in METRICS:
            mean = sum(seed[metric] for seed in row["seeds"]) / len(row["seeds"])
            assert finished.document["results"][row["name"]][metric] == pytest.approx(mean, abs=1e-12)
            assert 0 <= mean <= 1


def test_it_has_the_whole_table_with_intervals_percentages_and_differences(finished) -> None:
    table = finished.document["evaluation"]
    assert table == json.loads((finished.run_folder / "result" / "evaluation.json").read_text())
    full, distilled = table["rows"][:2]
    for metric in METRICS:
        around, share = (distilled[name][metric] for name in ("interval", "percent_interval"))
        assert around["low"] <= finished.document["results"]["distilled"][metric] <= around["high"]
        assert share["low"] <= distilled["percent_of_full"][metric] <= share["high"]
        gap = distilled["mean"][metric] - full["mean"][metric]
        assert full["minus_distilled"][metric]["low"] <= gap <= full["minus_distilled"][metric]["high"]


def test_seconds_are_added_by_stage_and_over_attempts() -> None:
    log = [
        ("attempt", 0.0, ""),
        ("stage", 1.0, "prepare"),
        ("stage", 3.0, "teacher"),
        ("stage", 7.0, "distil"),
        ("step", 20.0, ""),
        ("attempt", 21.0, ""),  # killed and resumed
        ("stage", 22.0, "prepare"),
        ("stage", 24.5, "teacher"),
        ("stage", 25.0, "distil"),
        ("stage", 35.0, "evaluate"),
        ("stage", 41.0, "inspect"),
        ("end", 50.0, ""),
    ]
    events = [
        {"event": event, "elapsed": elapsed} | ({"stage": stage} if stage else {}) for event, elapsed, stage in log
    ]
    assert seconds(events) == {"prepare": 2.0 + 2.5, "distil": 14.0 + 10.0, "evaluate": 4.0 + 0.5 + 6.0}


def test_evaluate_prints_the_same_document_again(farzi, finished) -> None:
    for name in (finished.document["run_id"], "last", "1"):
        ended = farzi("evaluate", name, "--json")
        assert (ended.status, ended.json) == (0, finished.document)


def test_the_table_for_people_has_every_row_metric_and_percentage(farzi, finished) -> None:
    ended = farzi("evaluate", "last")
    assert ended.status == 0
    results = finished.document["results"]
    rows = [LABELS[RowName(name)] for name in results]
    assert all(words in ended.out for words in (*rows, *(METRIC_LABELS[Metric(one)] for one in METRICS)))
    line = next(line for line in ended.out.splitlines() if line.startswith(LABELS[RowName.DISTILLED]))
    assert line.split()[1:] == ["20", *(f"{100 * results['distilled'][metric]:.1f}" for metric in METRICS)]
    below = ended.out.splitlines()[ended.out.splitlines().index(line) + 1]
    wanted = [f"{100 * results['distilled'][metric] / results['full'][metric]:.0f} %" for metric in METRICS]
    assert re.findall(r"\d+ %", below) == wanted


def test_runs_show_and_list_know_it(farzi, finished) -> None:
    (listed,) = farzi("runs", "list", "--json").json
    assert (listed["id"], listed["state"], listed["steps"]) == (finished.document["run_id"], "done", 6)
    shown = farzi("runs", "show", "last", "--json").json
    assert shown["settings"]["synthetic"]["mu"] == 20
    assert shown["progress"]["step"] == 6
    assert "synthetic.mu" in farzi("runs", "show", "last").out


class TestExport:
    @pytest.fixture
    def folder(self, farzi, finished, tmp_path: Path) -> Path:
        target = tmp_path / "farzi-data"
        assert farzi("export", "last", str(target)).status == 0
        return target

    def test_its_tensors_are_those_of_the_run(self, folder: Path, finished) -> None:
        stored, exported = (
            load_file(one / "synthetic.safetensors") for one in (finished.run_folder / "result", folder)
        )
        assert {name: one.tolist() for name, one in stored.items()} == {
            name: one.tolist() for name, one in exported.items()
        }
        logits = stored["latent"].astype(np.float64) @ stored["decoder"] / stored["tau"]
        wanted = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        probs = load_file(folder / "probs.safetensors")["probs"]
        assert probs.dtype == np.float16
        assert np.abs(probs - wanted).max() <= 2**-11  # half a unit in the last place of a float16 below 1

    def test_the_lines_of_its_card_work_without_farzi(self, folder: Path) -> None:
        card = (folder / "README.md").read_text(encoding="utf-8")
        blocks = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
        assert [block.count("\n") for block in blocks] == [6, 3], "six lines to load it, three for the other forms"
        draws = "assert sampled.shape == argmax.shape == probs.shape[:2] and (sampled != argmax).any()\n"
        check = "import sys\nassert not [one for one in sys.modules if one.startswith(('farzi', 'torch'))]\n"
        done = subprocess.run(
            [sys.executable, "-I", "-c", "".join([*blocks, draws, check])],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stderr == ""
        titles = pd.read_parquet(folder / "vocab.parquet")["title"].tolist()
        assert set(json.loads(done.stdout.replace("'", '"'))) <= set(titles)

    def test_its_card_says_where_it_comes_from_and_how_good_it_is(self, folder: Path, finished) -> None:
        card = (folder / "README.md").read_text(encoding="utf-8")
        assert "Generated on this machine; no rights reserved" in card
        row = json.loads((finished.run_folder / "result" / "evaluation.json").read_text())["rows"][1]
        value, low, high = (100 * one for one in (row["mean"]["auc"], *row["interval"]["auc"].values()))
        share, low_share, high_share = (row["percent_of_full"]["auc"], *row["percent_interval"]["auc"].values())
        line = next(line for line in card.splitlines() if line.startswith("| Distilled (SASRec) | 20 |"))
        cell = f"{value:.2f} [{low:.2f}, {high:.2f}], {share:.1f} [{low_share:.1f}, {high_share:.1f}] %"
        assert line.split("|")[-2].strip() == cell
        assert "Not measured here: argmax and sampled." in card
        assert "test users" in card

    def test_its_card_says_how_it_was_made(self, folder: Path, finished) -> None:
        card = (folder / "README.md").read_text(encoding="utf-8")
        shown = Store().open(finished.document["run_id"]).manifest
        assert shown.environment is not None
        assert f"SHA-256 `{shown.config_digest}`, seed 0, split 0" in card
        assert f"code `{shown.environment.code}`" in card
        assert f"Device: `{shown.environment.device_name}`" in card
        assert f"in {finished.document['seconds']['distil']:,.0f} seconds" in card
        settings = json.loads(re.findall(r"```json\n(.*?)```", card, re.DOTALL)[0])
        assert stored_digest(settings) == shown.config_digest, "the settings below are those of the digest"

    def test_an_existing_folder_is_never_overwritten(self, folder: Path, farzi) -> None:
        before = {path: path.read_bytes() for path in folder.iterdir()}
        ended = farzi("export", "last", str(folder))
        assert (ended.status, ended.out) == (2, "")
        assert "nothing is overwritten" in ended.err
        assert {path: path.read_bytes() for path in folder.iterdir()} == before


class TestAgain:
    """Students trained anew on the synthetic data of a run that exists."""

    def test_other_forms_stand_beside_the_rows_that_the_run_had(self, farzi, finished) -> None:
        ended = farzi("evaluate", "last", "--forms", "soft,argmax,sampled", "--set", "evaluation.draws=2", "--json")
        assert ended.status == 0
        results = ended.json["results"]
        assert {name: results[name] for name in finished.document["results"]} == finished.document["results"]
        assert set(results) - set(finished.document["results"]) == {"distilled_argmax", "distilled_sampled"}
        assert ended.json["seconds"]["distil"] == finished.document["seconds"]["distil"]
        assert farzi("evaluate", "last", "--json").json == finished.document, "the run keeps its own table"

    def test_other_students_and_seeds_are_said_in_the_table(self, farzi, finished) -> None:
        words = ["--students", "gru4rec", "--seeds", "1", "--set", "evaluation.baselines="]
        ended = farzi("evaluate", "last", *words, "--set", "evaluation.other_decays=0.5,2")
        assert ended.status == 0
        assert "Means over 1 students (full data: 1). Each student on distilled data" in ended.out
        assert "0.5, 2 times the weight decay" in ended.out
        assert "Against full data: " in " ".join(ended.out.split()), "and whether a difference is beyond chance"
        rows = [line.partition(" s  ")[2] for line in ended.err.splitlines()]
        assert rows == ["GRU4Rec, full data", "GRU4Rec, distilled"], "and what is done is said meanwhile"

    def test_an_export_can_be_judged_in_every_form(self, farzi, finished, tmp_path: Path) -> None:
        target = tmp_path / "farzi-data"
        assert farzi("export", "last", str(target), "--forms", "soft,argmax,sampled").status == 0
        card = (target / "README.md").read_text(encoding="utf-8")
        hr = 100 * finished.document["results"]["distilled"]["hr@10"]
        assert re.search(rf"^- soft \(20 sequences\): HR@10 {hr:.2f} \[", card, re.MULTILINE)
        number = r"\d+\.\d+ \[\d+\.\d+, \d+\.\d+\]"
        for form in ("argmax", "sampled"):
            line = rf"^- {form} \(20 sequences\): HR@10 {number} %, {number} % of full data$"
            assert re.search(line, card, re.MULTILINE)
            assert f"| Distilled, {form} (SASRec) | 20 |" in card
        assert "Not measured here" not in card

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--set", "inner.lr=0.5"], "is not evaluation.key=value"),
            (["--forms", "argmax"], "lacks soft"),
            (["--students", "narm"], "evaluation.students.0 = 'narm'"),
        ],
    )
    def test_what_cannot_be_judged_is_said_before_any_training(self, farzi, finished, words, said) -> None:
        ended = farzi("evaluate", "last", *words)
        assert (ended.status, ended.out) == (2, "")
        assert said in ended.err
