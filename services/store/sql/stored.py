"""What stood in a row could be read once: where it can't be any more, the database is damaged. Reads nothing itself."""

from __future__ import annotations

import operator
from types import TracebackType

from models.errors import DatabaseCorrupt
from models.ids import EpochMs, iso

UNREADABLE = (TypeError, ValueError, KeyError, OverflowError, OSError)
"""What an instant, a number, a text or JSON raises that is none."""


class _Stored:
    """Around what makes something of a row, and nothing that came from a caller: raises DatabaseCorrupt."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, UNREADABLE):
            raise DatabaseCorrupt() from error


stored = _Stored()


def instant(value: int) -> EpochMs:
    """Raises one of UNREADABLE, as the next ones do."""
    iso(value)
    return EpochMs(value)


def number(value: int) -> int:
    return operator.index(value)


def words(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError("this is no text")
    return value
