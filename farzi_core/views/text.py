"""Foreign text (item titles, user ids, run names) made harmless for the place where it is shown.

`st.dataframe`, `st.text` and `st.code` show text literally and need only `visible`. Everything else needs more:
Streamlit reads Markdown in labels, titles and messages (an image in a title would make the viewer's browser call out),
and plotly reads a few HTML tags in every text of a figure.
"""

import html
import re
import unicodedata

ELLIPSIS = "…"
REPLACED = "\N{REPLACEMENT CHARACTER}"
JOINER = "\N{WORD JOINER}"  # invisible, no width
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&=^@/\"'])")
# Replaced by Streamlit after the escapes are gone: links (http://, www., a@b), :icons:, arrows and dashes.
_REPLACED = re.compile(r"[:@]|www(?=\.)|-(?=[->])|<(?=-)", re.IGNORECASE)
_BREAKING = {"Cc", "Cs", "Zl", "Zp"}  # controls and line breaks
_REORDERING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn round what stands beside them


def visible(text: str) -> str:
    """`text` with controls, line breaks and direction overrides replaced by `�`, so that it stays one honest line."""
    return "".join(REPLACED if one in _REORDERING or unicodedata.category(one) in _BREAKING else one for one in text)


def markdown(text: str) -> str:
    """`text` for a place where Streamlit reads Markdown: shown literally, no link, image, icon, colour or formula."""
    broken = _REPLACED.sub(lambda found: found[0] + JOINER, visible(text).lstrip(" "))  # leading blanks mean code
    return _MARKDOWN.sub(r"\\\1", broken)


def plotly(text: str) -> str:
    """`text` for a label, tick, legend or hover text of a figure: shown literally, no tag and no link."""
    escaped = html.escape(visible(text), quote=False)  # plotly would show &quot; as it stands
    return escaped.replace("$", "&#36;")  # a $ could open a formula


def truncate(text: str, length: int) -> str:
    """At most `length` characters; what is cut ends in an ellipsis, and the caller shows the full text elsewhere."""
    return text if len(text) <= length else text[: length - 1].rstrip() + ELLIPSIS
