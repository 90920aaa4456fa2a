"""Snippets: the part of a text that shows best why it was found, cut into fragments that match and fragments that
don't. Pure, and bounded by what is indexed of a text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, islice

from models.search import Fragment
from models.words import BLOCK, CLUSTER, spaced
from services.search.terms import Term

SNIPPET_CHARS = 240
BEFORE_CHARS = 60
"""How much of what precedes the first match is shown."""
MARKED_MAX = 50
"""Matches of one term that are looked at."""
WEIGHED_MAX = 60
"""Matches among which the best place is chosen."""
ELLIPSIS = "…"
SHOWN_CHARS = SNIPPET_CHARS - 2 * len(ELLIPSIS)
Span = tuple[int, int]


def snippet(text: str, terms: Sequence[Term]) -> tuple[Fragment, ...]:
    """At most about 240 characters, white space made plain. Without a match the beginning of the text."""
    spans = _spans(text, terms)
    low, high = _window(text, spans)
    fragments: list[Fragment] = [Fragment(text=ELLIPSIS)] if low > 0 else []
    at = low
    for start, end in _merged(spans):
        start, end = max(start, low), min(end, high)
        if start >= end or start < at:
            continue
        fragments += _fragment(text[at:start], False) + _fragment(text[start:end], True)
        at = end
    fragments += _fragment(text[at:high], False)
    if high < len(text):
        fragments.append(Fragment(text=ELLIPSIS))
    return tuple(fragments)


def _fragment(text: str, match: bool) -> list[Fragment]:
    plain = re.sub(r"\s+", " ", text)
    return [Fragment(text=plain, match=match)] if plain else []


def _spans(text: str, terms: Sequence[Term]) -> list[tuple[int, int, int]]:
    """(start, end, number of the term) of the matches, in the text as it is."""
    folded = _Folded(text)
    found: list[tuple[int, int, int]] = []
    for number, term in enumerate(terms):
        for match in islice(_pattern(term).finditer(folded.text), MARKED_MAX):
            found.append((*folded.origin(*match.span()), number))
    return sorted(found)


def _pattern(term: Term) -> re.Pattern[str]:
    body = " +".join(re.escape(word) for word in term.words)
    return re.compile(rf"(?<![^ ]){body}" + (r"[^ ]*" if term.prefix else r"(?![^ ])"))


class _Folded:
    """A text as it is indexed, and the way back to what was written. It is folded in blocks; only those that hold a
    match are gone through character by character, which takes ten times as long."""

    def __init__(self, text: str) -> None:
        self._blocks = BLOCK.findall(text)
        pieces = [spaced(block) for block in self._blocks]
        self._starts = list(accumulate(map(len, self._blocks), initial=0))
        self._piece_starts = list(accumulate(map(len, pieces), initial=0))
        self._places: dict[int, list[Span]] = {}
        self.text = "".join(pieces)

    def origin(self, start: int, end: int) -> Span:
        """What a part of `text` stands for."""
        return self._place(start)[0], self._place(end - 1)[1]

    def _place(self, at: int) -> Span:
        number = bisect_right(self._piece_starts, at) - 1
        start, offset = self._starts[number], at - self._piece_starts[number]
        if (block := self._blocks[number]).isascii():
            return start + offset, start + offset + 1
        if number not in self._places:
            self._places[number] = _places(block) or [(0, len(block))]
        places = self._places[number]
        # In some scripts marks compose across what stands between: there a place may be that of a neighbour.
        low, high = places[min(offset, len(places) - 1)]
        return start + low, start + high


def _places(block: str) -> list[Span]:
    """For each character of the folded block the part of the block that it stands for."""
    places: list[Span] = []
    for cluster in CLUSTER.finditer(block):
        places.extend((cluster.span(),) * len(spaced(cluster[0])))
    return places


def _window(text: str, spans: Sequence[tuple[int, int, int]]) -> Span:
    """Where the most different terms stand together, the earliest of those."""
    if not spans or len(text) <= SNIPPET_CHARS:
        return 0, min(len(text), SNIPPET_CHARS)
    first = spans[:WEIGHED_MAX]
    room = SNIPPET_CHARS - BEFORE_CHARS

    def shown_from(start: int) -> int:
        return len({number for low, high, number in first if start <= low and high <= start + room})

    best = max(first, key=lambda span: (shown_from(span[0]), -span[0]))
    low = max(0, min(best[0] - BEFORE_CHARS, len(text) - SHOWN_CHARS))
    if low > 0:
        cut = text.find(" ", low, best[0])
        low = cut + 1 if cut >= 0 else low
    return low, min(len(text), low + SHOWN_CHARS)


def _merged(spans: Sequence[tuple[int, int, int]]) -> list[Span]:
    merged: list[Span] = []
    for start, end, _ in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
