"""Long results: head, tail and a handle, and paging through the rest."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.llm.tokens import estimate_tokens
from services.tools.context import ToolContext
from services.tools.results import BUDGET_TOKENS, PAGE_MAX_CHARS, clamp, fits, prefix, read_result, suffix
from services.tools.tool import ToolFailed, ToolOutput

LONG = "".join(f"line {number} of a long result, with some words in it\n" for number in range(6_000))


async def stored(handle: str) -> str | None:
    return {"m1": LONG, "empty": ""}.get(handle)


CONTEXT = ToolContext(read_message_content=stored)


def test_a_short_result_is_shown_whole() -> None:
    assert clamp("short", "m1") == "short"
    assert clamp("", "m1") == ""


def test_a_long_result_is_shown_as_head_tail_and_handle() -> None:
    shown = clamp(LONG, "m1")
    assert shown.startswith("line 0 of")
    assert shown.endswith("line 5999 of a long result, with some words in it\n")
    found = re.search(
        r'\[([\d,]+) of ([\d,]+) characters are left out here; read_result\(handle="m1", offset=(\d+)\)', shown
    )
    assert found is not None
    assert shown.startswith(LONG[: int(found[3])] + "\n[")
    assert estimate_tokens(shown) <= BUDGET_TOKENS
    assert estimate_tokens(shown) > 0.8 * BUDGET_TOKENS


@given(
    text=st.one_of(
        st.text(max_size=3_000), st.text("ab \n", min_size=500, max_size=5_000), st.text("日本語", max_size=3_000)
    ),
    budget=st.integers(0, 1_000),
)
def test_what_is_shown_fits_its_budget_and_the_frame(text: str, budget: int) -> None:
    shown = clamp(text, "m1", budget)
    assert shown == text or estimate_tokens(shown) <= max(budget, 130)
    assert fits(prefix(text, budget), budget)
    assert text.startswith(prefix(text, budget))
    assert text.endswith(suffix(text, budget))


def test_a_megabyte_of_blanks_does_not_pass_as_few_tokens() -> None:
    assert len(clamp(" " * 1_000_000, "m1")) < 100_000


async def test_paging_gives_the_whole_text_in_pieces() -> None:
    offset, pieces = 0, []
    while True:
        result = await read_result.invoke({"handle": "m1", "offset": offset, "limit": PAGE_MAX_CHARS}, CONTEXT)
        assert isinstance(result, ToolOutput)
        assert fits(result.text, BUDGET_TOKENS)
        piece, _, footer = result.text.rpartition("\n[characters")
        pieces.append(piece)
        following = re.search(r"offset=(\d+)", footer)
        if following is None:
            break
        offset = int(following[1])
    assert "".join(pieces) == LONG


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"handle": "m2"}, "no result “m2”"),
        ({"handle": "m1", "offset": 99_999_999}, "lies behind its end"),
        ({"handle": "m1", "offset": -1}, "offset: Input should be greater"),
        ({"handle": "m1", "limit": PAGE_MAX_CHARS + 1}, "limit: Input should be less"),
        ({}, "handle: Field required"),
    ],
    ids=range(5),
)
async def test_a_page_that_is_not_there_is_refused(arguments: dict[str, object], said: str) -> None:
    result = await read_result.invoke(arguments, CONTEXT)
    assert isinstance(result, ToolFailed)
    assert said in str(result)


async def test_an_empty_result_can_be_read_and_without_a_store_there_is_none() -> None:
    assert await read_result.invoke({"handle": "empty"}, CONTEXT) == ToolOutput(
        "\n[characters 0 to 0 of 0; this is the end]"
    )
    assert isinstance(await read_result.invoke({"handle": "m1"}, ToolContext()), ToolFailed)
