"""The built-in data: deterministic, cached by version, robust, and as large as promised."""

import re
from itertools import groupby
from pathlib import Path

import pytest

from farzi_core.data import python_calls
from farzi_core.data.prepare import prepare
from farzi_core.data.python_calls import NAME, SHARED_GROUP, STANDARD_LIBRARY, cached_counts, read_python_calls
from farzi_core.errors import DatasetError
from farzi_core.runs import atomic

ROOT = Path(__file__).parents[2]


@pytest.fixture
def few_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small packages and a corner of the standard library: a second instead of ten."""
    monkeypatch.setattr(python_calls, "REQUIREMENTS", ("filelock", "platformdirs"))
    monkeypatch.setattr(python_calls, "MAX_PACKAGE_BYTES", 300_000)
    monkeypatch.setattr(python_calls, "CHUNK_BYTES", 100_000)


def test_the_packages_are_those_of_requirements_txt() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    named = {match[0] for line in lines if (match := re.match(r"[A-Za-z][\w-]*", line))}
    assert set(python_calls.REQUIREMENTS) == named


def test_the_whole_set_is_large_readable_and_has_a_function_a_sequence() -> None:
    events = read_python_calls()
    assert events.name == NAME
    assert events.report.users > 12_000
    assert events.report.events > 100_000
    assert events.frame["user"].str.startswith("pandas.").any()
    assert {"len", ".append", "os.path.join", "numpy.asarray"} <= set(events.items["item"])
    dataset = prepare(events)
    assert len(dataset.sequences) > 8_000
    assert len(set(dataset.sequences.users)) == len(dataset.sequences)
    assert len(dataset.vocab) == 500


def test_building_twice_gives_the_same_table(few_sources: None, farzi_home: Path) -> None:
    first = read_python_calls()
    (cache,) = (farzi_home / "cache").iterdir()
    cache.rename(farzi_home / "aside")
    second = read_python_calls()
    assert first.frame.equals(second.frame)
    assert first.items.equals(second.items)


def test_the_cache_gives_the_same_table_without_parsing(few_sources: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cached_counts() is None
    first = read_python_calls()
    monkeypatch.setattr(python_calls, "_build", None)
    again = read_python_calls()
    assert again.frame.equals(first.frame)
    assert again.items.equals(first.items)
    assert again.report == first.report
    report = first.report
    assert cached_counts() == {"sequences": report.users, "events": report.events, "items": report.items}


def test_another_version_of_a_package_is_another_cache(few_sources: None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = python_calls._cache_folder()
    monkeypatch.setattr(python_calls, "REQUIREMENTS", ("filelock", "requests"))
    assert python_calls._cache_folder() != before


def test_a_damaged_cache_is_built_again(few_sources: None, farzi_home: Path) -> None:
    first = read_python_calls()
    (cache,) = (farzi_home / "cache").iterdir()
    (cache / "events.parquet").write_bytes(b"torn")
    assert read_python_calls().frame.equals(first.frame)
    (cache / "card.json").write_text("{")
    assert cached_counts() is None


def test_a_missing_package_costs_its_sequences_only(few_sources: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_calls, "REQUIREMENTS", ("filelock", "no-such-package-anywhere"))
    users = read_python_calls().frame["user"]
    assert users.str.startswith("filelock.").any()


def test_progress_rises_to_the_total(few_sources: None) -> None:
    seen: list[tuple[int, int]] = []
    read_python_calls(lambda done, total: seen.append((done, total)))
    assert len(seen) >= 3
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1] == sum(file.size for file in python_calls._files())


def test_times_are_positions_and_every_function_has_three_calls(few_sources: None) -> None:
    frame = read_python_calls().frame
    for _, rows in groupby(frame.itertuples(index=False), key=lambda row: row.user):
        times = [row.time for row in rows]
        assert times == list(range(1, len(times) + 1))
        assert len(times) >= 3


def test_a_package_gives_at_most_its_share_of_source(few_sources: None) -> None:
    sizes: dict[str, int] = {}
    for file in python_calls._files():
        sizes[file.group] = sizes.get(file.group, 0) + file.size
    assert set(sizes) == {STANDARD_LIBRARY, "filelock", "platformdirs"}
    assert max(sizes.values()) <= 300_000


@pytest.mark.parametrize(
    "path", ["pkg/tests/a.py", "pkg/_vendor/a.py", "../outside.py", "pkg/a.pyi", "plotly/graph_objs/x.py"]
)
def test_tests_generated_and_foreign_code_is_not_read(path: str) -> None:
    assert not python_calls._is_wanted(path)


def test_an_item_belongs_to_the_package_that_makes_most_of_its_calls() -> None:
    import pandas as pd

    items = pd.Series(["len"] * 40 + ["lock"] * 10, dtype="str")
    groups = pd.Series(["p"] * 20 + ["q"] * 20 + ["p"] * 9 + ["q"], dtype="str")
    catalogue = python_calls._catalogue(items, groups).set_index("item")["group"]
    assert catalogue.to_dict() == {"len": SHARED_GROUP, "lock": "p"}


def test_functions_of_equal_name_stay_apart() -> None:
    table = python_calls._table(["m.f", "m.f (2)"], [["a", "b", "c"], ["d", "e", "f"]], ["g", "g"], unread=1)
    assert table.report.users == 2
    assert table.report.findings[0].count == 1


def test_skipped_folders_are_not_entered(tmp_path: Path) -> None:
    for name in ("a.py", "pkg/b.py", "pkg/tests/c.py", "site-packages/d/e.py", "pkg/data.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert sorted(python_calls._walk(tmp_path)) == ["a.py", "pkg/b.py"]


def test_a_full_disk_costs_the_cache_and_not_the_data(few_sources: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "commit_folder", full)
    assert read_python_calls().report.users > 50
    assert cached_counts() is None


def test_a_parser_that_dies_is_a_sentence(few_sources: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit(3)")
    monkeypatch.setattr(python_calls.call_sequences, "__file__", str(broken))
    with pytest.raises(DatasetError, match="the child process that parses source failed"):
        read_python_calls()
