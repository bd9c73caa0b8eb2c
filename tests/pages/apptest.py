"""The app under AppTest: one page of `pages/_main.py`, with everything a person would read on it."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

MAIN = Path(__file__).resolve().parents[2] / "pages" / "_main.py"
SECONDS = 20.0  # the first run of a page imports pandas and plotly


def open_page(page: str, **query: str) -> AppTest:
    """`page` (a file name) after one run, with these query parameters in the address."""
    at = AppTest.from_file(str(MAIN), default_timeout=SECONDS)
    at.switch_page(page)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def words(at: AppTest) -> str:
    """Every text of the page, one piece a line."""
    kinds = (
        at.title,
        at.header,
        at.subheader,
        at.markdown,
        at.caption,
        at.text,
        at.info,
        at.warning,
        at.error,
        at.success,
        at.code,
    )
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def assert_healthy(at: AppTest) -> None:
    """No traceback, and the page's guard met no problem it did not expect."""
    assert not at.exception, at.exception
    assert "did not expect" not in words(at)


def plain(value: str) -> str:
    """Text as a person sees it: without the marks that keep Markdown from reading it."""
    return value.replace("\\", "").replace("\N{WORD JOINER}", "")
