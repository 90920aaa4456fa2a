"""Replaces text in files whose lines may end in either way, also mixed: found whatever the ends are, written with those
of the place. Pure.

A line ends with LF or CR LF; a carriage return alone is a character like others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_END = re.compile(r"\r?\n")


@dataclass(frozen=True, slots=True)
class Places:
    """Where `old` stands in `text`: offsets in `text` as if all lines ended with LF."""

    text: str
    old: str
    plain: str
    found: tuple[int, ...]

    def line(self, place: int) -> int:
        return self.plain.count("\n", 0, place) + 1

    def replaced(self, place: int, new: str) -> str:
        """The text with `new` at that place. Its lines end as those that they stand for; where only ends differ from
        what was there, `new` says how."""
        ends = _END.findall(self.text)
        before = self.plain.count("\n", 0, place)
        own = ends[before : before + self.old.count("\n")]
        start = place + sum(len(end) - 1 for end in ends[:before])
        stop = start + len(self.old) + sum(len(end) - 1 for end in own)
        if plain(new) != self.old:
            around = (own or ends[before : before + 1] or ends[before - 1 : before] or ["\n"])[-1]
            new = _with_ends(plain(new), self.old, own, around)
        return f"{self.text[:start]}{new}{self.text[stop:]}"


def places_of(old: str, text: str, most: int = 2) -> Places:
    """The first `most` places, which may overlap."""
    wanted, whole = plain(old), plain(text)
    found: list[int] = []
    at = whole.find(wanted)
    while at >= 0 and len(found) < most:
        found.append(at)
        at = whole.find(wanted, at + 1)
    return Places(text, wanted, whole, tuple(found))


def plain(text: str) -> str:
    """With LF alone."""
    return text.replace("\r\n", "\n")


def _with_ends(new: str, old: str, own: Sequence[str], around: str) -> str:
    """The lines that stay at the beginning and at the end keep their ends, each its own; those between take the ends of
    what they replace, as far as there are some."""
    lines, was = new.split("\n"), old.split("\n")
    count = len(lines) - 1
    same = 0
    while same < min(count, len(own)) and lines[same] == was[same]:
        same += 1
    tail = 0
    while tail < min(count, len(own)) - same and lines[-1 - tail] == was[-1 - tail]:
        tail += 1
    middle = list(own[same : len(own) - tail])
    wanted = count - same - tail
    middle = (middle + [middle[-1] if middle else around] * wanted)[:wanted]
    ends = [*own[:same], *middle, *own[len(own) - tail :]]
    return "".join(line + end for line, end in zip(lines, [*ends, ""], strict=True))
