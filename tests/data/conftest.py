"""Event tables with visible values for the tests of farzi_core.data."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from farzi_core.data.events import EventTable
from farzi_core.data.tables import table_of

MakeEvents = Callable[..., EventTable]


@pytest.fixture
def make_events() -> MakeEvents:
    """make_events({"ann": "a b c"}, titles={"a": "Apple"}): one sequence a user, items separated by spaces."""

    def make(sequences: dict[str, str], titles: dict[str, str] | None = None, **rest: Any) -> EventTable:
        users = [user for user, text in sequences.items() for _ in text.split()]
        items = [item for text in sequences.values() for item in text.split()]
        names = list(dict.fromkeys(items))
        catalogue = pd.DataFrame({"item": names, "title": [(titles or {}).get(one, "") for one in names], "group": ""})
        return table_of("made by hand", "test", users, items, catalogue, licence="none", **rest)

    return make
