"""Cursors come back as they went, and anything else is refused."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from pathlib import Path

import pytest
from journal_store import KINDS, opened

from models.errors import InvalidArgument
from services.cursors import cursor_of, place_in
from services.search.query import SearchQuery, SearchSort, Start

PRINT = json.loads(urlsafe_b64decode(cursor_of("q", ()) + "=="))[0]
SORTS: tuple[SearchSort, ...] = ("relevance", "newest", "oldest")


@pytest.mark.parametrize("place", [(0, "", -5), (2**60, "数据 \"'", 7), (-1, "x" * 200, 0)])
def test_a_cursor_comes_back_as_it_went(place: tuple[int, str, int]) -> None:
    cursor = cursor_of(("question", 1), place)
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert tuple(place_in(cursor, ("question", 1), (int, str, int))) == place


@pytest.mark.parametrize(
    "inside",
    [
        [PRINT],
        [PRINT, 1, 2],
        [PRINT, "1"],
        [PRINT, 1.0],
        [PRINT, True],
        [PRINT, None],
        [PRINT, [1]],
        [PRINT, 2**63],
        [PRINT, 2**63 - 1],
        [PRINT, -(2**63)],
        [PRINT, 10**400],
        ["other", 1],
        [None, 1],
        {"0": 1},
        "text",
        7,
        None,
    ],
)
def test_what_was_made_up_is_refused(inside: object) -> None:
    cursor = urlsafe_b64encode(json.dumps(inside).encode()).decode().rstrip("=")
    with pytest.raises(InvalidArgument) as refused:
        place_in(cursor, "q", (int,))
    assert refused.value.details == {"field": "cursor"}


@pytest.mark.parametrize("text", ["\ud800", "a\0"])
def test_text_that_no_database_takes_is_refused(text: str) -> None:
    cursor = urlsafe_b64encode(json.dumps([PRINT, text]).encode()).decode()
    with pytest.raises(InvalidArgument):
        place_in(cursor, "q", (str,))


@pytest.mark.parametrize("kind", KINDS)
async def test_no_place_that_a_cursor_may_name_breaks_a_search(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        await store.session("s", "word")
        for sort in SORTS:
            query = SearchQuery("word", sort=sort)
            for place in (Start(9), Start(-1), Start(0, 2**63 - 2), Start(0, 0, -5), Start(1, 5, 2**62)):
                page = await store.search.find(replace(query, cursor=query.cursor_at(place)))
                assert len(page.results) <= 1
