"""Resolves references to files: the lines that are meant, as they are now, or why there are none. Never loads a file as
a whole, and opens none by itself."""

from __future__ import annotations

import asyncio
import codecs
import io
from dataclasses import dataclass
from typing import BinaryIO

from models.errors import ParleyError
from models.ids import EpochMs, iso
from models.payloads import FileReferencePayload
from services.content.opening import OpenFile, why_unreadable

CONTENT_MAX_CHARS = 100_000
"""Of the lines asked for, so many characters are taken: about 25,000 tokens. The rest can be asked for by range."""

SCAN_MAX_CHARS = 500_000_000
"""How far into a file a range may lie: some seconds of reading."""

_PROBE_BYTES = 8_192
_PIECE_CHARS = 65_536

# UTF-32 first: its mark begins with that of UTF-16.
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# What text has of the control characters: tab, line ends, form feed, backspace and the escape of coloured output.
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\b\x1b")


@dataclass(frozen=True, slots=True)
class _Range:
    """Lines from 1; `end` None is the last of the file."""

    start: int
    end: int | None

    def holds(self, line: int) -> bool:
        return self.start <= line and (self.end is None or line <= self.end)


@dataclass(frozen=True, slots=True)
class _Lines:
    content: str
    last: int
    cut: bool


class _Problem(Exception):
    """Ends the reading; its text is the payload's error."""


async def resolve_file(payload: FileReferencePayload, *, open_file: OpenFile, now: EpochMs) -> FileReferencePayload:
    """The payload with `content` and `readAt`, or with `error` and `readAt`. Reads in a thread.

    UTF-8, UTF-16 and UTF-32 with a byte order mark, and Latin-1 where UTF-8 does not fit. Lines end with a line feed;
    carriage returns before it are left out. A content that is `cut` says with `endLine` how far it goes.
    """
    read_at = iso(now)
    try:
        lines = await asyncio.to_thread(_resolve, payload, open_file)
    except _Problem as problem:
        return _answered(payload, {"error": str(problem), "read_at": read_at})
    except (OSError, ParleyError) as error:
        return _answered(payload, {"error": why_unreadable(error), "read_at": read_at})
    known = {"content": lines.content, "read_at": read_at, "cut": lines.cut}
    ranged = payload.start_line is not None or payload.end_line is not None or lines.cut
    span = {"start_line": payload.start_line or 1, "end_line": max(1, lines.last)} if ranged else {}
    return _answered(payload, {**known, **span})


def _answered(payload: FileReferencePayload, update: dict[str, object]) -> FileReferencePayload:
    """Nothing that a client claimed about the content survives."""
    return payload.model_copy(update={"content": None, "error": None, "cut": False, **update})


def _resolve(payload: FileReferencePayload, open_file: OpenFile) -> _Lines:
    wanted = _Range(payload.start_line or 1, payload.end_line)
    if wanted.end is not None and wanted.end < wanted.start:
        raise _Problem(f"The range ends before it begins: lines {wanted.start} to {wanted.end}")
    with open_file(payload.path) as file:
        encoding = _encoding(file.read(_PROBE_BYTES))
        try:
            return _read(file, encoding, wanted)
        except UnicodeDecodeError:
            if encoding != "utf-8":
                raise _Problem(f"The file is damaged: it is no valid {encoding.upper()}") from None
            return _read(file, "latin-1", wanted)


def _encoding(beginning: bytes) -> str:
    for mark, name in _BOMS:
        if beginning.startswith(mark):
            return name
    if any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in beginning):
        raise _Problem("The file is binary")
    return "utf-8"


def _read(file: BinaryIO, encoding: str, wanted: _Range) -> _Lines:
    """Keeps no more than a piece of a line that is not wanted."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, errors="strict", newline="\n")
    try:
        return _collect(text, wanted)
    finally:
        text.detach()


def _collect(text: io.TextIOWrapper, wanted: _Range) -> _Lines:
    kept: list[str] = []
    kept_chars = scanned = 0
    line, at_start = 0, True
    while piece := text.readline(_PIECE_CHARS):
        line += at_start
        at_start = piece.endswith("\n")
        if wanted.end is not None and line > wanted.end:
            break
        if wanted.holds(line):
            if kept_chars + len(piece) > CONTENT_MAX_CHARS:
                return _cut(kept, piece, CONTENT_MAX_CHARS - kept_chars, line)
            kept.append(piece)
            kept_chars += len(piece)
        scanned += len(piece)
        if scanned > SCAN_MAX_CHARS:
            raise _Problem(f"Line {wanted.start} lies too far into a huge file; the search ended at line {line}")
    if line < wanted.start and (line or wanted.start > 1):
        raise _Problem(f"The file has only {line} lines; line {wanted.start} was asked for")
    return _Lines(_content(kept), min(line, wanted.end or line), cut=False)


def _cut(kept: list[str], piece: str, left: int, line: int) -> _Lines:
    """Whole lines; of a single line that is too long, its beginning."""
    whole = "".join(kept)
    end = whole.rfind("\n")
    if end < 0:
        return _Lines(_content([whole, piece[:left]]), line, cut=True)
    unfinished = not whole.endswith("\n")
    return _Lines(_content([whole[: end + 1] if unfinished else whole]), line - 1, cut=True)


def _content(pieces: list[str]) -> str:
    content = "".join(pieces).replace("\r\n", "\n")
    if "\0" in content:
        raise _Problem("The file is binary")
    return content
