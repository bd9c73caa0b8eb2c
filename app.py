"""Farzi Studio: `streamlit run app.py` or `python app.py`.

The launcher runs `pages/_main.py`, where the navigation lives. It is separate so that a link to any page works on a
freshly started server: Streamlit's own discovery of `pages/` would open the bare page file (docs/adr/0001-launcher.md).
"""

import ctypes
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

# The server must stay small (README, limits) and holds small tables only. Arrow's own allocator keeps what it freed;
# glibc's heap for every thread costs 5 MB after a walk through the pages (M_ARENA_MAX is -8 in malloc.h).
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
    libc.mallopt(-8, 1)

import streamlit as st

from farzi_core.errors import FarziError
from farzi_core.runs import launcher

if not hasattr(st, "App"):
    sys.exit(
        f"Farzi Studio needs streamlit 1.67 or newer, found {st.__version__}: run `pip install -r requirements.txt`."
    )


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Before the first page: adopt running workers, mark runs whose worker died, start the next in the queue."""
    try:
        launcher.reconcile()
    except FarziError as error:  # the pages say it too; an app that does not start could not
        logging.getLogger("farzi.app").warning("runs were not looked after: %s", error)
    yield


app = st.App(Path(__file__).resolve().parent / "pages" / "_main.py", lifespan=lifespan)

if __name__ == "__main__":
    app.run()
