"""Identifiers and instants: their types, and the only place that makes new ones. Never parses a whole message."""

from __future__ import annotations

import os
import time
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from typing import NewType

EpochMs = NewType("EpochMs", int)
"""An instant: milliseconds since 1970-01-01 UTC."""


def id_at(instant: EpochMs) -> str:
    """A UUID version 7 (RFC 9562 §5.7): ordered by time, so that index inserts stay local."""
    random_bits = int.from_bytes(os.urandom(10), "big")
    value = (instant & (1 << 48) - 1) << 80 | random_bits
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def new_id() -> str:
    return id_at(now_ms())


def derived_id(parent: str, name: str) -> str:
    """The same id for the same parent and name (UUID version 5): for what follows from something that has an id."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{parent}/{name}"))


def now_ms() -> EpochMs:
    return EpochMs(time.time_ns() // 1_000_000)


def iso(at: EpochMs | int) -> str:
    """ISO 8601, UTC, milliseconds, `Z`: `2026-11-20T09:00:00.123Z`."""
    seconds, milliseconds = divmod(at, 1000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"


@lru_cache(maxsize=128)
def _second(seconds: int) -> str:
    """Events come many to the second, and formatting one costs 2 µs. Few are kept: whatever lives long keeps the memory
    around it from being given back."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def from_iso(text: str) -> EpochMs:
    """The inverse of `iso`. Raises ValueError on anything that is not ISO 8601 with a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone, for example a trailing Z")
    return EpochMs(round(moment.timestamp() * 1000))
