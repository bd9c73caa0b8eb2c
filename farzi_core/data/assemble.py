"""Columns of texts -> the event table: ids checked, times parsed, stable sort, findings counted.

Legend: N events, U users; arrays are [N] in file order until `sort`, then in table order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from farzi_core import limits
from farzi_core.data import columns
from farzi_core.data.events import Finding
from farzi_core.data.mapping import Mapping
from farzi_core.data.moments import Moments, parse_order, parse_times
from farzi_core.data.notices import about_order
from farzi_core.data.source import RawTable, Source
from farzi_core.errors import DatasetError

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Coded:
    """A column of ids as integers: `names[codes[n]]` is the id of event n; names are in order of first appearance."""

    codes: IntArray  # [N]
    names: Any  # pyarrow large_string array

    @property
    def texts(self) -> list[str]:
        listed: list[str] = self.names.to_pylist()
        return listed


@dataclass(frozen=True)
class Events:
    """Events in file order."""

    user: Coded
    item: Coded
    keys: tuple[npt.NDArray[Any], ...]  # exact sort keys within a user, most significant first; () is file order
    value: npt.NDArray[np.float64]  # what the time column holds
    findings: list[Finding]


def events_of(source: Source, mapping: Mapping, table: RawTable) -> Events:
    """The events of a table, in file order; raises `DatasetError` with place, value and rule."""
    if mapping.sequence is not None:
        return _from_sequences(source, mapping, table)
    assert mapping.user is not None
    assert mapping.item is not None
    user = _ids(table.columns[mapping.user], "user", mapping.user, source)
    item = _ids(table.columns[mapping.item], "item", mapping.item, source)
    moments = _moments(source, mapping, table)
    if not moments:
        return Events(
            user, item, (), np.arange(1.0, table.rows + 1), [_file_order("no time or order column is chosen")]
        )
    findings = [
        Finding(
            kind=f"order_{one.kind}", count=table.rows, sentence=f"Events of a user are in the order of {one.sentence}."
        )
        for one in moments
    ]
    return Events(user, item, tuple(one.key for one in moments), moments[0].value, findings)


def sort(events: Events) -> tuple[pd.DataFrame, list[Finding]]:
    """The frame user, item, time sorted by (user in order of first appearance, keys, line), and what was noticed."""
    order = np.lexsort((*reversed(events.keys), events.user.codes))  # stable: equal keys stay in file order
    users, items = events.user.codes[order], events.item.codes[order]
    keys = [key[order] for key in events.keys]
    frame = pd.DataFrame(
        {
            columns.USER: events.user.names.take(pa.array(users)).to_pandas(),
            columns.ITEM: events.item.names.take(pa.array(items)).to_pandas(),
            columns.TIME: events.value[order],
        }
    )
    return frame, about_order(users, items, keys)


def _moments(source: Source, mapping: Mapping, table: RawTable) -> list[Moments]:
    found = []
    if mapping.time is not None:
        found.append(parse_times(table.columns[mapping.time], mapping.time, source.place))
    if mapping.order is not None:
        found.append(parse_order(table.columns[mapping.order], mapping.order, source.place))
    return found


def _file_order(why: str) -> Finding:
    return Finding(kind="order_file", count=0, sentence=f"Events of a user are in the order of the file: {why}.")


def _ids(texts: Any, role: str, name: str, source: Source) -> Coded:
    """Ids of a column as codes; raises `DatasetError` for a type, a length or a character that no id has."""
    kind = source.kind_of(name)
    if pa.types.is_list(texts.type) or kind not in ("text", "integer"):
        raise DatasetError(
            f"{role} = {name!r} holds {kind if kind != 'text' else 'list'} values; ids are texts or whole numbers"
        )
    coded = _encode(texts)
    _check_ids(coded, role, name, source.place)
    return coded


def _encode(texts: Any) -> Coded:
    coded = texts.dictionary_encode().combine_chunks()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.chunk(0)
    return Coded(coded.indices.to_numpy().astype(np.int64), coded.dictionary)


def _check_ids(coded: Coded, role: str, name: str, place: Callable[[int], str]) -> None:
    rules = (
        (pc.equal(coded.names, ""), "is empty; every event needs an id there"),
        (
            pc.greater(pc.utf8_length(coded.names), limits.MAX_ID_LENGTH),
            f"is longer than {limits.MAX_ID_LENGTH} characters",
        ),
        (pc.match_substring_regex(coded.names, r"\p{Cc}"), "holds a control character; ids are printable"),
    )
    for bad, rule in rules:
        code = pc.index(bad, True).as_py()
        if code >= 0:
            row = int(np.argmax(coded.codes == code))
            raise DatasetError(f"{place(row)}: {role} ({name!r}) {coded.names[code].as_py()[:60]!r} {rule}")


def _from_sequences(source: Source, mapping: Mapping, table: RawTable) -> Events:
    """One row a sequence: cells are split at spaces and tabs, or are lists."""
    assert mapping.sequence is not None
    lists, findings = _split(table.columns[mapping.sequence])
    lengths = pc.list_value_length(lists).to_numpy()
    row_of = np.repeat(np.arange(table.rows), lengths)  # [N] row of each event
    item = _encode(pa.chunked_array([lists.flatten()]))
    _check_ids(item, "item", mapping.sequence, lambda event: source.place(int(row_of[event])))
    if mapping.user is not None:
        rows = _ids(table.columns[mapping.user], "user", mapping.user, source)
    else:
        rows = _encode(pa.chunked_array([pc.cast(pa.array(np.arange(1, table.rows + 1)), pa.large_string())]))
    empty = int((lengths == 0).sum())
    if empty:
        at = source.place(int(np.argmax(lengths == 0)))
        findings.append(
            Finding(
                kind="empty_sequences",
                count=empty,
                sentence=f"{empty:,} rows hold an empty sequence, the first at {at}; they give no events.",
            )
        )
    findings.append(_file_order("each row is a sequence"))
    return Events(rows_used(rows, row_of), item, (), np.arange(1.0, len(row_of) + 1), findings)


def rows_used(rows: Coded, row_of: IntArray) -> Coded:
    """The ids of rows repeated for their events; ids of empty rows are left out."""
    used = np.unique(rows.codes[row_of])
    return Coded(np.searchsorted(used, rows.codes[row_of]), rows.names.take(pa.array(used)))


def _split(cells: Any) -> tuple[Any, list[Finding]]:
    """(list array [rows], findings) from cells that are texts or already lists."""
    if pa.types.is_list(cells.type):
        lists = cells.combine_chunks()
        count = len(lists.flatten())
    else:
        trimmed = pc.ascii_trim_whitespace(cells)
        count = pc.sum(pc.count_substring_regex(trimmed, r"\s+")).as_py() + len(trimmed)
        if count <= limits.MAX_EVENTS:
            lists = pc.ascii_split_whitespace(trimmed).combine_chunks()
            lists = _without_empty(lists)
    if count > limits.MAX_EVENTS:
        raise DatasetError(
            f"the sequences hold {count:,} events; at most {limits.MAX_EVENTS:,} are read, take a sample"
        )
    if len(lists.flatten()) == 0:
        raise DatasetError("all sequences are empty; choose the column that holds the items, separated by spaces")
    return lists, []


def _without_empty(lists: Any) -> Any:
    """An empty cell splits into one empty text; make it an empty list."""
    values, lengths = lists.flatten(), pc.list_value_length(lists).to_numpy()
    keep = pc.not_equal(values, "")
    row_of = np.repeat(np.arange(len(lengths)), lengths)[keep.to_numpy(zero_copy_only=False)]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row_of, minlength=len(lengths)))])
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), values.filter(keep))
