"""The one folder Farzi Studio writes to: `FARZI_HOME`, or the platform's user data folder."""

import os
from pathlib import Path

from platformdirs import user_data_path


def home() -> Path:
    """The data home; holds `runs/`, `datasets/` and `cache/`. Read at each call: tests move it."""
    chosen = os.environ.get("FARZI_HOME")
    return Path(chosen).expanduser().resolve() if chosen else user_data_path("farzi-studio", appauthor=False)
