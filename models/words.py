"""What a word is, for everything that searches: text folded to lower case without accents and vowel points, cut into
words.

Scripts that are written without spaces (Chinese, Japanese, Thai …), Hangul and emoji count each character as a word, so
that any part of a run can be found. Never knows of an index: whoever changes what is said here has it built anew by a
migration.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable

SINGLE = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2194, 0x2199),  # arrows that are emoji
    (0x21A9, 0x21AA),
    (0x231A, 0x231B),  # watches, keys of players
    (0x2328, 0x2328),
    (0x23CF, 0x23CF),
    (0x23E9, 0x23FA),
    (0x25AA, 0x25AB),
    (0x25B6, 0x25B6),
    (0x25C0, 0x25C0),
    (0x25FB, 0x25FE),
    (0x2600, 0x27BF),  # miscellaneous symbols, dingbats
    (0x2934, 0x2935),
    (0x2B05, 0x2B07),
    (0x2B1B, 0x2B1C),
    (0x2B50, 0x2B50),
    (0x2B55, 0x2B55),
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),  # iteration mark, closing mark, zero
    (0x3021, 0x3029),
    (0x3030, 0x3030),
    (0x303D, 0x303D),
    (0x3040, 0x312F),  # Hiragana, Katakana, Bopomofo
    (0x31A0, 0x31BF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),  # Hangul
    (0xF900, 0xFAFF),
    (0x1F000, 0x1FAFF),  # emoji
    (0x20000, 0x3FFFF),
)
"""Code points whose characters are words of their own."""
_SINGLE_STARTS = [first for first, _ in SINGLE]
ACCENTS = (
    (0x0300, 0x036F),
    (0x0640, 0x0640),  # what draws Arabic words out
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0x1F3FB, 0x1F3FF),  # the colour of an emoji's skin
)
"""What says how a letter is pronounced or drawn; other marks are part of the word."""
POINTED = (0x0590, 0x08FF)
"""Hebrew, Arabic, Syriac and their like, whose vowels are points that most texts leave out …"""
THAANA = (0x07A6, 0x07B0)
"""… and the one among them that always writes them."""
LETTERS = {"æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ŋ": "n"}
LATIN = re.compile("LATIN SMALL LETTER (?:DOTLESS )?([A-Z])(?: WITH .*)?")
"""Names of letters that Unicode does not take apart: đ, ł, ø."""
ZERO_WIDTH_SPACE = 0x200B
TABLE_MAX = 30_000
"""Characters remembered: more than any text in earnest has, and few enough to weigh nothing."""

BLOCK_CHARS = 512
_MARKS = "\u0300-\u036f\u3099\u309a\uff9e\uff9f\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"
_POINTS = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
_POINTS += "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
_JAMO = "\u1160-\u11ff\u3133\u3135\u3136\u313a-\u313f\u314f-\u3163\uffa0\uffa3\uffa5\uffa6\uffaa-\uffaf\uffc2-\uffdc"
_COMPOSING = f"[{_MARKS}{_POINTS}{_JAMO}]*"
CLUSTER = re.compile(f"[\\s\\S]{_COMPOSING}")
"""A character with what composes with it: an accent, a vowel point, the rest of a Hangul syllable, the voice of a kana,
the colour of an emoji."""
BLOCK = re.compile(f"[\\s\\S]{{1,{BLOCK_CHARS}}}{_COMPOSING}")
"""Many clusters, none of them cut."""


def fold(text: str) -> str:
    """Lower case, without accents, full-width forms as plain ones: what sorting and comparing titles goes by."""
    return text.lower() if text.isascii() else _normal(text).translate(_FOLDED)


def spaced(text: str) -> str:
    """The folded words of a text with spaces between them, as they are indexed; everything else is a space."""
    return (text.lower() if text.isascii() else _normal(text)).translate(_SPACED)


def words(text: str) -> list[str]:
    return spaced(text).split()


def is_single(word: str) -> bool:
    """Whether it is a character that counts as a word: nobody is in the middle of typing it."""
    return len(word) == 1 and _is_single(ord(word))


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _is_single(code: int) -> bool:
    at = bisect_right(_SINGLE_STARTS, code) - 1
    return at >= 0 and code <= SINGLE[at][1]


def _is_accent(code: int) -> bool:
    return any(first <= code <= last for first, last in ACCENTS) or _is_point(code)


def _is_point(code: int) -> bool:
    is_written = THAANA[0] <= code <= THAANA[1]
    return POINTED[0] <= code <= POINTED[1] and not is_written and unicodedata.category(chr(code)) == "Mn"


def _bare(code: int) -> str:
    """A letter without its accents and strokes. Kana keep their voice, and syllables stay whole."""
    char = chr(code)
    if _is_single(code):
        return char
    return "".join(_plain(part) for part in unicodedata.normalize("NFD", char) if not _is_accent(ord(part)))


def _plain(char: str) -> str:
    if char.isascii():
        return char
    found = LATIN.fullmatch(unicodedata.name(char, ""))
    return found[1].lower() if found else LETTERS.get(char, char)


def _folded(code: int) -> str:
    return "" if _is_accent(code) else _bare(code)


def _spaced(code: int) -> str:
    category = unicodedata.category(chr(code))
    if _is_accent(code) or (category == "Cf" and code != ZERO_WIDTH_SPACE):
        return ""  # a soft hyphen or a direction mark does not part a word
    if _is_single(code):
        return f" {chr(code)} " if category != "Cn" else " "
    return _bare(code) if category[0] in "LNM" else " "


class _Table(dict[int, str]):
    """For `str.translate`: fills itself with what is asked for, to a bound."""

    def __init__(self, make: Callable[[int], str]) -> None:
        self._make = make

    def __missing__(self, code: int) -> str:
        made = self._make(code)
        if len(self) < TABLE_MAX:
            self[code] = made
        return made


_FOLDED = _Table(_folded)
_SPACED = _Table(_spaced)
