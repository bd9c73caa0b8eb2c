"""Frames as files for other programs: CSV for people and spreadsheets, Parquet lossless.

A spreadsheet runs a cell that begins with one of `FORMULA_STARTERS` as a formula; in CSV such text gets a leading
apostrophe (OWASP ASVS 1.2.10). Numbers stay numbers. Parquet keeps every character.
"""

import io
from typing import Any

import numpy as np
import pandas as pd

FORMULA_STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


def csv(frame: pd.DataFrame) -> bytes:
    """UTF-8 with a byte order mark (spreadsheets need it); text cells and headers guarded, lists joined by blanks."""
    guarded = frame.copy()
    for column in guarded.columns:
        if not pd.api.types.is_numeric_dtype(guarded[column]):
            guarded[column] = guarded[column].map(_cell, na_action="ignore")
    guarded.columns = [guard(str(column)) for column in guarded.columns]
    content: str = guarded.to_csv(index=False, lineterminator="\r\n")
    return content.encode("utf-8-sig")


def guard(cell: str) -> str:
    """`cell` with a leading apostrophe if a spreadsheet could read it as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTERS) else cell


def parquet(frame: pd.DataFrame) -> bytes:
    """The frame as Parquet, lossless."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        value = " ".join(map(str, value))
    return guard(str(value))
