"""Files for other programs: no formula gets through a CSV, numbers and lossless formats stay exact."""

import csv
import io

import fixtures
import numpy as np
import pandas as pd
import pytest

from farzi_core.views import export, sequences
from farzi_core.views.load import RunView

STARTERS = ["=", "+", "-", "@", "\t", "\r", "\n", "\0"]


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("starter", STARTERS)
def test_no_text_cell_and_no_header_starts_a_formula(starter: str) -> None:
    frame = pd.DataFrame({f"{starter}header": [f"{starter}1+1", "harmless"], "ok": [f"{starter}x", f" {starter}"]})
    table = rows_of(export.csv(frame))
    assert table[0][0] == f"'{starter}header"
    assert table[1] == [f"'{starter}1+1", f"'{starter}x"]
    assert table[2] == ["harmless", f" {starter}"]


def test_numbers_stay_numbers_and_round_trip_exactly() -> None:
    frame = pd.DataFrame({"a": [-1.5, 0.1 + 0.2, 1e-300], "b": np.array([-1, 2, 3]), "c": [True, False, True]})
    table = rows_of(export.csv(frame))[1:]
    assert [float(row[0]) for row in table] == frame["a"].tolist()
    assert [row[1:] for row in table] == [["-1", "True"], ["2", "False"], ["3", "True"]]


def test_missing_cells_are_empty_and_lists_are_words() -> None:
    frame = pd.DataFrame({"list": [[1, 2], [-3]], "text": ["a", None]})
    assert rows_of(export.csv(frame)) == [["list", "text"], ["1 2", "a"], ["'-3", ""]]


def test_the_downloaded_sequences_hold_no_formula(hostile: RunView) -> None:
    table = rows_of(export.csv(sequences.all_positions(hostile.synthetic, hostile.vocab, 12)))
    titles = {row[5] for row in table[1:]}
    assert not [one for one in titles if one.startswith(tuple(STARTERS))]
    assert '\'=HYPERLINK("http://evil.example")' in titles
    assert "'@SUM(A1)" in titles


def test_parquet_keeps_everything() -> None:
    frame = pd.DataFrame({"title": list(fixtures.HOSTILE_TITLES), "p": np.linspace(0, 1, 12)})
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(export.parquet(frame))), frame)
