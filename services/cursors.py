"""Cursors of lists: opaque to clients, checked when they come back. A cursor only fits the question that it answers."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b

from models.errors import InvalidArgument
from models.text import is_clean

CursorPlace = int | str
INTEGERS = range(-(2**62), 2**63 - 1)
"""What the database can compare with, and the next number too."""


def cursor_of(question: object, place: Sequence[CursorPlace]) -> str:
    """`question` is everything that the order and the choice of the rows depend on, `place` where the next page
    begins."""
    written = json.dumps([_print_of(question), *place], ensure_ascii=False)
    return urlsafe_b64encode(written.encode()).decode().rstrip("=")


def place_in(cursor: str, question: object, shape: Sequence[type[CursorPlace]]) -> list[CursorPlace]:
    """The inverse. Raises InvalidArgument for a cursor of another question, and for what never was one."""
    try:
        decoded = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        decoded = None
    if not isinstance(decoded, list) or len(decoded) != len(shape) + 1 or decoded[0] != _print_of(question):
        raise _refused()
    place: list[CursorPlace] = decoded[1:]
    if any(type(part) is not wanted for part, wanted in zip(place, shape, strict=True)):
        raise _refused()
    if not all(_can_be_compared(part) for part in place):
        raise _refused()
    return place


def _can_be_compared(part: CursorPlace) -> bool:
    return is_clean(part) if isinstance(part, str) else part in INTEGERS


def _print_of(question: object) -> str:
    return blake2b(repr(question).encode(), digest_size=6).hexdigest()


def _refused() -> InvalidArgument:
    told = "cursor is none of this list in this order; leave it out to begin with the first page"
    return InvalidArgument(told, field="cursor")
