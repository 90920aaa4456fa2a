"""Checks images that come into a session, and reads their text where the model can't see. Fetches no URL by itself: an
image given by one is fetched by the model's endpoint, and for its text by what the caller gives, if at all."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from typing import TypeAlias

from models.errors import ParleyError
from models.payloads import ImageMode, ImagePayload
from services.content.fetching import Fetch, FetchRefused
from services.content.ocr import OcrUnavailable, read_text
from services.content.opening import OpenFile, why_unreadable

IMAGE_MAX_BYTES = 3_750_000
"""Anthropic takes 5 MB of base64 for an image, which is a third more than its bytes; OpenAI takes more."""

Ocr: TypeAlias = Callable[[bytes], str]
"""The text in an image; blocks, so it is called in a thread. Raises OcrUnavailable, ValueError for a broken image."""

_URL_MAX_CHARS = 2_048


class _Problem(Exception):
    """Ends the work; its text is the payload's error."""


async def resolve_image(
    payload: ImagePayload,
    *,
    vision: bool,
    open_file: OpenFile,
    ocr: Ocr = read_text,
    default: ImageMode = "auto",
    fetch: Fetch | None = None,
) -> ImagePayload:
    """The payload checked, with the media type that the bytes themselves show, a file's bytes in `embedded`, and
    `ocrText` where `mode` asks for it or, in auto, where the model has no `vision`. `default` stands in for auto;
    `fetch` brings what lies at a URL. What fails is in `error`."""
    mode = default if payload.mode == "auto" else payload.mode
    clean = payload.model_copy(update={"error": None, "embedded": None, "ocr_text": None, "mode": mode})
    reads = mode == "ocr" or (mode == "auto" and not vision)
    try:
        if payload.source == "url":
            return await _by_url(clean, reads, ocr, fetch)
        data = await asyncio.to_thread(_bytes, clean, open_file)
        checked = _checked(clean, data)
        return checked.model_copy(update={"ocr_text": await asyncio.to_thread(ocr, data)}) if reads else checked
    except (_Problem, OcrUnavailable, FetchRefused, ValueError) as problem:
        return clean.model_copy(update={"error": str(problem)})
    except (OSError, ParleyError) as error:
        return clean.model_copy(update={"error": why_unreadable(error)})


def media_type_of(data: bytes) -> str | None:
    """From the first bytes; None for anything but PNG, JPEG, GIF and WebP, which is what models take."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


async def _by_url(payload: ImagePayload, reads: bool, ocr: Ocr, fetch: Fetch | None) -> ImagePayload:
    if not payload.data.startswith(("http://", "https://")) or len(payload.data) > _URL_MAX_CHARS:
        raise _Problem("The URL must begin with http:// or https:// and have at most 2,048 characters")
    if not reads:
        return payload
    if fetch is None:
        raise _Problem(
            "The server fetches no URLs, so it can't read the text: send the image itself, as base64 or file"
        )
    data = await fetch(payload.data, IMAGE_MAX_BYTES)
    return _checked(payload, data).model_copy(update={"ocr_text": await asyncio.to_thread(ocr, data)})


def _bytes(payload: ImagePayload, open_file: OpenFile) -> bytes:
    if payload.source == "file":
        with open_file(payload.data) as file:
            data = file.read(IMAGE_MAX_BYTES + 1)
    else:
        data = _decoded(payload.data)
    if len(data) > IMAGE_MAX_BYTES:
        raise _Problem(f"The image is larger than {IMAGE_MAX_BYTES / 1e6:g} MB: scale it down")
    return data


def _decoded(text: str) -> bytes:
    """Refused by its length before it is decoded."""
    if len(text) > IMAGE_MAX_BYTES * 4 // 3 + 4:
        raise _Problem(f"The image is larger than {IMAGE_MAX_BYTES / 1e6:g} MB: scale it down")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _Problem("The data is no base64 (send it without “data:…;base64,” and line ends)") from None


def _checked(payload: ImagePayload, data: bytes) -> ImagePayload:
    media_type = media_type_of(data)
    if media_type is None:
        raise _Problem("This is no PNG, JPEG, GIF or WebP image")
    embedded = base64.b64encode(data).decode() if payload.source == "file" else None
    return payload.model_copy(update={"mime_type": media_type, "embedded": embedded})
