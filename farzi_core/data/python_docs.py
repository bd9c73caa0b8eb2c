"""Built-in text "Python docs": the language reference that ships with Python (`pydoc_data.topics`), as sentences.

A sentence is a sequence of lower-case words (dotted and underscored names stay whole, punctuation is left out);
sentences end at an empty line or after `.`, `?`, `!` or `:` before white space. Sentences of fewer than 3 words are
headings and list marks: left out and counted. The vocabulary is cut by `prepare`, which reads the other words as
`<unk>`. The tokeniser is that of words, so that what people type is read in lower case and without its full stops
glued on.
"""

import platform
import re
from pydoc_data.topics import topics

from farzi_core.data.corpus import Corpus, corpus_frame, report_of
from farzi_core.data.events import Finding
from farzi_core.limits import MIN_EVENTS_PER_USER

SOURCE = "python-docs"
NAME = "Python docs"
LICENCE = "PSF-2.0 (Python Software Foundation Licence); read from this installation of Python"

_SENTENCE_END = re.compile(r"(?<=[.?!:])\s+|\n\s*\n")
_WORD = re.compile(r"\w+(?:[.']\w+)*")


def sentences(text: str) -> list[list[str]]:
    """Words of each sentence, in order; sentences without words are left out."""
    found = (_WORD.findall(sentence.lower()) for sentence in _SENTENCE_END.split(text))
    return [words for words in found if words]


def read_python_docs() -> Corpus:
    """One text a sentence, its words separated by spaces; `topic 12` is the twelfth of its topic. Half a second."""
    users: list[str] = []
    texts: list[str] = []
    short = 0
    for topic in sorted(topics):
        for number, sentence in enumerate(sentences(topics[topic]), start=1):
            if len(sentence) < MIN_EVENTS_PER_USER:
                short += 1
                continue
            users.append(f"{topic} {number}")
            texts.append(" ".join(sentence))
    note = f"sentences with fewer than {MIN_EVENTS_PER_USER} words (headings, list marks), left out: {short:,}"
    findings = (Finding(kind="short_users", count=short, sentence=note),) if short else ()
    report = report_of(NAME, "built-in", len(texts) + short, texts, False, findings)
    citation = f"The Python Language Reference, version {platform.python_version()}"
    frame = corpus_frame(users, [""] * len(users), texts)
    return Corpus(NAME, frame, report, SOURCE, LICENCE, citation, tokeniser="words")
