"""What somebody typed into a search field, as terms: words that must all be there, and those that must not. Pure.

`one two` both words, `"one two"` next to each other, `-one` excluded, `wor*` the beginning of a word. The last word
counts as a beginning until something follows it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import InvalidArgument
from models.words import is_single, words

PREFIX_MIN_CHARS = 2
"""A single letter begins too many words to be of any use, and to be fast."""
PIECE = re.compile(r'(?P<minus>-*)(?:"(?P<phrase>[^"]*)(?P<closed>"?)|(?P<word>[^\s"]+))(?P<star>\*?)')
QUOTES = str.maketrans({quote: '"' for quote in "“”„‟＂«»"})  # noqa: RUF001 -- other keyboards have them


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand next to each other; with `prefix` the last one may go on."""

    words: tuple[str, ...]
    prefix: bool = False

    def is_in(self, text: Sequence[str]) -> bool:
        """Whether a text, as its words, has it."""
        return any(self._begins(text, at) for at in range(len(text) - len(self.words) + 1))

    def count(self, text: Sequence[str]) -> int:
        return sum(self._begins(text, at) for at in range(len(text) - len(self.words) + 1))

    def _begins(self, text: Sequence[str], at: int) -> bool:
        *head, last = self.words
        end = at + len(head)
        if not (text[end].startswith(last) if self.prefix else text[end] == last):
            return False
        return list(text[at:end]) == head


@dataclass(frozen=True, slots=True)
class Terms:
    """`wanted` is never empty."""

    wanted: tuple[Term, ...]
    excluded: tuple[Term, ...] = ()

    def match(self, text: Sequence[str]) -> bool:
        return all(term.is_in(text) for term in self.wanted) and not any(term.is_in(text) for term in self.excluded)


def parse_terms(text: str) -> Terms:
    """Raises InvalidArgument when there is no word to look for."""
    text = text.translate(QUOTES)
    wanted: dict[Term, None] = {}
    excluded: dict[Term, None] = {}
    for piece in PIECE.finditer(text):
        if (term := _term(piece, is_last=piece.end() == len(text))) is not None:
            (excluded if piece["minus"] else wanted)[term] = None
    if not wanted:
        why = "only says what to leave out" if excluded else "has no word in it"
        raise InvalidArgument(f"q {why}: give at least one word to look for", field="q")
    return Terms(tuple(wanted), tuple(excluded))


def _term(piece: re.Match[str], *, is_last: bool) -> Term | None:
    word, phrase = piece["word"], piece["phrase"]
    found = tuple(words(word if phrase is None else phrase))
    if not found:
        return None
    typing = is_last and not piece["closed"] and not piece["minus"]
    asked = piece["star"] == "*" or (word is not None and word.endswith("*"))
    grows = len(found[-1]) >= PREFIX_MIN_CHARS and not is_single(found[-1])
    return Term(found, prefix=(typing or asked) and grows)
