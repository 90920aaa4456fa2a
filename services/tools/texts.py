"""Reads files as text: which encoding, which lines, or that it is no text at all. Never opens a file by its name.

A line ends with a line feed; a carriage return before it belongs to the end. Every tool counts lines this way.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass

from services.tools.errors import ToolError

_PROBE_BYTES = 8_192
_CHUNK_BYTES = 1 << 16
LINE_MAX_BYTES = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """`skip` bytes at the start are a byte order mark."""

    name: str
    skip: int


class NoText(ToolError):
    code = "no_text"
    default_message = "The file is binary"


def encoding_of(beginning: bytes) -> Encoding:
    """From the first bytes. Raises NoText for what has NUL in it and no mark of UTF-16."""
    for mark, name in _BOMS:
        if beginning.startswith(mark):
            return Encoding(name, len(mark))
    if b"\0" in beginning[:_PROBE_BYTES]:
        raise NoText()
    return Encoding("utf-8", 0)


def decode(data: bytes) -> str:
    """A whole file for searching. Bytes that are no text in its encoding become U+FFFD. Raises NoText."""
    encoding = encoding_of(data)
    return data[encoding.skip :].decode(encoding.name, errors="replace")


def lines_of(text: str) -> list[str]:
    """Without their ends; an empty text has none."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def read_all(fd: int, max_bytes: int) -> bytes:
    """The file from where it stands, at most `max_bytes` and one more, which tells that there is more."""
    parts, left = [], max_bytes + 1
    while left > 0 and (part := os.read(fd, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Line:
    """As bytes, without its line feed. Of one of more than 1 MB `data` is the beginning: nobody reads the rest."""

    data: bytes
    size_bytes: int

    @property
    def is_cut(self) -> bool:
        return len(self.data) < self.size_bytes


def iterate_lines(fd: int, encoding: Encoding) -> Iterator[Line]:
    """The file's lines, holding one chunk and one line."""
    os.lseek(fd, encoding.skip, os.SEEK_SET)
    feed = "\n".encode(encoding.name)
    held, size = b"", 0
    while chunk := os.read(fd, _CHUNK_BYTES):
        *ended, rest = _split(chunk, feed)
        for piece in ended:
            yield Line(_grown(held, piece), size + len(piece))
            held, size = b"", 0
        held, size = _grown(held, rest), size + len(rest)
    if size:
        yield Line(held, size)


def _grown(held: bytes, piece: bytes) -> bytes:
    return held + piece[: LINE_MAX_BYTES - len(held)] if held else piece[:LINE_MAX_BYTES]


def _split(data: bytes, feed: bytes) -> list[bytes]:
    if len(feed) == 1:
        return data.split(feed)
    lines, start, at = [], 0, data.find(feed)
    while at >= 0:
        if at % 2 == 0:
            lines.append(data[start:at])
            start = at + 2
        at = data.find(feed, at + (2 if at % 2 == 0 else 1))
    return [*lines, data[start:]]


def decode_lines(lines: list[Line], encoding: Encoding) -> tuple[list[str], str]:
    """The lines as text, and the encoding's name: UTF-8 that is none is read as Latin-1, which takes everything."""
    try:
        text = [_decoded(line, encoding.name) for line in lines]
        return [line.removesuffix("\r") for line in text], encoding.name
    except UnicodeDecodeError:
        name = "latin-1" if encoding.name == "utf-8" else f"{encoding.name}, damaged"
        plain = "latin-1" if encoding.name == "utf-8" else encoding.name
        return [line.data.decode(plain, errors="replace").removesuffix("\r") for line in lines], name


def _decoded(line: Line, encoding: str) -> str:
    """Of a line that was cut, without the half of a character that it may end with."""
    return codecs.getincrementaldecoder(encoding)().decode(line.data, final=not line.is_cut)
