"""Reads the body of a model's reply: server-sent events, one JSON document, or lines of them. Knows no API's fields."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

LINE_MAX_BYTES = 32_000_000
STRAY_MAX_CHARS = 8_000_000
DRAIN_S = 0.2

# Not `str.splitlines`, which also splits at U+2028 and others that JSON text may hold.
_LINE_END = re.compile(rb"\r\n|\n|\r(?=.)", re.DOTALL)
_FIELDS = ("event", "id", "retry")
_NOTHING = object()


class ReplyBody:
    """One body. Endpoints differ: documents come with or without `data:`, on one line or several, with blank lines
    between them or none, among keep-alives of any form. What can't be a document is passed over; one that begins and
    can't be read raises ValueError, for text was lost with it."""

    def __init__(self) -> None:
        self.ended = False
        """The endpoint said that this is all."""
        self._data: list[str] = []
        self._stray: list[str] = []
        self._stray_chars = 0
        self._event = ""

    @property
    def stray(self) -> str:
        """What came and was no part of a stream: a web page, or words."""
        return "\n".join(self._stray).strip()

    async def documents(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[object, None]:
        """Each as it comes, up to the end that is said or that of the body."""
        async with aclosing(_lines(chunks)) as lines:
            async for line in lines:
                document = self._take(line)
                if document is not _NOTHING:
                    yield document
                if self.ended:
                    break
        if self.ended:
            await _drained(chunks)
            return
        for document in (self._dispatched(), self._whole()):
            if document is not _NOTHING:
                yield document

    def _take(self, line: str) -> object:
        if not line.strip():
            document = self._dispatched()
            self._event = ""
            return document
        name, colon, value = line.partition(":")
        if not name and colon:
            return _NOTHING  # a comment
        if name == "data" and colon:
            return self._take_data(value.removeprefix(" "))
        if name in _FIELDS and colon:
            self._event = value.strip() if name == "event" else self._event
            return _NOTHING
        return self._take_stray(line)

    def _take_data(self, data: str) -> object:
        if not self._data and data.strip().startswith("[DONE"):
            self.ended = True
            return _NOTHING
        self._data.append(data)
        document = _parsed("\n".join(self._data))
        if document is _NOTHING:
            return document
        self._data.clear()
        return self._of_event(document)

    def _dispatched(self) -> object:
        """What an event's lines come to that could not be read before it was over."""
        data = "\n".join(self._data).strip()
        self._data.clear()
        if not data:
            return _NOTHING
        if self._event == "error":
            return self._of_event(data)
        if data[0] in "{[":
            raise ValueError("a document that can't be read")
        return self._take_stray(data)

    def _take_stray(self, line: str) -> object:
        document = _parsed(line) if not self._stray and line.lstrip()[0] in "{[" else _NOTHING
        if document is _NOTHING and self._stray_chars < STRAY_MAX_CHARS:
            self._stray.append(line)
            self._stray_chars += len(line)
        return document

    def _whole(self) -> object:
        """A document that came on lines of its own, or the beginning of one."""
        if not self.stray.startswith(("{", "[")):
            return _NOTHING
        document = _parsed(self.stray)
        if document is _NOTHING:
            raise ValueError("a document that can't be read")
        self._stray.clear()
        return document

    def _of_event(self, document: object) -> object:
        """What is called an error is one, whatever its form."""
        named = isinstance(document, dict) and document.get("error")
        return document if self._event != "error" or named else {"type": "error", "error": document}


def _parsed(text: str) -> object:
    """Not by orjson: half a surrogate pair in a string is the half of a character that is split."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOTHING


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    rest, first = b"", True
    async for chunk in chunks:
        *lines, rest = _LINE_END.split(rest + chunk)
        if len(rest) > LINE_MAX_BYTES:
            raise ValueError("a line without end")
        for line in lines:
            yield _decoded(line, first)
            first = False
    yield _decoded(rest, first)


def _decoded(line: bytes, first: bool) -> str:
    text = line.rstrip(b"\r").decode("utf-8", "replace")
    return text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}") if first else text


async def _drained(chunks: AsyncIterator[bytes]) -> None:
    """A connection can be used again once its body was read to the end, which has mostly come by now."""
    with suppress(Exception):
        async with asyncio.timeout(DRAIN_S):
            async for _ in chunks:
                pass
