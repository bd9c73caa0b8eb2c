"""A text before it is cut into tokens: sentences in reading order, which part each belongs to, and how it was read.

Tokens are made when a run is prepared (`token_table`), because tokeniser and vocabulary are settings of the run.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from farzi_core.data import columns
from farzi_core.data.events import Finding, IngestReport

TokeniserKind = Literal["words", "spaces", "characters", "subwords"]


@dataclass(frozen=True)
class Corpus:
    """Sentences (or lines) of a text; none is empty, none holds a line end.

    frame       columns user (str, unique: which sentence), part (str), text (str), in reading order
    tokeniser   what the text asks for where a run does not say: its words are separated already, or letters matter
    """

    name: str
    frame: pd.DataFrame
    report: IngestReport
    source: str = "upload"
    licence: str = ""
    citation: str = ""
    tokeniser: TokeniserKind = "words"

    def __post_init__(self) -> None:
        assert list(self.frame.columns) == [columns.USER, columns.PART, columns.TEXT]

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def texts(self) -> list[str]:
        listed: list[str] = self.frame[columns.TEXT].tolist()
        return listed


def corpus_frame(users: Sequence[str], parts: Sequence[str], texts: Sequence[str]) -> pd.DataFrame:
    """The frame of a corpus from one entry a sentence."""
    listed = {columns.USER: users, columns.PART: parts, columns.TEXT: texts}
    return pd.DataFrame({name: pd.Series(list(values), dtype="str") for name, values in listed.items()})


def report_of(
    file: str, layout: str, rows: int, texts: Sequence[str], letters: bool, findings: tuple[Finding, ...] = ()
) -> IngestReport:
    """What was read: `events` are words between spaces, or characters where `letters`; `items` the different ones."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(text if letters else text.split())
    return IngestReport(
        file=file,
        format=layout,
        rows=rows,
        events=found.total(),
        users=len(texts),
        items=len(found),
        findings=findings,
    )
