"""The replay player: a component that the browser draws (player.html, .css and .js), so that play is smooth."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_PARTS = {
    kind: Path(__file__).with_name(f"player.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")
}
_mount = st.components.v2.component("farzi_player", **_PARTS)


def player(data: dict[str, Any], key: str, stopped_at: Callable[[int], None]) -> None:
    """Draw the frames in `data` (`views.replay_player`); `stopped_at` hears the outer step a person stops at."""
    _mount(key=key, data=data, on_step_change=lambda: stopped_at(int(st.session_state[key].step)))
