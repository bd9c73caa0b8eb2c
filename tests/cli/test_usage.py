"""Exit statuses, one line for a mistake, and the command lines that other parts of the product show."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_finished_run
from small import SETTINGS
from workers import LIGHT, until

from farzi_core.commands import follow, work
from farzi_core.commands.settings import configured
from farzi_core.config import RunConfig, with_settings
from farzi_core.data import catalogue
from farzi_core.errors import DatasetError
from farzi_core.presets import PRESETS
from farzi_core.runs import launcher
from farzi_core.runs.manifest import RunState
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store
from farzi_core.views.settings import all_settings, command

WRONG = {
    "bogus": "bogus",
    "distill --bogus": "--bogus",
    "distill --preset nothing": "demo, standard, taught, smooth",
    "distill --set inner.lr": "section.key=value",
    "distill --set inner.lr=5": "inner.lr",
    "distill --set inner.nothing=5": "inner.nothing",
    "distill --set nothing.lr=5": "sections are",
    "distill missing.toml": "missing.toml",
    "distill --data nothing": "python-calls",
    "demo --data ml-1m": "datasets download ml-1m --accept-licence",
    "datasets describe nothing": "planted",
    "datasets download nothing": "ml-1m",
    "datasets download ml-1m": "--accept-licence",
    "datasets add missing.csv": "missing.csv",
    "runs show 7": "runs list",
    "runs show last": "runs list",
    "runs show r-0123456789abcdef": "no run",
    "runs delete ../../etc --yes": "no run id",
    "evaluate last": "runs list",
    "gradcheck --device tpu": "tpu",
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_usage_ends_with_2_and_one_line_that_names_the_next_step(farzi, words: str) -> None:
    ended = farzi(*words.split())
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert WRONG[words] in ended.err


def test_no_command_shows_the_help_and_ends_with_2(farzi) -> None:
    ended = farzi()
    assert ended.status == 2
    assert all(name in ended.err for name in ("demo", "distill", "datasets", "runs", "gradcheck", "doctor"))


@pytest.mark.parametrize("words", [["runs", "list"], ["datasets", "list"], ["runs", "show", "1"], ["evaluate", "1"]])
def test_looking_never_imports_torch(farzi_home: Path, words: list[str]) -> None:
    make_finished_run(farzi_home)
    code = (
        f"import sys\nfrom farzi_core.cli import main\nassert main({words!r}) == 0\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=Path(__file__).parents[2])


def test_it_is_a_program(farzi_home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "farzi_core", "runs", "list", "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


class TestTheCommandThatPagesShow:
    @pytest.fixture
    def submitted(self, farzi_home: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunConfig]:
        """Settings that would have been launched."""
        seen: list[RunConfig] = []
        folder = make_finished_run(farzi_home)

        def submit(config: RunConfig) -> Run:
            seen.append(config)
            return Run(folder)

        monkeypatch.setattr(work.launcher, "submit", submit)
        return seen

    @pytest.mark.parametrize("preset", PRESETS)
    def test_starts_the_same_run_from_every_preset(self, farzi, submitted: list[RunConfig], preset: str) -> None:
        base = PRESETS[preset].config
        odd = {"name": 'it\'s "mine" = $HOME; ü', "evaluation.mask_seen": True, "inner.lr": 1e-4, "outer.clip": 0.5}
        for changes in ({}, SETTINGS, odd):
            config = with_settings(base, {"data.source": "planted", **changes})
            words = shlex.split(command(config, base))
            assert words[:3] == ["python", "-m", "farzi_core"]
            assert farzi(*words[3:]).status == 0
            assert submitted[-1] == config

    def test_a_toml_file_and_options_say_the_same(self, farzi, submitted: list[RunConfig], tmp_path: Path) -> None:
        file = tmp_path / "run.toml"
        file.write_text('preset = "standard"\nseed = 3\n[data]\nsource = "planted"\n[inner]\nlr = 0.02\n')
        farzi("distill", str(file), "--set", "inner.lr=0.03", "--seed", "4", "--name", "mine")
        changes = {"data.source": "planted", "seed": 4, "name": "mine", "inner.lr": 0.03}
        assert submitted == [with_settings(PRESETS["standard"].config, changes)]

    def test_a_broken_toml_file_is_named_with_its_place(
        self, farzi, submitted: list[RunConfig], tmp_path: Path
    ) -> None:
        file = tmp_path / "run.toml"
        file.write_text("[inner]\nlr = \n")
        ended = farzi("distill", str(file))
        assert (ended.status, submitted) == (2, [])
        assert "line 2" in ended.err


def test_the_download_that_a_missing_data_set_asks_for_is_accepted(farzi, monkeypatch: pytest.MonkeyPatch) -> None:
    from farzi_core.data import download

    asked = []

    def fetch(key: str, *, accept_licence: bool, progress: object) -> Path:
        asked.append((key, accept_licence))
        return Path(__file__)

    monkeypatch.setattr(download, "download", fetch)
    with pytest.raises(DatasetError) as caught:
        catalogue.open_entry("uci-eshop")
    shown = re.search(r"`python -m farzi_core (.*?)`", str(caught.value))
    assert shown is not None
    assert farzi(*shlex.split(shown[1])).status == 0
    assert asked == [("uci-eshop", True)]


def test_every_setting_is_explained(farzi) -> None:
    said = {one["setting"] for one in farzi("distill", "--help-settings", "--json").json}
    assert said == {one.dotted for one in all_settings(RunConfig())}


class TestWorkers:
    """The real launcher with a worker that does not compute (tests/faults/light_worker.py)."""

    @pytest.fixture(autouse=True)
    def light(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(launcher, "WORKER", (LIGHT,))

    def test_a_worker_that_dies_is_1_with_a_sentence(self, farzi) -> None:
        ended = farzi("distill", "--data", "planted", "--name", "crash", "--set", "runtime.device=cpu", "--json")
        assert (ended.status, ended.out) == (1, "")
        assert "interrupted" in ended.err
        assert "Traceback" not in ended.err

    def test_a_detached_run_is_found_stopped_and_deleted(self, farzi) -> None:
        words = ["distill", "--data", "planted", "--name", "sleep", "--set", "runtime.device=cpu"]
        run = Store().open(farzi(*words, "--detach", "--json").json["run_id"])
        until(lambda: run.state() is RunState.RUNNING)
        assert farzi("runs", "delete", run.id, "--yes").status == 1, "a run at work is not deleted"
        assert farzi("runs", "stop", run.id).status == 0
        until(lambda: run.state() is RunState.STOPPED)
        refused = farzi("runs", "delete", run.id)
        assert (refused.status, "--yes" in refused.err) == (2, True), "not without being asked"
        assert farzi("runs", "delete", run.id, "--yes").status == 0
        assert Store().list() == []

    def test_ctrl_c_leaves_the_run_at_work(self, farzi, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(_run: Run) -> RunState:
            raise KeyboardInterrupt

        monkeypatch.setattr(follow, "_wait", interrupted)
        words = ["distill", "--data", "planted", "--name", "sleep", "--set", "runtime.device=cpu"]
        ended = farzi(*words, "--json")
        (run,) = map(Store().open, [one.id for one in Store().list()])
        assert (ended.status, ended.out) == (1, "")
        assert f"{run.id} goes on" in ended.err
        assert run.state().active
        launcher.stop(run, force=True)


@pytest.mark.parametrize(
    ("words", "preset"),
    [
        ((None, None, [], "python-docs"), "demo-text"),
        ((None, None, ["data.source=tiny-shakespeare"]), "demo-text"),
        ((None, None, [], "planted"), "demo"),
        ((None, None, []), "demo"),
        ((None, None, [], "no-such-data"), "demo"),
        ((None, "standard", [], "python-docs"), "standard"),
    ],
)
def test_where_no_preset_is_named_it_is_that_of_the_data_s_task(words: tuple[Any, ...], preset: str) -> None:
    config = configured(*words)
    assert config.preset == preset
    assert config.model.kind == PRESETS[preset].config.model.kind


def test_a_text_s_preset_follows_a_file_that_names_the_text(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('[data]\nsource = "python-docs"\n')
    assert configured(file, None, []).preset == "demo-text"
    assert configured(file, None, [], "planted").preset == "demo"
