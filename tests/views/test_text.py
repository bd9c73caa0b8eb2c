"""Foreign text is shown literally; what Chromium makes of `markdown` was tried out with these very strings."""

import re

import fixtures
import pytest
from markdown_it import MarkdownIt

from farzi_core.views import text

LINKS = ("http://evil.example/a", "www.evil.example", "me@evil.example", "mailto:me@evil.example", "[x](javascript:0)")
MARKS = (
    ":smile:",
    ":streamlit:",
    ":red[x]",
    "a -> b <- c -- d",
    "# head",
    "1. one",
    "- one",
    "> quote",
    "~~s~~",
    "$x^2$",
)
CODES = ("`code`", "```\ncode\n```", "    code", "&lt;b&gt;", "<!-- c -->", "| a |\n|---|", "\\*", "trailing\\")


@pytest.mark.parametrize("foreign", [*fixtures.HOSTILE_TITLES, *LINKS, *MARKS, *CODES])
def test_markdown_renders_to_one_paragraph_of_the_same_words(foreign: str) -> None:
    html = MarkdownIt("commonmark").render(text.markdown(foreign)).strip()
    inner = re.fullmatch(r"<p>(.*)</p>", html, re.DOTALL)
    assert inner, html
    assert "<" not in inner[1], "no tag of any kind"
    shown = inner[1].replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    assert shown.replace(text.JOINER, "").strip() == text.visible(foreign).strip()


@pytest.mark.parametrize(
    "pattern", [r"https?://", r"www\.", r"\w@\w", r":\w+:", r":\w+\[", r"->", r"<-", r"--"], ids=lambda one: one
)
def test_nothing_is_left_that_streamlit_replaces_after_reading_markdown(pattern: str) -> None:
    for foreign in (*fixtures.HOSTILE_TITLES, *LINKS, *MARKS, *CODES):
        plain = re.sub(r"\\(.)", r"\1", text.markdown(foreign))
        assert not re.search(pattern, plain, re.IGNORECASE), plain


def test_plotly_text_has_no_tag_and_keeps_quotes() -> None:
    assert text.plotly("<a href=\"x\">b</a> & 'c'") == "&lt;a href=\"x\"&gt;b&lt;/a&gt; &amp; 'c'"
    assert text.plotly("$\\frac{1}{2}$") == "&#36;\\frac{1}{2}&#36;"


def test_visible_replaces_what_hides_or_reorders_and_keeps_writing_systems() -> None:
    assert text.visible("a\nb\tc\0d\u202ee\u2066f\u2028g") == "a�b�c�d�e�f�g"
    for kept in ("naïve", "日本語", "שלום", "می\u200cخواهم", "👩\u200d🔬"):
        assert text.visible(kept) == kept


def test_truncate_keeps_short_text_and_marks_a_cut() -> None:
    assert text.truncate("abcde", 5) == "abcde"
    assert text.truncate("abcdef", 5) == "abcd…"
    assert text.truncate("abc def", 5) == "abc…"
