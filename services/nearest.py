"""A name that nobody knows: what is said of it, with the one that may have been meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LIST_MAX = 20
"""So many names are listed where none is near."""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """`there is no tool “serch”; did you mean “search”?`"""
    return f"there is no {what} “{name[:100]}”{or_which(name, known)}"


def or_which(name: str, known: Iterable[str]) -> str:
    """The end of such a sentence; empty when nothing is known."""
    names = sorted(known)
    by_folded = {each.casefold(): each for each in names}
    if near := get_close_matches(name.casefold(), by_folded, 1):
        return f"; did you mean “{by_folded[near[0]]}”?"
    if not names:
        return ""
    more = ", …" if len(names) > LIST_MAX else ""
    return f"; there are {', '.join(names[:LIST_MAX])}{more}"
