"""Tables that pandas, by default, reads wrongly without a word. Each is read exactly or refused."""

import io

import pandas as pd
import pytest

from farzi_core.data.ingest import Input, import_events
from farzi_core.data.mapping import Mapping
from farzi_core.errors import DatasetError

PAIRS = Mapping(user="user", item="item")


def pairs(content: str) -> list[list[str]]:
    frame = import_events(Input(content.encode(), "x.csv"), PAIRS).frame
    return frame[["user", "item"]].to_numpy().tolist()


def test_one_extra_field_in_every_row_does_not_shift_the_columns() -> None:
    content = "user,item\nu,a,x\nv,b,y\n"
    assert pd.read_csv(io.StringIO(content))["user"].tolist() == ["a", "b"]  # the silent shift
    with pytest.raises(DatasetError, match="line 2: 3 fields, but the first line has 2"):
        pairs(content)


def test_a_trailing_comma_in_every_row_does_not_shift_the_columns() -> None:
    with pytest.raises(DatasetError, match="line 2: 3 fields"):
        pairs("user,item\nu,a,\nv,b,\n")


def test_missing_fields_are_not_filled() -> None:
    content = "user,item\nu\nv,b\n"
    assert pd.read_csv(io.StringIO(content))["item"].isna().any()  # the silent gap
    with pytest.raises(DatasetError, match="line 2: 1 fields"):
        pairs(content)


def test_words_for_nothing_and_numbers_with_zeros_stay_ids() -> None:
    content = "user,item\nNA,007\nnull,7\nNone,7.0\nnan,1e0\n"
    assert pd.read_csv(io.StringIO(content))["user"].isna().all()  # the silent loss
    assert pairs(content) == [["NA", "007"], ["null", "7"], ["None", "7.0"], ["nan", "1e0"]]


def test_long_numbers_stay_exact() -> None:
    rows = [["12345678901234567890123", "1"], ["12345678901234567890124", "2"]]
    assert pairs("user,item\n" + "\n".join(",".join(row) for row in rows)) == rows


def test_hash_signs_and_thousands_separators_are_data() -> None:
    assert pairs('user,item\n#1,"1,000"\n') == [["#1", "1,000"]]


def test_a_semicolon_file_is_not_one_column() -> None:
    content = "user;item\nu;a\n"
    assert pd.read_csv(io.StringIO(content)).shape[1] == 1  # the silent single column
    assert pairs(content) == [["u", "a"]]


def test_a_changed_number_of_fields_deep_in_the_file_is_found() -> None:
    with pytest.raises(DatasetError, match="line 70002: 1 fields"):
        pairs("user,item\n" + "u,a\n" * 70_000 + "u\n" + "u,a\n")


@pytest.mark.parametrize("cell", ["inf", "-inf", "nan", "Infinity", "1e309", "0x10", "1_000", "१२", ""])
def test_times_that_python_would_take_are_refused(cell: str) -> None:
    content = f"user,item,time\nu,a,1207008000\nu,b,{cell}\n"
    with pytest.raises(DatasetError, match="line 3: 'time' is"):
        import_events(Input(content.encode(), "x.csv"), Mapping(user="user", item="item", time="time"))
