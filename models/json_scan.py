"""Counts in the bytes of JSON what parsing them would make: eleven megabytes of `[],` are four million lists, and a
third of a second in which nobody else is served. Never parses; the parser itself bounds the depth."""

from __future__ import annotations

from models.errors import InvalidArgument

JSON_PLACES_MAX = 250_000
"""Commas, arrays and objects in one request: enough for the most that one free-form argument may have, lists in a list,
and something around it."""


def check_values(raw: bytes, field: str) -> None:
    """Costs some milliseconds for megabytes. Raises InvalidArgument. What is no JSON may pass."""
    if len(raw) <= JSON_PLACES_MAX or _places(raw) <= JSON_PLACES_MAX:
        return
    # Texts are full of commas: only what stands outside of them counts.
    bare = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    texts = bare.count(b'"') // 2
    if texts > JSON_PLACES_MAX * 2 or _places(b"".join(bare.split(b'"')[::2])) > JSON_PLACES_MAX:
        raise InvalidArgument(f"There are more than {JSON_PLACES_MAX} commas, arrays and objects in it", field=field)


def _places(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")
