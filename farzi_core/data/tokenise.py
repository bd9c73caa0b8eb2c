"""Sentences <-> tokens: words, what stands between spaces, characters, or subwords learnt from the training text.

`encode` then `decode` gives the text back, up to what each tokeniser says it normalises. Every sentence is framed by
`<eos>`: one mark ends a sentence and begins the next, so that the first word is predicted like every other one.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from farzi_core.data.corpus import TokeniserKind
from farzi_core.errors import DatasetError
from farzi_core.limits import MAX_ID_LENGTH

UNKNOWN = "<unk>"  # stands for every token outside the vocabulary
END = "<eos>"  # end of a sentence
_WORD = re.compile(r"<unk>|\w+(?:['’.\-]\w+)*|[^\w\s]")
_SPACE_BEFORE = re.compile(r" ([.,;:!?)\]}%])")
_SPACE_AFTER = re.compile(r"([(\[{]) ")
_MARKER = "▁"  # how subwords write the space in front of a word


class Tokeniser(Protocol):
    """One way of cutting a sentence into tokens."""

    @property
    def kind(self) -> TokeniserKind: ...

    def encode(self, text: str) -> list[str]:
        """The tokens of one sentence, without `<eos>`."""

    def decode(self, tokens: Sequence[str]) -> str:
        """The sentence for people; `<eos>` is left out."""


@dataclass(frozen=True)
class Words:
    """Lower-case words and punctuation marks. Words keep inner dots, hyphens and apostrophes (os.path, don't)."""

    kind: TokeniserKind = "words"

    def encode(self, text: str) -> list[str]:
        return [_short(token) for token in _WORD.findall(text.lower())]

    def decode(self, tokens: Sequence[str]) -> str:
        joined = " ".join(token for token in tokens if token != END)
        return _SPACE_AFTER.sub(r"\1", _SPACE_BEFORE.sub(r"\1", joined))


@dataclass(frozen=True)
class Spaces:
    """What stands between spaces, as written: for text whose words are separated already (Penn Treebank)."""

    kind: TokeniserKind = "spaces"

    def encode(self, text: str) -> list[str]:
        return [_short(token) for token in text.split()]

    def decode(self, tokens: Sequence[str]) -> str:
        return " ".join(token for token in tokens if token != END)


@dataclass(frozen=True)
class Characters:
    """Single characters, spaces and capitals included."""

    kind: TokeniserKind = "characters"

    def encode(self, text: str) -> list[str]:
        return list(text)

    def decode(self, tokens: Sequence[str]) -> str:
        return "".join(token for token in tokens if token != END)


@dataclass(frozen=True)
class Subwords:
    """Byte-pair encoding (Sennrich et al. 2016) learnt from the training text by the `tokenizers` library.

    Spaces are single: a run of them is one. `model` is the library's own JSON, so that it can be kept with a run.
    """

    model: str
    kind: TokeniserKind = "subwords"

    @classmethod
    def trained(cls, texts: Sequence[str], size: int) -> "Subwords":
        """A vocabulary of at most `size` pieces, `<unk>` and `<eos>` included; deterministic."""
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        made = Tokenizer(models.BPE(unk_token=UNKNOWN))
        made.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_MARKER, prepend_scheme="always")
        made.decoder = decoders.Metaspace(replacement=_MARKER, prepend_scheme="always")
        alphabet = max(1, size // 2)  # rare characters become <unk>, so that half of the places are left for merges
        trainer = trainers.BpeTrainer(
            vocab_size=size, limit_alphabet=alphabet, special_tokens=[UNKNOWN, END], show_progress=False
        )
        made.train_from_iterator((_single(text) for text in texts), trainer, length=len(texts))
        return cls(made.to_str())

    def encode(self, text: str) -> list[str]:
        tokens: list[str] = self._library.encode(_single(text), add_special_tokens=False).tokens
        return tokens

    def decode(self, tokens: Sequence[str]) -> str:
        pieces = [f"{_MARKER}{token}" if token == UNKNOWN else token for token in tokens if token != END]
        return "".join(pieces).replace(_MARKER, " ").removeprefix(" ")

    @cached_property
    def _library(self) -> Any:
        from tokenizers import Tokenizer

        return Tokenizer.from_str(self.model)


_PLAIN: dict[str, Tokeniser] = {"words": Words(), "spaces": Spaces(), "characters": Characters()}


def tokeniser(kind: TokeniserKind, training: Sequence[str], size: int) -> Tokeniser:
    """The tokeniser of this kind; subwords are learnt from the `training` sentences, at most `size` of them."""
    return Subwords.trained(training, size) if kind == "subwords" else _PLAIN[kind]


def dump(chosen: Tokeniser) -> str:
    """A tokeniser as JSON: `{"kind": ...}`, for subwords with the library's `model`."""
    return json.dumps({"kind": chosen.kind} | ({"model": chosen.model} if isinstance(chosen, Subwords) else {}))


def parse(content: str) -> Tokeniser:
    """The tokeniser that `dump` wrote; raises `DatasetError` for anything else."""
    try:
        values = json.loads(content)
        if values["kind"] == "subwords":
            found = Subwords(str(values["model"]))
            found.encode("")
            return found
        return _PLAIN[values["kind"]]
    except Exception as error:  # noqa: BLE001 - the library has no error class of its own
        raise DatasetError(f"the tokeniser cannot be read ({type(error).__name__}); start the run again") from None


def _short(token: str) -> str:
    """No id is longer than `MAX_ID_LENGTH`: such a "word" would be in no vocabulary anyway."""
    return token if len(token) <= MAX_ID_LENGTH else UNKNOWN


def _single(text: str) -> str:
    """Single spaces, and none that is already the marker of one."""
    return " ".join(text.replace(_MARKER, "_").split())
