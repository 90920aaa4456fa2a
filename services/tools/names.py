"""How a file's name is written in an answer, and read in an argument: as it is, or quoted where it could not stand in a
line. The form is git's: `"caf\\351.txt"`, `"two\\nlines.py"`. Pure."""

from __future__ import annotations

import os
import re

_LETTERS = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", '"': '"', "\\": "\\"}
_BYTES = {letter: char.encode() for char, letter in _LETTERS.items()}
_ESCAPE = re.compile(r'\\(?:([0-7]{3})|([abtnvfr"\\]))|([^"\\]+)')


def spoken(path: str) -> str:
    """The path in one line of valid Unicode, whatever bytes it is made of; most stay as they are."""
    if path.isprintable() and not path.startswith('"'):
        return path
    return '"' + "".join(_escaped(char) for char in path) + '"'


def meant(path: str) -> str:
    """What `spoken` was given: bytes that are no UTF-8 are lone surrogates, as the system's own functions take them.
    What is not quoted, or not well, stays as it is."""
    if len(path) < 2 or path[0] != '"' or path[-1] != '"':
        return path
    inner, at, parts = path[1:-1], 0, []
    while at < len(inner):
        found = _ESCAPE.match(inner, at)
        if found is None or (found[1] and int(found[1], 8) > 255):
            return path
        octal, letter, plain = found.groups()
        parts.append(bytes([int(octal, 8)]) if octal else _BYTES[letter] if letter else os.fsencode(plain))
        at = found.end()
    return os.fsdecode(b"".join(parts))


def _escaped(char: str) -> str:
    if char in _LETTERS:
        return f"\\{_LETTERS[char]}"
    return char if char.isprintable() else "".join(f"\\{byte:03o}" for byte in os.fsencode(char))
