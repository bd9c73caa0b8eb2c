"""The child process reads and stores; its refusal, death and silence reach the page as words."""

import signal
import sys
from pathlib import Path

import pytest

from farzi_core import limits
from farzi_core.data import library, sandbox
from farzi_core.data.mapping import Mapping
from farzi_core.data.source import ReadOptions
from farzi_core.errors import DatasetError

CLICKS = b"session,item,order\ns,a,2\ns,b,1\nt,a,1\n"
MAPPING = Mapping(user="session", item="item", order="order")


@pytest.fixture
def clicks(tmp_path: Path) -> Path:
    file = tmp_path / "anything"
    file.write_bytes(CLICKS)
    return file


def test_preview_and_import_agree_with_reading_here(clicks: Path, tmp_path: Path) -> None:
    shown = sandbox.preview_file(clicks, "clicks.csv")
    assert shown.guess.mapping == MAPPING
    titles = tmp_path / "titles"
    titles.write_bytes(b"item;name\na;Apple\nb;Bread\n")
    identifier, report = sandbox.import_file(
        clicks,
        "clicks.csv",
        shown.guess.mapping,
        titles_path=titles,
        titles_filename="titles.csv",
        titles_mapping=Mapping(item="item", title="name"),
        titles_options=ReadOptions(delimiter=";"),
        name="My clicks",
    )
    stored = library.open_source(f"dataset:{identifier}")
    assert stored.frame.to_numpy().tolist() == [["s", "b", 1.0], ["s", "a", 2.0], ["t", "a", 1.0]]
    assert stored.items["title"].tolist() == ["Apple", "Bread"]
    assert (stored.name, report.file, report.events) == ("My clicks", "clicks.csv", 3)


def test_a_refusal_names_line_and_value_and_imports_nothing(clicks: Path, farzi_home: Path) -> None:
    clicks.write_bytes(CLICKS + b"t,,2\n")
    with pytest.raises(DatasetError, match=r"line 5: item \('item'\) '' is empty"):
        sandbox.import_file(clicks, "clicks.csv", MAPPING)
    assert not list(farzi_home.glob("datasets/*"))


def test_the_mapping_is_taken_as_given(clicks: Path) -> None:
    with pytest.raises(DatasetError, match="no column is chosen as user"):
        sandbox.import_file(clicks, "clicks.csv", Mapping(item="item"))


def test_too_little_memory_is_said(clicks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _child(monkeypatch, "raise MemoryError")
    with pytest.raises(
        DatasetError, match=r"needed too much memory; at most 6,144 MiB may be used. Nothing was imported"
    ):
        sandbox.preview_file(clicks, "clicks.csv")


def test_a_child_that_is_killed_is_said(clicks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _child(monkeypatch, f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})")
    with pytest.raises(DatasetError, match=r"was ended by signal SIGKILL \(probably memory\)"):
        sandbox.preview_file(clicks, "clicks.csv")


def test_a_child_that_takes_too_long_is_ended(clicks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IMPORT_SECONDS", 0.2)
    _child(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(DatasetError, match=r"took more than 0.2 seconds and was ended; nothing was imported"):
        sandbox.preview_file(clicks, "clicks.csv")


def test_a_bug_in_the_reader_is_logged_and_not_shown(
    clicks: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _child(monkeypatch, "raise RuntimeError('secret detail')")
    with pytest.raises(DatasetError) as caught:
        sandbox.preview_file(clicks, "clicks.csv")
    assert "secret detail" not in str(caught.value)
    assert "secret detail" in caplog.text


def test_the_memory_limit_holds_in_the_child(clicks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "COMMAND", [sys.executable, "-c", _program("bytearray(2 * 1024**3)", memory=1024**3)])
    with pytest.raises(DatasetError, match=r"needed too much memory"):
        sandbox.preview_file(clicks, "clicks.csv")


def test_uploads_get_random_names_and_are_removed(farzi_home: Path) -> None:
    with sandbox.staged(b"x", "../../evil.csv") as first, sandbox.staged(b"y", "../../evil.csv") as second:
        assert first != second
        assert first.parent == second.parent == farzi_home / "cache" / "uploads"
        assert "evil" not in first.name
    assert not list(first.parent.iterdir())


def test_uploads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_UPLOAD_BYTES", 3)
    with pytest.raises(DatasetError, match=r"'big.csv' has 0 MiB; the largest"), sandbox.staged(b"1234", "big.csv"):
        pass


def test_a_hostile_file_name_is_only_text(clicks: Path) -> None:
    shown = sandbox.preview_file(clicks, "a\udcff\x00\u202egpj" + "x" * 5000).filename
    assert shown.startswith("a???gpjx")
    assert len(shown) == limits.MAX_NAME_LENGTH


def _program(body: str, memory: int = limits.IMPORT_MEMORY_BYTES) -> str:
    """A child whose import step does `body` instead, under the module's own limits."""
    return (
        "import sys\nfrom farzi_core import limits\nfrom farzi_core.data import sandbox\n"
        f"limits.IMPORT_MEMORY_BYTES = {memory}\n"
        f"def failing(request):\n    {body}\n"
        "sandbox._preview = failing\nsys.exit(sandbox.main())\n"
    )


def _child(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setattr(sandbox, "COMMAND", [sys.executable, "-c", _program(body)])
