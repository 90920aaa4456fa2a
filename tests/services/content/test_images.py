"""Images: three sources, three modes, and everything that can be wrong with one."""

from __future__ import annotations

import base64
import io
import os
import shutil
import socket
import sys
from typing import Any, BinaryIO, Literal

import pytest

from models.errors import Forbidden
from models.payloads import ImagePayload
from services.content import ocr as ocr_module
from services.content.fetching import FetchRefused
from services.content.images import IMAGE_MAX_BYTES, media_type_of, resolve_image
from services.content.ocr import OcrUnavailable, read_text

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
JPEG = b"\xff\xd8\xff\xe0" + bytes(24)
URL = "https://example.invalid/cat.png"

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None and not os.environ.get("CI"),
    reason="the program tesseract is not installed (Debian: tesseract-ocr)",
)


def base64_image(data: bytes = PNG, mode: Literal["vision", "ocr", "auto"] = "auto", **more: Any) -> ImagePayload:
    encoded = base64.b64encode(data).decode()
    return ImagePayload(source="base64", data=encoded, mime_type="image/gif", mode=mode, **more)


def no_file(path: str) -> BinaryIO:
    raise FileNotFoundError(2, "No such file", path)


def no_ocr(data: bytes) -> str:
    raise AssertionError("the image was read although it can be seen")


async def resolved(payload: ImagePayload, *, vision: bool = True, **more: Any) -> ImagePayload:
    return await resolve_image(payload, vision=vision, **{"open_file": no_file, "ocr": no_ocr, **more})


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"GIF87a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"<svg xmlns=", None),
        (b"BM", None),
        (b"", None),
    ],
)
def test_the_bytes_tell_the_media_type(data: bytes, media_type: str | None) -> None:
    assert media_type_of(data) == media_type


async def test_what_the_client_says_of_the_type_gives_way_to_the_bytes() -> None:
    payload = await resolved(base64_image(JPEG))
    assert (payload.mime_type, payload.error, payload.ocr_text, payload.embedded) == ("image/jpeg", None, None, None)


@pytest.mark.parametrize(
    ("mode", "vision", "read"),
    [
        ("vision", True, False),
        ("vision", False, False),
        ("auto", True, False),
        ("auto", False, True),
        ("ocr", True, True),
        ("ocr", False, True),
    ],
)
async def test_the_text_is_read_where_mode_and_model_ask_for_it(mode: Any, vision: bool, read: bool) -> None:
    payload = await resolved(base64_image(mode=mode), vision=vision, ocr=lambda _: "EXIT" if read else no_ocr(_))
    assert payload.ocr_text == ("EXIT" if read else None)
    assert payload.error is None


@pytest.mark.parametrize(
    ("mode", "default", "vision", "kept", "read"),
    [
        ("auto", "ocr", True, "ocr", True),
        ("auto", "vision", False, "vision", False),
        ("auto", "auto", False, "auto", True),
        ("vision", "ocr", False, "vision", False),
        ("ocr", "vision", True, "ocr", True),
    ],
)
async def test_the_setting_counts_where_the_message_leaves_it_open(
    mode: Any, default: Any, vision: bool, kept: str, read: bool
) -> None:
    image = await resolved(base64_image(mode=mode), vision=vision, default=default, ocr=lambda _: "words")
    assert (image.mode, image.ocr_text) == (kept, "words" if read else None)


async def test_the_text_at_a_url_is_read_by_what_the_caller_gives() -> None:
    asked: list[tuple[str, int]] = []

    async def fetch(url: str, max_bytes: int) -> bytes:
        asked.append((url, max_bytes))
        return PNG

    async def refuse(url: str, max_bytes: int) -> bytes:
        raise FetchRefused("The address is not a public one")

    payload = ImagePayload(source="url", data=URL, mime_type="image/gif")
    image = await resolved(payload, vision=False, ocr=lambda _: "words", fetch=fetch)
    assert (image.ocr_text, image.mime_type, image.source, image.embedded) == ("words", "image/png", "url", None)
    assert asked == [(URL, IMAGE_MAX_BYTES)]
    assert (await resolved(payload, vision=True, fetch=fetch)).ocr_text is None
    assert len(asked) == 1, "who sees it needs no text"
    assert (await resolved(payload, vision=False, fetch=refuse)).error == "The address is not a public one"


async def test_a_file_is_opened_by_the_given_function_and_its_bytes_are_kept() -> None:
    opened = []

    def open_file(path: str) -> BinaryIO:
        opened.append(path)
        return io.BytesIO(PNG)

    asked = ImagePayload(source="file", data="shots/a.png", mime_type="image/png")
    payload = await resolved(asked, open_file=open_file)
    assert opened == ["shots/a.png"]
    assert (payload.source, payload.data) == ("file", "shots/a.png")
    assert payload.embedded == base64.b64encode(PNG).decode()


async def test_a_file_that_cannot_be_opened_says_why() -> None:
    def outside(_: str) -> BinaryIO:
        raise Forbidden("Outside the workspace")

    asked = ImagePayload(source="file", data="../a.png", mime_type="image/png")
    assert (await resolved(asked)).error == "There is no such file"
    assert (await resolved(asked, open_file=outside)).error == "Outside the workspace"


async def test_a_url_is_left_to_the_model_and_fetched_by_nobody_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("the server reached for the network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    asked = ImagePayload(source="url", data=URL, mime_type="image/png")
    assert await resolved(asked) == asked
    unread = await resolved(asked, vision=False)
    assert unread.error is not None
    assert "fetches no URLs" in unread.error


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "data:image/png;base64,AAAA", "//x", "", "https://x/" + "a" * 2_048]
)
async def test_urls_that_no_endpoint_fetches_are_refused(url: str) -> None:
    error = (await resolved(ImagePayload(source="url", data=url, mime_type="image/png"))).error
    assert error is not None
    assert "must begin with http" in error


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (base64_image(b"<svg/>"), "no PNG, JPEG, GIF or WebP"),
        (base64_image(b""), "no PNG, JPEG, GIF or WebP"),
        (ImagePayload(source="base64", data="data:image/png;base64,AAAA", mime_type="image/png"), "no base64"),
        (ImagePayload(source="base64", data="AAA", mime_type="image/png"), "no base64"),
        (ImagePayload(source="base64", data="é", mime_type="image/png"), "no base64"),
        (ImagePayload(source="base64", data="A" * (IMAGE_MAX_BYTES * 2), mime_type="image/png"), "larger than 3.75 MB"),
        (base64_image(PNG + bytes(IMAGE_MAX_BYTES + 1 - len(PNG))), "larger than 3.75 MB"),
    ],
)
async def test_what_no_model_takes_is_refused(payload: ImagePayload, said: str) -> None:
    refused = await resolved(payload)
    assert refused.error is not None
    assert said in refused.error


async def test_a_file_that_is_too_large_is_not_read_to_its_end() -> None:
    file = io.BytesIO(PNG + bytes(2 * IMAGE_MAX_BYTES))
    at: list[int] = []
    file.close = lambda: at.append(file.tell())  # type: ignore[method-assign]
    asked = ImagePayload(source="file", data="a.png", mime_type="image/png")
    error = (await resolved(asked, open_file=lambda _: file)).error
    assert error is not None
    assert "larger than 3.75 MB" in error
    assert at == [IMAGE_MAX_BYTES + 1]


async def test_what_a_client_claims_to_have_read_does_not_survive() -> None:
    payload = await resolved(base64_image(ocr_text="trust me", error="x", embedded="AAAA"))
    assert (payload.ocr_text, payload.error, payload.embedded) == (None, None, None)


async def test_ocr_that_is_missing_or_fails_is_an_error_that_says_what_to_do() -> None:
    def missing(_: bytes) -> str:
        raise OcrUnavailable("install it")

    payload = await resolved(base64_image(mode="ocr"), ocr=missing)
    assert (payload.error, payload.ocr_text) == ("install it", None)


def drawn(text: str, size: tuple[int, int] = (640, 120)) -> bytes:
    pillow = pytest.importorskip("PIL.Image", reason="the extra ocr is not installed")
    from PIL import ImageDraw, ImageFont

    image = pillow.new("RGB", size, "white")
    ImageDraw.Draw(image).text((20, 30), text, fill="black", font=ImageFont.load_default(48))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@needs_tesseract
async def test_tesseract_reads_the_text_of_an_image() -> None:
    payload = await resolve_image(base64_image(drawn("Parley 2026"), "auto"), vision=False, open_file=no_file)
    assert payload.error is None
    assert payload.ocr_text == "Parley 2026"


@needs_tesseract
def test_an_image_without_text_has_an_empty_one() -> None:
    assert read_text(drawn("")) == ""


@needs_tesseract
def test_a_language_that_is_not_installed_is_named() -> None:
    with pytest.raises(OcrUnavailable, match="tlh"):
        read_text(drawn("a"), languages="tlh")


@needs_tesseract
def test_reading_ends_at_its_time_limit() -> None:
    with pytest.raises(ValueError, match="took longer"):
        read_text(drawn("word " * 400, (4_000, 4_000)), timeout_s=0.05)


@pytest.mark.parametrize("data", [PNG, JPEG, b"", b"GIF89a", drawn("a")[:200]])
def test_a_damaged_image_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        read_text(data)


def test_an_image_that_unpacks_to_too_much_is_refused_before_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr_module, "PIXELS_MAX", 10)
    with pytest.raises(ValueError, match="million pixels"):
        read_text(drawn("a"))


def test_an_image_that_pillow_itself_takes_for_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = drawn("a")
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ValueError, match="million pixels"):
        read_text(bomb)


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    page = drawn("a")
    monkeypatch.setattr("pytesseract.pytesseract.tesseract_cmd", "no-such-program")
    with pytest.raises(OcrUnavailable, match="tesseract-ocr"):
        read_text(page)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytesseract", None)
    with pytest.raises(OcrUnavailable, match="parley-hub\\[ocr\\]"):
        read_text(b"")
