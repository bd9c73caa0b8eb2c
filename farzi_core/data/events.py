"""What reading a file yields: a validated event table, its item titles and an honest account of both."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from pydantic import BaseModel, ConfigDict

from farzi_core.data import columns


class Finding(BaseModel):
    """One thing the reader noticed: how many rows it touches, an example with its place, and what was done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    """Short machine name: duplicates, ties, short_users, missing_titles, cut_titles, ..."""
    count: int
    sentence: str
    """Plain text for people; may quote data, so it is shown as text and never as Markdown."""


class IngestReport(BaseModel):
    """What was read, what was set aside and why. Nothing is dropped without a line here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    format: str
    rows: int
    events: int
    users: int
    items: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class EventTable:
    """Events sorted by (user in order of first appearance, time, line); ids are the file's own strings.

    frame   columns user (str), item (str), time (float64); one row an event
    items   columns item (str), title (str), group (str); one row an item that occurs in `frame`
    """

    name: str
    frame: pd.DataFrame
    items: pd.DataFrame
    report: IngestReport
    source: str = "upload"
    licence: str = ""
    citation: str = ""
    parts: Mapping[str, str] | None = None  # user -> train, validation or test, where the data bring a split

    def __post_init__(self) -> None:
        assert list(self.frame.columns) == [columns.USER, columns.ITEM, columns.TIME]
        assert list(self.items.columns) == [columns.ITEM, columns.TITLE, columns.GROUP]
