"""Events made by Farzi itself (built-in data) -> event table. Files go through `ingest` instead."""

import numpy as np
import pandas as pd

from farzi_core.data import columns
from farzi_core.data.events import EventTable, Finding, IngestReport

Strings = pd.Series | list[str]


def table_of(
    name: str,
    source: str,
    users: Strings,
    items: Strings,
    catalogue: pd.DataFrame,
    *,
    licence: str,
    citation: str = "",
    findings: tuple[Finding, ...] = (),
) -> EventTable:
    """A table of events that are already in order; time is the position in the user's sequence (1, 2, ...).

    `users` and `items` are one entry an event, users contiguous; `catalogue` has columns item, title, group.
    """
    frame = pd.DataFrame({columns.USER: pd.Series(users, dtype="str"), columns.ITEM: pd.Series(items, dtype="str")})
    codes, ids = pd.factorize(frame[columns.USER])
    starts = np.searchsorted(codes, np.arange(len(ids)))
    frame[columns.TIME] = (np.arange(len(frame)) - starts[codes] + 1).astype(np.float64)
    catalogue = catalogue[[columns.ITEM, columns.TITLE, columns.GROUP]].astype("str").reset_index(drop=True)
    report = IngestReport(
        file=name,
        format="built-in",
        rows=len(frame),
        events=len(frame),
        users=len(ids),
        items=len(catalogue),
        findings=findings,
    )
    return EventTable(name, frame, catalogue, report, source, licence, citation)
