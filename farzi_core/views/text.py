"""Foreign text (item titles, user ids, run names) made harmless for the place where it is shown.

`st.dataframe`, `st.text` and `st.code` show text literally and need none of this. Everything else does: Streamlit reads
Markdown in labels, titles and messages (an image in a title would make the viewer's browser call out), and plotly reads
a few HTML tags in every text of a figure.
"""

import html
import re
import unicodedata

ELLIPSIS = "…"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&=^@/\"'])")
# Controls (Cc) would be dropped or break lines, direction marks (Cf) reorder what stands beside them.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def visible(text: str) -> str:
    """`text` with every control, direction mark and line break replaced by `�`, so that it stays one honest line."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(one) in _HIDDEN else one for one in text)


def markdown(text: str) -> str:
    """`text` for a place where Streamlit reads Markdown: shown literally, no link, image, icon, colour or formula."""
    return _MARKDOWN.sub(r"\\\1", visible(text))


def plotly(text: str) -> str:
    """`text` for a label, tick, legend or hover text of a figure: shown literally, no tag and no link."""
    return html.escape(visible(text)).replace("$", "&#36;")  # a $ could open a formula


def truncate(text: str, length: int) -> str:
    """At most `length` characters; what is cut ends in an ellipsis, and the caller shows the full text elsewhere."""
    return text if len(text) <= length else text[: length - 1].rstrip() + ELLIPSIS
