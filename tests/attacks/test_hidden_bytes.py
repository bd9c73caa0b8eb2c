"""Bytes that a viewer does not show: each is refused by its line."""

import pytest

from farzi_core.data.ingest import Input, import_events, preview
from farzi_core.data.mapping import Mapping
from farzi_core.data.source import ReadOptions
from farzi_core.errors import DatasetError

PAIRS = Mapping(user="user", item="item")


def items(content: bytes, encoding: str | None = None) -> list[str]:
    return import_events(Input(content, "x.csv", ReadOptions(encoding=encoding)), PAIRS).frame["item"].tolist()


@pytest.mark.parametrize("code", [*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
def test_control_bytes_are_refused_by_line(code: int) -> None:
    words = "a NUL byte" if code == 0 else f"the control character 0x{code:02x}"
    with pytest.raises(DatasetError, match=f"line 3: {words}; a file of text may hold printable characters"):
        items(b"user,item\nu,a\nv,b" + bytes([code]) + b"\nw,c\n")


def test_control_characters_of_unicode_are_refused_by_line() -> None:
    with pytest.raises(DatasetError, match=r"line 2: the control character U\+0085"):
        items("user,item\nu,a\x85\n".encode())


def test_a_control_byte_behind_a_million_rows_is_found() -> None:
    content = b"user,item\n" + b"u,a\n" * 1_000_000
    with pytest.raises(DatasetError, match="line 1000002: a NUL byte"):
        items(content + b"u,\x00\n")


@pytest.mark.parametrize(
    ("bad", "line"),
    [(b"u,\xe9\n", 2), (b"u,a\nu,\xff\n", 3), (b"u,\xc3", 2), (b"u,\xed\xa0\x80\n", 2), (b"u,\xc0\xaf\n", 2)],
)
def test_bytes_that_are_not_utf8_are_refused_by_line(bad: bytes, line: int) -> None:
    with pytest.raises(DatasetError, match=rf"line {line}: byte 0x.. is not valid UTF-8 .* choose the encoding"):
        items(b"user,item\n" + bad)


def test_a_bad_byte_on_the_edge_of_a_block_is_found_on_its_line() -> None:
    for size in range((1 << 20) - 4, (1 << 20) + 2):
        content = b"user,item\nu," + b"a" * (size - 12) + b"\xe2\x82\n"
        with pytest.raises(DatasetError, match="line 2: byte 0xe2 is not valid UTF-8"):
            items(content)


def test_a_character_on_the_edge_of_a_block_is_kept() -> None:
    start = b"user,item\n"
    row = b"u,a\n"
    rows = row * (((1 << 20) - len(start)) // len(row))
    for pad in range(4):
        content = start + b"u," + b"x" * pad + b"\n" * 0 + b"y\n" + rows + "u,€\n".encode() * 4
        assert items(content)[-1] == "€"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_another_encoding_is_read_only_when_chosen(encoding: str) -> None:
    content = "user,item\nu,café\n".encode(encoding)
    with pytest.raises(DatasetError, match="is not valid UTF-8"):
        items(content)
    assert items(content, encoding) == ["café"]


def test_utf16_is_named_and_read_when_chosen() -> None:
    content = "user,item\nu,café\n".encode("utf-16")
    with pytest.raises(DatasetError, match="UTF-16 mark; choose the encoding utf-16"):
        items(content)
    assert items(content, "utf-16") == ["café"]


def test_cp1252_read_as_latin_1_is_noticed() -> None:
    with pytest.raises(DatasetError, match=r"line 2: the control character U\+0080.*the file may be cp1252"):
        items("user,item\nu,10 €\n".encode("cp1252"), "latin-1")


def test_an_unknown_encoding_is_refused() -> None:
    for name in ("utf-7", "rot13", "zip", "idna", "../etc"):
        with pytest.raises(DatasetError, match="unknown encoding"):
            items(b"user,item\nu,a\n", name)


def test_lone_carriage_returns_are_refused_by_line() -> None:
    with pytest.raises(DatasetError, match=r"line 2: .*carriage return without line feed"):
        items(b"user,item\nu,a\rv,b\n")


def test_utf7_and_html_are_only_text() -> None:
    assert preview(b"user,item\n+ADw-script+AD4-,<b>\n", "x.csv").rows == (("+ADw-script+AD4-", "<b>"),)
