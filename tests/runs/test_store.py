"""The store: ids are ours, lists never break, names are only data (reliability rows 11, 15, 21, 22)."""

import json
import os
import time
from pathlib import Path

import pytest

from farzi_core.config import RunConfig, with_settings
from farzi_core.errors import ConfigError, FarziError, RunError, StoreError
from farzi_core.runs import launcher, manifest
from farzi_core.runs.locks import run_locked
from farzi_core.runs.manifest import FileRecord, RunState
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store

HOSTILE = [
    *("", ".", "..", "/", "//", "\\", "~", "~root", "-rf", "*", "con", "CON", "NUL", "aux.txt", "C:", "C:\\x", " "),
    *("../x", "..\\x", "....//x", "/etc/passwd", "\\\\host\\share", "%2e%2e%2f", "%252e%252e%252f", "..%c0%af", "a/b"),
    *("a\x00b", "\x00", "\n", "\r\n", "\t", "\x1b[2J", "\x7f", "a" * 200, "é", "e\u0301", "ﬀ", "İ", "ß", "\u202egnp"),
    *("\U0001f4a9", "👩‍👩‍👧", "\ufeff", "\u2028", "\u00a0", "\ud7ff", "run.lock", "manifest.json", ".tmp-x", "queue"),
    *("r-", "r-123", "r-0123456789abcdeg", "r-0123456789ABCDEF", "r-0123456789abcdef/", "r-0123456789abcdef\n"),
    *("r-0123456789abcdef/../x", " r-0123456789abcdef", "r-0123456789abcde\uff11", "{0}", "%s", "$(id)", "`id`", ";"),
    *("<b>x</b>", "![x](http://x)", "=1+1", "' or 1=1 --", "__class__", "None", "null", "NaN", "0", "-1", "1e999"),
    *(f"{prefix}{name}" for prefix in ("./", "../", "../../", "/tmp/", "%2e/", "..;/") for name in ("a", "r-0", "x y")),
    *(chr(code) for code in range(1, 33)),
    *(f"a{chr(code)}" for code in range(128, 160)),
    *(f"{chr(code)}evil" for code in (0x200B, 0x200E, 0x202A, 0x2066, 0xFFF9, 0xFFFD, 0xE0001, 0x1F600)),
    *(f"name{'x' * length}" for length in range(100, 196, 3)),
    *(f"../{'../' * depth}etc" for depth in range(30)),
]


@pytest.fixture
def store(farzi_home: Path) -> Store:
    return Store()


def everything_outside(store: Store) -> set[Path]:
    inside = store.root
    return {path for path in inside.parents[1].rglob("*") if inside not in (path, *path.parents)}


def test_a_run_comes_back_as_it_was_created(store: Store) -> None:
    config = with_settings(RunConfig(name="first"), {"inner.lr": 0.015})
    run = store.create(config)
    found = store.open(run.id)
    assert (found.config, found.manifest.state, found.state()) == (config, RunState.QUEUED, RunState.QUEUED)
    assert manifest.RUN_ID.fullmatch(run.id)
    summary = store.list()[0]
    assert (summary.name, summary.number, summary.steps, summary.error) == ("first", 1, config.outer.steps, "")


def test_the_same_request_is_the_same_run_and_the_first_settings_count(store: Store) -> None:
    first = store.create(RunConfig(name="one"), "form 1")
    again = store.create(RunConfig(name="two"), "form 1")
    other = store.create(RunConfig(name="one"), "form 2")
    assert first.id == again.id != other.id
    assert again.config.name == "one"


def test_newest_first_by_number_not_by_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([3_000_000, 1_000_000, 2_000_000])
    created = []
    for _ in range(3):
        moment = next(clock)
        monkeypatch.setattr(
            manifest, "now", lambda moment=moment: manifest.datetime.fromtimestamp(moment, manifest.UTC)
        )
        created.append(store.create(RunConfig()).id)
    assert [one.id for one in store.list()] == created[::-1]


def test_a_lost_counter_goes_on_after_the_highest_number(store: Store) -> None:
    for _ in range(3):
        store.create(RunConfig())
    for damage in (b"", b"x", b"9" * 100):
        (store.root / "counter").write_bytes(damage)
        highest = store.list()[0].number
        assert store.create(RunConfig()).manifest.number == highest + 1


def test_two_hundred_hostile_names_make_no_path_and_no_collision(store: Store) -> None:
    assert len(set(HOSTILE)) >= 200
    victim = store.create(RunConfig(name="victim"))
    outside = everything_outside(store)
    ids = set()
    for name in HOSTILE:
        run = store.create(RunConfig(name=name), request_id=name)
        ids.add(run.id)
        assert run.folder.parent == store.root
        assert store.open(run.id).config.name == name
        store.rename(victim.id, name)
        assert Run(victim.folder).config.name == name
        for action in (store.open, store.delete, lambda one: store.rename(one, "x")):
            with pytest.raises(RunError, match="is no run id"):
                action(name)
    assert len(ids) == len(set(HOSTILE))
    assert everything_outside(store) == outside
    assert {path.name for path in store.root.iterdir()} == {victim.id, *ids, "counter", "store.lock"}


def test_a_name_that_is_no_text_is_refused(store: Store) -> None:
    run = store.create(RunConfig(name="old"))
    for name in ("x" * 201, "\ud800"):
        with pytest.raises(ConfigError):
            store.rename(run.id, name)
    assert Run(run.folder).config.name == "old"


def test_delete_removes_exactly_one_run_and_only_when_it_has_no_worker(store: Store) -> None:
    keep, gone = store.create(RunConfig()), store.create(RunConfig())
    with run_locked(gone.folder), pytest.raises(RunError, match="stop it first"):
        store.delete(gone.id)
    store.delete(gone.id)
    assert [one.id for one in store.list()] == [keep.id]
    with pytest.raises(RunError, match="may have been deleted"):
        store.open(gone.id)
    with pytest.raises(RunError, match="may have been deleted"):
        store.delete(gone.id)


def test_links_are_refused_and_never_followed(store: Store, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    run = store.create(RunConfig())
    link = store.root / "r-00000000000000aa"
    link.symlink_to(precious)
    (run.folder / "worker.log").symlink_to(precious / "file")
    (run.folder / "metrics.jsonl").symlink_to(precious / "file")
    for action in (store.open, store.delete):
        with pytest.raises(StoreError, match="symbolic link"):
            action(link.name)
    states = {one.id: one.state for one in store.list()}
    assert states == {run.id: RunState.QUEUED, link.name: RunState.DAMAGED}
    assert run.log_tail() == ""
    with pytest.raises(StoreError, match=r"metrics\.jsonl"):
        run.events()
    with pytest.raises(StoreError, match=r"worker\.log .* cannot be written"):
        launcher.launch(run)  # would append the worker's output to the file behind the link
    assert launcher.reconcile() == ([], []), "a bad run must not keep the app from starting"
    store.delete(run.id)
    assert (precious / "file").read_text() == "kept"


def test_a_fifo_or_a_folder_in_place_of_a_file_does_not_hang_or_break_the_list(store: Store) -> None:
    first, second = store.create(RunConfig()), store.create(RunConfig())
    os.unlink(first.folder / "manifest.json")
    os.mkfifo(first.folder / "manifest.json")
    os.unlink(second.folder / "config.json")
    os.mkdir(second.folder / "config.json")
    assert [one.state for one in store.list()] == [RunState.DAMAGED] * 2
    store.delete(first.id)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 50, b"[" * 100_000, b'{"checksum": "', b"null"])
def test_a_damaged_manifest_or_config_is_one_bad_entry_not_a_broken_list(store: Store, content: bytes) -> None:
    good = store.create(RunConfig(name="good"))
    bad = [store.create(RunConfig(seed=5)) for _ in range(2)]
    (bad[0].folder / "manifest.json").write_bytes(content)
    (bad[1].folder / "config.json").write_bytes(content)
    states = {one.id: one.state for one in store.list()}
    assert states == {good.id: RunState.QUEUED, bad[0].id: RunState.DAMAGED, bad[1].id: RunState.DAMAGED}
    assert all(one.error for one in store.list() if one.state is RunState.DAMAGED)
    for run in bad:
        store.delete(run.id)


def test_changed_settings_are_noticed_and_a_changed_name_is_not_a_changed_setting(store: Store) -> None:
    run = store.create(RunConfig(name="old"))
    store.rename(run.id, "new")
    assert store.open(run.id).config.name == "new"
    values = json.loads((run.folder / "config.json").read_text())
    values["seed"] = 1
    (run.folder / "config.json").write_text(json.dumps(values))
    assert store.list()[0].state is RunState.DAMAGED
    assert "changed after the run was made" in store.list()[0].error


def test_a_run_copied_under_another_id_is_refused(store: Store) -> None:
    run = store.create(RunConfig())
    os.rename(run.folder, store.root / "r-00000000000000bb")
    with pytest.raises(StoreError, match="belongs to run"):
        store.open("r-00000000000000bb")


def test_a_thousand_runs_are_listed_in_under_a_second(store: Store) -> None:
    run = store.create(RunConfig())
    files = {f"snapshots/{step:010d}.safetensors": FileRecord(sha256="0" * 64, size=1) for step in range(20)}
    content = (run.folder / "config.json").read_bytes()
    for number in range(1, 1000):
        folder = store.root / f"r-{number:016x}"
        folder.mkdir()
        one = run.manifest.model_copy(
            update={"id": folder.name, "number": number + 1, "state": RunState.DONE, "files": files}
        )
        (folder / "manifest.json").write_bytes(manifest.seal(one))
        (folder / "config.json").write_bytes(content)
    began = time.perf_counter()
    summaries = store.list()
    seconds = time.perf_counter() - began
    assert [one.number for one in summaries] == list(range(1000, 0, -1))
    assert seconds < 3, seconds  # about 0.3 s on an idle core


def test_a_store_that_does_not_exist_yet_is_empty(store: Store) -> None:
    assert store.list() == []
    assert launcher.queue() == []
    assert launcher.reconcile() == ([], [])


def test_a_run_that_vanishes_while_it_is_looked_at_is_only_gone(store: Store) -> None:
    run = store.create(RunConfig())
    store.delete(run.id)
    assert (run.state(), run.events(), run.latest(), run.log_tail(), run.size()) == (RunState.DAMAGED, [], {}, "", 0)
    with pytest.raises(FarziError):
        _ = run.config
