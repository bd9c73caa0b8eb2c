"""Bytes -> checked UTF-8 bytes: strict decoding, no NUL, no control characters, no endless lines.

Every later step may therefore decode without looking, and a line number found here is a line of the user's file.
Encodings are never guessed from content: UTF-8 (with or without a mark) is the default, others are the user's choice.
"""

import codecs
import re

from farzi_core import limits
from farzi_core.errors import DatasetError

ENCODINGS = ("utf-8", "latin-1", "cp1252", "utf-16", "cp1251", "shift_jis", "gb18030", "euc-kr", "big5")
_STEP = 1 << 20  # bytes decoded at a time
_CONTROLS = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])  # C0 and DEL without tab, LF, CR
_FIRST_CONTROL = re.compile(b"[" + re.escape(_CONTROLS) + b"]")
_C1 = re.compile(b"\xc2[\x80-\x9f]")  # U+0080..U+009F in UTF-8
_LONE_CR = re.compile(rb"\r(?!\n)")


def to_utf8(data: bytes, encoding: str | None = None) -> bytes:
    """`data` as UTF-8 without a byte order mark; raises `DatasetError` with the line of the first bad byte."""
    chosen = encoding or "utf-8"
    if chosen not in ENCODINGS:
        raise DatasetError(f"unknown encoding {chosen!r}; choose one of {', '.join(ENCODINGS)}")
    if chosen == "utf-8":
        _refuse_utf16(data)
        text = data.removeprefix(codecs.BOM_UTF8)
        _check_utf8(text)
    else:
        text = _transcode(data, chosen)
    _check_controls(text, chosen)
    check_lines(text)
    return text


def check_lines(data: bytes) -> None:
    """Raise `DatasetError` if a line is longer than `MAX_LINE_BYTES`; looks at few bytes of a file of short lines."""
    start = 0
    while len(data) - start > limits.MAX_LINE_BYTES:
        end = data.rfind(b"\n", start, start + limits.MAX_LINE_BYTES + 1)
        if end < 0:
            raise DatasetError(
                f"line {line_at(data, start)} has more than {limits.MAX_LINE_BYTES:,} bytes, the most that is read; "
                "break it into lines, in a table one event or one sequence each"
            )
        start = end + 1


def line_at(data: bytes, position: int) -> int:
    """1-based number of the line that holds byte `position`."""
    return data.count(b"\n", 0, position) + 1


def _refuse_utf16(data: bytes) -> None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DatasetError("the file starts with a UTF-16 mark; choose the encoding utf-16, or save it as UTF-8")


def _check_utf8(data: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    for start in range(0, len(data), _STEP):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(data[start : start + _STEP], final=start + _STEP >= len(data))
        except UnicodeDecodeError as error:
            place = start - pending + error.start
            raise DatasetError(
                f"line {line_at(data, place)}: byte 0x{data[place]:02x} is not valid UTF-8 ({error.reason}); "
                "choose the encoding the file was written in (often latin-1 or cp1252), or save it as UTF-8"
            ) from None


def _transcode(data: bytes, encoding: str) -> bytes:
    try:
        return data.decode(encoding).encode("utf-8")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"line {line_at(data, error.start)}: byte 0x{data[error.start]:02x} is not valid {encoding} "
            f"({error.reason}); choose another encoding"
        ) from None
    except UnicodeEncodeError:
        raise DatasetError(
            f"the file holds half characters (surrogates) when read as {encoding}; choose another"
        ) from None


def _check_controls(data: bytes, encoding: str) -> None:
    for start in range(0, len(data), _STEP):
        part = data[start : start + _STEP]
        if len(part.translate(None, _CONTROLS)) != len(part):
            found = _FIRST_CONTROL.search(data, start)
            assert found is not None
            raise _control_error(data, found.start(), f"0x{data[found.start()]:02x}", "")
    if found := _C1.search(data):
        hint = "; the file may be cp1252" if encoding == "latin-1" else ""
        raise _control_error(data, found.start(), f"U+{data[found.start() + 1]:04X}", hint)
    if data.count(b"\r") != data.count(b"\r\n"):
        found = _LONE_CR.search(data)
        assert found is not None
        raise _control_error(data, found.start(), "0x0d (carriage return without line feed)", "")


def _control_error(data: bytes, position: int, seen: str, hint: str) -> DatasetError:
    kind = "a NUL byte" if seen == "0x00" else f"the control character {seen}"
    return DatasetError(
        f"line {line_at(data, position)}: {kind}; a file of text may hold printable characters, tabs and line ends "
        f"only. It is damaged, or not text{hint}"
    )
