"""Which column means what: the user's choice, and a guess to start from with the reason for it."""

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from farzi_core.data.moments import looks_like_time
from farzi_core.errors import DatasetError

Role = Literal["user", "item", "order", "time", "title", "group", "sequence"]
Confidence = Literal["known", "name", "position", "none"]
ROLES: tuple[Role, ...] = ("user", "item", "order", "time", "title", "group", "sequence")


class Mapping(BaseModel):
    """Column names by role; None where the table has no such column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str | None = None
    """Whose sequence an event belongs to: a user, a session, a song."""
    item: str | None = None
    """What happened."""
    order: str | None = None
    """A number that orders the events of a user."""
    time: str | None = None
    """Unix seconds or milliseconds, or ISO 8601."""
    title: str | None = None
    """The item's name for people."""
    group: str | None = None
    """The item's genre, category or package."""
    sequence: str | None = None
    """A whole sequence in one cell, items separated by spaces (or a list)."""

    def chosen(self) -> dict[Role, str]:
        """The roles that have a column."""
        return {role: name for role in ROLES if (name := getattr(self, role)) is not None}


class Guess(BaseModel):
    """A mapping to preselect, how sure it is, and why: one sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mapping: Mapping
    confidence: Confidence
    """known: the format fixes the columns; name: column names say so; position: only the order of columns; none."""
    reason: str


_NAMES: dict[Role, str] = {
    "sequence": "sequence|sequences|items|itemlist|itemidlist|itemsequence|tokens|chords|history|events|path",
    "user": "user|userid|uid|username|session|sessionid|sid|visitor|visitorid|customer|customerid|reviewer|reviewerid"
    "|account|accountid|member|memberid|client|clientid|player|playerid|patient|patientid|playlist|playlistid|case|caseid"
    "|song|songid|sequenceid|seqid",
    "item": "item|itemid|iid|asin|parentasin|product|productid|movie|movieid|track|trackid|article|articleid|sku|video"
    "|videoid|book|bookid|isbn|artist|artistid|page|pageid|url|event|eventname|action|activity|token|code|page2clothingmodel",
    "order": "order|position|pos|step|rank|eventorder|sequencenumber|seqno|eventindex|clickorder|ordinal",
    "time": "timestamp|time|datetime|date|ts|unixtime|unixreviewtime|reviewtime|eventtime|createdat|created|visitedat"
    "|ratingtimestamp|playedat|watchedat|clicktime",
    "title": "title|name|itemname|itemtitle|movietitle|productname|producttitle|trackname|booktitle|label|description",
    "group": "group|genre|genres|category|categories|class|brand|department|itemcategory|productcategory|type"
    "|maincategory|page1maincategory",
}
_GAPS = re.compile(r"[^a-z0-9]+")


def guess(columns: Sequence[str], rows: Sequence[Sequence[str]], chosen: Mapping | None = None) -> Guess:
    """The likeliest mapping of a table, from its column names, its first rows and what the user `chosen` already."""
    given = {role: name for role, name in (chosen or Mapping()).chosen().items() if name in columns}
    found = {**_by_name([name for name in columns if name not in given.values()]), **given}
    if "sequence" not in found and (cell := _sequence_column(columns, rows)):
        found["sequence"] = cell
    if "sequence" in found and not _is_sequence(found["sequence"], columns, rows):
        del found["sequence"]
    if "sequence" in found:
        mapping = Mapping(user=found.get("user"), sequence=found["sequence"])
        return Guess(
            mapping=mapping, confidence="name", reason=f"the cells of {mapping.sequence!r} hold whole sequences"
        )
    if "item" in found and ("user" in found or "title" in found):
        named = ", ".join(f"{role} = {name!r}" for role, name in found.items())
        return Guess(mapping=Mapping(**found), confidence="name", reason=f"by column names: {named}")
    return _by_position(columns, rows, found)


def merge(guessed: Guess, chosen: Mapping) -> Mapping:
    """What the user chose, completed by the guess where the two do not contradict each other."""
    given = chosen.chosen()
    rest = {role: name for role, name in guessed.mapping.chosen().items() if name not in given.values()}
    if "order" in given or "time" in given:
        rest = {role: name for role, name in rest.items() if role not in ("order", "time")}
    if "sequence" in given:
        rest = {role: name for role, name in rest.items() if role == "user"}
    if "item" in given:
        rest.pop("sequence", None)
    return Mapping(**{**rest, **given})


def completed(guessed: Guess, columns: Sequence[str], rows: Sequence[Sequence[str]], chosen: Mapping) -> Mapping:
    """`chosen` with the rest from a guess; a guess by position alone is never taken without being asked."""
    if guessed.confidence != "known":
        guessed = guess(columns, rows, chosen)
    return chosen if guessed.confidence in ("position", "none") else merge(guessed, chosen)


def check(mapping: Mapping, columns: Sequence[str]) -> None:
    """Raise `DatasetError` unless `mapping` names existing columns, each for one role, enough for events."""
    roles = mapping.chosen()
    for role, name in roles.items():
        if name not in columns:
            raise DatasetError(
                f"{role} = {name!r}: there is no such column; the table has {', '.join(map(repr, columns))}"
            )
    taken: dict[str, Role] = {}
    for role, name in roles.items():
        if name in taken and not {role, taken[name]} == {"item", "title"}:
            raise DatasetError(f"column {name!r} is chosen as {taken[name]} and as {role}; choose one role for it")
        taken[name] = role
    _check_enough(mapping)


def _check_enough(mapping: Mapping) -> None:
    if mapping.sequence is not None:
        for role in ("item", "order", "time", "title", "group"):
            if getattr(mapping, role) is not None:
                raise DatasetError(
                    f"sequence = {mapping.sequence!r} already gives items and their order; leave out {role} = "
                    f"{getattr(mapping, role)!r}"
                )
    elif mapping.user is None or mapping.item is None:
        missing = "user" if mapping.user is None else "item"
        raise DatasetError(f"no column is chosen as {missing}; choose user and item, or one column as sequence")


def _key(name: str) -> str:
    return _GAPS.sub("", name.lower())


def _by_name(columns: Sequence[str]) -> dict[Role, str]:
    """The column with the best-known name a role; a column gets one role at most."""
    found: dict[Role, str] = {}
    keys = {_key(name): name for name in reversed(columns)}
    for role, names in _NAMES.items():
        name = next((keys[key] for key in names.split("|") if key in keys and keys[key] not in found.values()), None)
        if name is not None:
            found[role] = name
    return found


def _cells(name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    at = list(columns).index(name)
    return [row[at] for row in rows]


def _is_sequence(name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Half of the cells have three words or more, and words come back: items do, words of titles hardly."""
    split = [cell.split() for cell in _cells(name, columns, rows)]
    words = [word for cell in split for word in cell]
    long = sum(len(cell) >= 3 for cell in split)
    return bool(split) and 2 * long >= len(split) and len(set(words)) < 0.8 * len(words)


def _sequence_column(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str | None:
    """A column whose cells are sequences though its name does not say so: 8 words or more in most cells."""
    for name in columns:
        lengths = sorted(len(cell.split()) for cell in _cells(name, columns, rows))
        if lengths and lengths[len(lengths) // 2] >= 8 and _is_sequence(name, columns, rows):
            return name
    return None


def _by_position(columns: Sequence[str], rows: Sequence[Sequence[str]], found: dict[Role, str]) -> Guess:
    """First column user, next item, and a column of times: only a start for the user's own choice."""
    rest = [name for name in columns if name not in found.values()]
    if "time" not in found and "order" not in found:
        time = next((name for name in rest[2:] if looks_like_time(_cells(name, columns, rows))), None)
        if time is not None:
            found["time"] = time
            rest.remove(time)
    for role in ("user", "item"):
        if role not in found and rest:
            found[role] = rest.pop(0)
    if "user" not in found or "item" not in found:
        return Guess(mapping=Mapping(**found), confidence="none", reason="no columns for user and item were recognised")
    return Guess(
        mapping=Mapping(**found),
        confidence="position",
        reason=f"only by position: {found['user']!r} as user, {found['item']!r} as item; please check",
    )
