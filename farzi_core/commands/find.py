"""Which run a command means: an id, the number of its creation, or `last`."""

from typing import Annotated

import typer

from farzi_core.commands.show import UsageError
from farzi_core.errors import FarziError
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store

Chosen = Annotated[str, typer.Argument(metavar="RUN", help="Run id, its number in `runs list`, or `last`.")]


def find_run(words: str) -> Run:
    """The run; raises `UsageError` where there is none."""
    store = Store()
    listed = store.list() if words == "last" or words.isdecimal() else []
    if words == "last" and listed:
        words = listed[0].id
    elif listed:
        words = next((one.id for one in listed if one.number == int(words)), words)
    try:
        return store.open(words)
    except FarziError as error:
        raise UsageError(f"{error}. `python -m farzi_core runs list` shows all.") from None
