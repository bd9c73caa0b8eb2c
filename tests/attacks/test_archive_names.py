"""Member names of a zip never become a path: nothing is written, and unknown layouts are refused."""

import io
import zipfile
from pathlib import Path

import pytest

from farzi_core.data.ingest import Input, import_events
from farzi_core.data.mapping import Mapping
from farzi_core.errors import DatasetError

DATA = b"196\t242\t3\t881250949\n196\t302\t3\t881250950\n"
NAMES = (
    "../evil.csv",
    "../../../../tmp/evil.csv",
    "/etc/evil.csv",
    "..\\evil.csv",
    "C:\\evil.csv",
    "\\\\server\\share\\evil.csv",
    "ml-100k/../../u.data",
    "ML-100K/U.DATA",
    "ml-100k/u.data/",
    "%2e%2e/u.data",
    "x" * 300,
    "\u202eatad.u",
    "con",
)


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return sink.getvalue()


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_alone_are_an_unknown_layout(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = everything(tmp_path)
    with pytest.raises(DatasetError, match="none of the known layouts"):
        import_events(Input(zip_of((name, DATA)), "ml-100k.zip"), Mapping())
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_beside_a_known_member_are_not_touched(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = everything(tmp_path)
    table = import_events(Input(zip_of((name, b"evil"), ("ml-100k/u.data", DATA)), "ml-100k.zip"), Mapping())
    assert table.report.events == 2
    assert everything(tmp_path) == before


def test_a_link_member_is_read_as_the_text_it_is() -> None:
    link = zipfile.ZipInfo("ml-100k/u.data")
    link.external_attr = 0o120777 << 16
    with pytest.raises(DatasetError):
        import_events(Input(zip_of((link, b"/etc/passwd")), "ml-100k.zip"), Mapping())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_occurs_twice_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"holds 'ml-100k/u.data' 2 times"):
        import_events(Input(zip_of(("ml-100k/u.data", DATA), ("ml-100k/u.data", DATA)), "x.zip"), Mapping())


def test_an_encrypted_or_oddly_packed_member_is_refused() -> None:
    content = bytearray(zip_of(("ml-100k/u.data", DATA)))
    place = content.rfind(b"PK\x01\x02")
    encrypted = content[: place + 8] + b"\x01" + content[place + 9 :]
    odd = content[: place + 10] + b"\x0c" + content[place + 11 :]
    for changed, words in ((encrypted, "is encrypted"), (odd, "compression method 12")):
        with pytest.raises(DatasetError, match=words):
            import_events(Input(bytes(changed), "x.zip"), Mapping())


def test_every_truncation_of_a_zip_is_refused_in_words() -> None:
    content = zip_of(("ml-100k/u.data", DATA))
    for length in range(4, len(content)):
        with pytest.raises(DatasetError):
            import_events(Input(content[:length], "x.zip"), Mapping())


def test_every_changed_byte_of_a_zip_is_refused_or_harmless() -> None:
    content = zip_of(("ml-100k/u.data", DATA))
    for place in range(4, len(content)):
        changed = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        try:
            table = import_events(Input(changed, "x.zip"), Mapping())
        except DatasetError:
            continue
        assert table.frame["item"].tolist() == ["242", "302"]
