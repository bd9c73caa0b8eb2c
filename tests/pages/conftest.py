"""Pages under test tell everything about an exception, and start without what an earlier test cached."""

import pytest
import streamlit as st


@pytest.fixture(autouse=True)
def full_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLIT_CLIENT_SHOW_ERROR_DETAILS", "full")
    st.cache_data.clear()
    st.cache_resource.clear()
