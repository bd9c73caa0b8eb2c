"""Published files without a header line: recognised by the form of their cells, with the meaning of each column."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from farzi_core.data.mapping import Mapping

_INT = r"-?[0-9]{1,18}"
_RATING = r"[0-9](\.[0-9])?"
_UNIX = r"[0-9]{9,10}"
_ASIN = r"[A-Z0-9]{10}"
_FLAG = r"[01]"
_ANY = r".*"

GENRES = (  # the 19 flags of u.item, in the order of its u.genre
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """A headerless layout: every cell of a row matches the pattern of its column. Never quoted."""

    format: str
    delimiter: str
    columns: tuple[str, ...]
    patterns: tuple[str, ...]
    mapping: Mapping
    encoding: str = "utf-8"

    def fits(self, lines: Sequence[str]) -> bool:
        """Whether every line is a row of this shape."""
        rows = [line.split(self.delimiter) for line in lines]
        return bool(rows) and all(self._row_fits(row) for row in rows)

    def _row_fits(self, row: list[str]) -> bool:
        return len(row) == len(self.patterns) and all(
            re.fullmatch(pattern, cell) for pattern, cell in zip(self.patterns, row, strict=True)
        )


_RATINGS = Mapping(user="user", item="item", time="timestamp")
SHAPES = (
    Shape(
        "MovieLens ratings.dat", "::", ("user", "item", "rating", "timestamp"), (_INT, _INT, _RATING, _INT), _RATINGS
    ),
    Shape(
        "MovieLens movies.dat",
        "::",
        ("item", "title", "genres"),
        (_INT, _ANY, _ANY),
        Mapping(item="item", title="title", group="genres"),
        encoding="latin-1",
    ),
    Shape("MovieLens u.data", "\t", ("user", "item", "rating", "timestamp"), (_INT, _INT, _RATING, _UNIX), _RATINGS),
    Shape(
        "MovieLens u.item",
        "|",
        ("item", "title", "released", "video", "address", *GENRES),
        (_INT, _ANY, _ANY, _ANY, _ANY, *(_FLAG for _ in GENRES)),
        Mapping(item="item", title="title"),
        encoding="latin-1",
    ),
    Shape("Amazon ratings", ",", ("item", "user", "rating", "timestamp"), (_ASIN, _ANY, _RATING, _UNIX), _RATINGS),
    Shape(
        "Amazon ratings, user first",
        ",",
        ("user", "item", "rating", "timestamp"),
        (_ANY, _ASIN, _RATING, _UNIX),
        _RATINGS,
    ),
    Shape("SASRec user-item pairs", " ", ("user", "item"), (_INT, _INT), Mapping(user="user", item="item")),
)
