"""How the columns of tables about sequences and items are called, formatted and explained; one entry a column name."""

from functools import partial
from typing import Any

import streamlit as st

from farzi_core.views.terms import EVENTS, Terms

NUMBER, TEXT = st.column_config.NumberColumn, st.column_config.TextColumn
SHARE = partial(st.column_config.ProgressColumn, format="percent", min_value=0, max_value=1)


def columns(called: Terms) -> dict[str, Any]:
    """Every column; those whose name depends on the task in the words of that task."""
    words = {
        "decoded": TEXT(f"Most probable {called.items}", width=300),
        "distinct": NUMBER(f"Distinct {called.items}", help="Among the most probable ones."),
        "agreement": SHARE(f"Probability of the real {called.item}"),
    }
    if called is not EVENTS:
        words |= {
            "item": TEXT("Token"),
            "count": NUMBER(called.events.capitalize(), help=f"Among training {called.sequences}."),
            "title": TEXT(called.item.capitalize()),
            "user": TEXT(called.sequence.capitalize(), width=200),
            "offset": NUMBER(f"Starts at {called.event}", help=f"Of the real {called.sequence}, from 0."),
        }
    return COLUMNS | words


COLUMNS: dict[str, Any] = {
    # items
    "id": None,  # internal; the file's own id is shown
    "item": TEXT("Item id"),
    "title": TEXT("Title"),
    "group": TEXT("Group"),
    "count": NUMBER("Events", help="Among training users."),
    "cluster": NUMBER("Cluster", help="k-means on the columns of M."),
    "side": TEXT("Side"),
    "weight": NUMBER("Weight", format="%.3f"),
    # synthetic sequences
    "number": NUMBER("No.", width="small"),
    "entropy": NUMBER("Entropy, bits", format="%.2f", help="0 is certain; a mean where a row is a whole sequence."),
    "certainty": NUMBER("Top probability", format="percent", help="Mean over positions."),
    "distance": NUMBER(
        "Distance", format="%.3f", help="To the nearest training window: 0 is a copy, 1 shares nothing."
    ),
    "reference": NUMBER(
        "To another real one", format="%.3f", help="From the same places; looked up for a random sample only."
    ),
    "apart": NUMBER("Apart", format="%.3f", help="Euclidean distance of the columns of M."),
    # positions
    "position": NUMBER("Position", width="small"),
    "rank": NUMBER("Rank", width="small"),
    "probability": SHARE("Its probability"),
    # beside real sequences
    "user": TEXT("User", width=200),
    "offset": NUMBER("Starts at event", help="Of the real sequence, from 0; negative: before its first event."),
    "agreeing": NUMBER("Expected agreement", format="%.2f", help="Positions where both are expected to agree."),
    "window": TEXT("Real window", width="large"),
    "synthetic": TEXT("Synthetic"),
    "real": TEXT("Real"),
}
