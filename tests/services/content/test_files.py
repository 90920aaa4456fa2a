"""References to files: every range, encoding and way to fail, and that a huge file costs no memory."""

from __future__ import annotations

import codecs
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import Forbidden
from models.ids import from_iso
from models.payloads import FileReferencePayload
from services.content import files
from services.content.files import CONTENT_MAX_CHARS, resolve_file

NOW = from_iso("2026-11-20T09:00:00.000Z")
AT = "2026-11-20T09:00:00.000Z"
FIVE = b"one\ntwo\nthree\nfour\nfive\n"


async def resolved(
    data: bytes | Callable[[str], BinaryIO], start: int | None = None, end: int | None = None
) -> FileReferencePayload:
    payload = FileReferencePayload(path="a.py", start_line=start, end_line=end)
    open_file = data if callable(data) else lambda _: io.BytesIO(data)
    return await resolve_file(payload, open_file=open_file, now=NOW)


@pytest.mark.parametrize(
    ("start", "end", "content", "lines"),
    [
        (None, None, "one\ntwo\nthree\nfour\nfive\n", (None, None)),
        (2, 3, "two\nthree\n", (2, 3)),
        (4, None, "four\nfive\n", (4, 5)),
        (None, 2, "one\ntwo\n", (1, 2)),
        (5, 5, "five\n", (5, 5)),
        (4, 99, "four\nfive\n", (4, 5)),
    ],
)
async def test_a_range_gives_its_lines_and_says_which_they_are(
    start: int | None, end: int | None, content: str, lines: tuple[int | None, int | None]
) -> None:
    payload = await resolved(FIVE, start, end)
    assert (payload.content, payload.error, payload.read_at) == (content, None, AT)
    assert (payload.start_line, payload.end_line) == lines
    assert not payload.cut


async def test_a_range_beyond_the_end_says_how_long_the_file_is() -> None:
    payload = await resolved(FIVE, 9)
    assert payload.content is None
    assert payload.error == "The file has only 5 lines; line 9 was asked for"
    assert payload.read_at == AT


async def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    assert (await resolved(FIVE, 3, 2)).error == "The range ends before it begins: lines 3 to 2"


async def test_an_empty_file_is_empty_and_has_no_second_line() -> None:
    assert (await resolved(b"")).content == ""
    assert (await resolved(b"", 1, 1)).content == ""
    assert (await resolved(b"", 2)).error == "The file has only 0 lines; line 2 was asked for"


TEXT = "grüße\nπ ≈ 3\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
    ],
)
async def test_unicode_in_every_encoding_is_read_without_its_mark(data: bytes) -> None:
    assert (await resolved(data)).content == TEXT
    assert (await resolved(data, 2, 2)).content == "π ≈ 3\n"


async def test_what_is_no_utf8_is_latin1() -> None:
    assert (await resolved("grüße\n".encode("latin-1"))).content == "grüße\n"


async def test_latin1_is_found_out_late_in_the_file_too() -> None:
    data = b"plain\n" * 50_000 + "grüße\n".encode("latin-1")
    assert (await resolved(data, 50_001, 50_001)).content == "grüße\n"


async def test_a_file_that_breaks_its_own_mark_is_damaged() -> None:
    assert (
        await resolved(codecs.BOM_UTF16_LE + b"\x00\xd8a\x00")
    ).error == "The file is damaged: it is no valid UTF-16"


@pytest.mark.parametrize(
    "data",
    [b"\x7fELF\x02\x01\x01\x00", b"a\0b", b"\x01\x02", b"text\n" * 5_000 + b"\0", codecs.BOM_UTF16_LE + b"a\0\0\0"],
)
async def test_binary_files_are_refused(data: bytes) -> None:
    payload = await resolved(data)
    assert (payload.content, payload.error) == (None, "The file is binary")


async def test_colours_and_page_breaks_are_text() -> None:
    assert (await resolved(b"\x1b[1mbold\x1b[0m\f\tx\n")).content == "\x1b[1mbold\x1b[0m\f\tx\n"


async def test_carriage_returns_at_line_ends_are_left_out_and_alone_are_no_line_ends() -> None:
    assert (await resolved(b"a\r\nb\rc\r\nd")).content == "a\nb\rc\nd"
    assert (await resolved(b"a\r\nb\rc\r\nd", 2, 2)).content == "b\rc\n"


async def test_too_much_is_cut_at_a_line_and_says_how_far_it_goes() -> None:
    payload = await resolved(b"0123456789\n" * 20_000)
    assert payload.cut
    assert payload.content is not None
    assert payload.content.endswith("9\n")
    assert len(payload.content) <= CONTENT_MAX_CHARS
    assert (payload.start_line, payload.end_line) == (1, len(payload.content) // 11)


async def test_a_long_line_behind_others_is_left_out_as_a_whole() -> None:
    payload = await resolved(b"short\n" + b"x" * (2 * CONTENT_MAX_CHARS))
    assert (payload.content, payload.end_line, payload.cut) == ("short\n", 1, True)


async def test_a_single_line_that_is_too_long_is_cut_inside() -> None:
    payload = await resolved(b"x" * (2 * CONTENT_MAX_CHARS))
    assert (payload.content, payload.end_line, payload.cut) == ("x" * CONTENT_MAX_CHARS, 1, True)


async def test_a_range_in_a_huge_file_is_read_without_loading_it(tmp_path: Path) -> None:
    """20 MB, one line of which has 16 MB."""
    huge = tmp_path / "huge.log"
    with huge.open("wb") as file:
        file.write(b"y" * (16 << 20) + b"\n")
        for _ in range(4):
            file.write(b"0123456789abcde\n" * (1 << 16))
    tracemalloc.start()
    try:
        payload = await resolved(lambda _: huge.open("rb"), 250_000, 250_001)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert payload.content == "0123456789abcde\n" * 2
    assert peak < 2 << 20


async def test_a_range_too_far_into_a_huge_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SCAN_MAX_CHARS", 100)
    error = (await resolved(b"0123456789\n" * 50, 40)).error
    assert error is not None
    assert "too far into a huge file" in error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file", "/secret/a.py"), "There is no such file"),
        (IsADirectoryError(21, "Is a directory", "/secret"), "This is a folder"),
        (PermissionError(13, "Permission denied", "/secret"), "The server may not read this file"),
        (OSError(5, "Input/output error", "/secret"), "The file could not be read: Input/output error"),
        (OSError("/secret"), "The file could not be read: unknown reason"),
        (Forbidden("Outside the workspace"), "Outside the workspace"),
    ],
)
async def test_what_cannot_be_opened_says_why_without_the_servers_paths(error: Exception, said: str) -> None:
    def refuse(_: str) -> BinaryIO:
        raise error

    payload = await resolved(refuse)
    assert (payload.content, payload.error, payload.read_at) == (None, said, AT)


async def test_what_a_client_claims_about_the_content_does_not_survive() -> None:
    claimed = FileReferencePayload(
        path="a", content="trust me", read_at="1970-01-01T00:00:00.000Z", error="x", cut=True
    )
    payload = await resolve_file(claimed, open_file=lambda _: io.BytesIO(FIVE), now=NOW)
    assert (payload.content, payload.read_at, payload.error, payload.cut) == (FIVE.decode(), AT, None, False)


@given(st.lists(st.text("ab\r é", max_size=5), max_size=12), st.integers(1, 14), st.none() | st.integers(1, 14))
async def test_any_range_is_what_splitting_at_line_feeds_gives(lines: list[str], start: int, end: int | None) -> None:
    text = "\n".join(lines)
    payload = await resolved(text.encode(), start, end)
    pieces = [f"{line}\n" for line in text.split("\n")]
    pieces[-1] = pieces[-1][:-1]
    pieces = [piece for piece in pieces if piece]
    if (end is not None and end < start) or start > max(1, len(pieces)):
        assert payload.content is None
        assert payload.error
    else:
        assert payload.content == "".join(pieces[start - 1 : end]).replace("\r\n", "\n")
