"""Errands: one process at a time, seen by all, ending in a result, a refusal in words, or a silence that shows."""

import time
from pathlib import Path

import pytest

from farzi_core.data import errands, library, turns
from farzi_core.data.errands import Errand, Look
from farzi_core.data.prepare import prepare
from farzi_core.data.profile import profile
from farzi_core.evaluation import surgery
from farzi_core.runs.locks import held, try_lock


def do(errand: Errand) -> None:
    """The errand in this process."""
    errand.folder.mkdir(parents=True, exist_ok=True)
    errands.main(errand.kind, errand.source)


def wait(errand: Errand, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while errands.look(errand).at_work:
        assert time.monotonic() < end, "the errand does not end"
        time.sleep(0.05)


def test_a_portrait_is_what_the_functions_say_themselves() -> None:
    do(Errand("portrait", "planted"))
    found = errands.portrait("planted")
    events = library.open_source("planted")
    dataset = prepare(events)
    assert found == errands.Portrait(report=events.report, findings=dataset.findings, profile=profile(dataset, events))
    assert found.sizes == {"sequences": 6000, "events": found.profile.events, "items": events.report.items}
    assert errands.finished(Errand("portrait", "planted"))


def test_a_started_errand_is_at_work_at_once_and_ends_with_a_result() -> None:
    errand = Errand("portrait", "planted")
    assert errands.look(errand) == Look(at_work=False)
    errands.start(errand)
    assert errands.look(errand).at_work, "before its process has reached the lock, too"
    wait(errand)
    assert errands.finished(errand)
    assert (errand.folder / "log").read_text() == ""


@pytest.mark.parametrize("source", ["no such set", "dataset:d-ffffffffffffffff", "../../etc/passwd", ""])
def test_an_unknown_source_is_refused_in_words(source: str) -> None:
    errand = Errand("portrait", source)
    do(errand)
    assert "there is no" in errands.look(errand).refused
    assert not errands.finished(errand)


def test_a_second_process_leaves_the_first_alone() -> None:
    errand = Errand("portrait", "planted")
    errand.folder.mkdir(parents=True)
    lock = try_lock(errand.folder / "lock")
    assert lock
    try:
        errands.main(errand.kind, errand.source)
        assert errands.look(errand).at_work
        assert not errands.finished(errand)
    finally:
        lock.release()


def test_a_bug_is_noted_without_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret /path/of/this/machine")

    monkeypatch.setattr(library, "open_source", broken)
    errand = Errand("portrait", "planted")
    do(errand)
    assert errands.look(errand).refused == "An internal error; the log of the errand has the details."


def test_progress_is_noted_while_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    errand = Errand("portrait", "planted")
    seen: list[Look] = []

    def slow(source: str, progress: errands.Progress) -> None:
        progress(3, 10)
        seen.append(errands.look(errand))
        raise errands.DatasetError("enough")

    monkeypatch.setattr(library, "open_source", slow)
    do(errand)
    assert seen == [Look(at_work=True, done=3, total=10)]
    assert errands.look(errand) == Look(at_work=False, refused="enough")


def test_retrainings_wait_for_one_another_and_are_the_first_to_go_where_memory_runs_out(farzi_home: Path) -> None:
    errand, folder = Errand("retrain", "no run"), farzi_home / "cache" / "errands"
    folder.mkdir(parents=True)
    lock = try_lock(folder / "retrain.lock")
    assert lock
    errands.start(errand)
    end = time.monotonic() + 60
    while not (now := errands.look(errand)).waiting:
        assert now.at_work, "it ended although another retraining is under way"
        assert time.monotonic() < end, "it does not say that it waits"
        time.sleep(0.05)
    if (score := Path(f"/proc/{errands._started(errand).pid}/oom_score_adj")).exists():  # type: ignore[union-attr]
        assert int(score.read_text()) >= 500
    assert held(folder / "retrain.waiting-0.lock")
    lock.release()
    wait(errand)
    assert "is no run id" in errands.look(errand).refused
    assert not held(folder / "retrain.waiting-0.lock")


def test_where_as_many_wait_as_may_the_next_is_told_so_and_can_be_asked_again(
    farzi_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MAX_WAITING", 2)
    errand, folder = Errand("answer", "no run"), farzi_home / "cache" / "errands"
    folder.mkdir(parents=True)
    names = ("answer", "answer.waiting-0", "answer.waiting-1")
    at_work, first, second = (try_lock(folder / f"{name}.lock") for name in names)
    assert at_work
    assert first
    assert second
    do(errand)
    assert errands.look(errand).refused.startswith("2 others like this one wait already, and no more than 2 may")
    other = Errand("retrain", "no run")
    do(other)
    assert "is no run id" in errands.look(other).refused, "another kind has a queue of its own"
    for lock in (at_work, first, second):
        lock.release()
    do(errand)
    assert "has not six parts" in errands.look(errand).refused, "its turn came"


def test_a_rule_of_surgery_makes_results_of_the_old_one_count_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    errand = Errand("retrain", "r-0123456789abcdef/0123/zero.1")
    before = errand.folder
    assert before.parent.name == errand.run_id == "r-0123456789abcdef"
    monkeypatch.setattr(surgery, "RULE", surgery.RULE + 1)
    assert errand.folder != before


def test_no_text_becomes_a_folder_of_a_run(farzi_home: Path) -> None:
    assert Errand("retrain", "../../etc/x/y").folder.parent == farzi_home / "cache" / "errands"


def test_a_torn_or_foreign_result_counts_as_none(farzi_home: Path) -> None:
    errand = Errand("portrait", "planted")
    errand.folder.mkdir(parents=True)
    for content in (b"", b"{", b'{"report": 1}', b"\xff"):
        (errand.folder / "result.json").write_bytes(content)
        assert errands.portrait("planted") is None
    assert errand.folder.is_relative_to(farzi_home)
