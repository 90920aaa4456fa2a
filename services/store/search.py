"""Search over titles and messages: the interface. What is asked and how it is answered is told in services.search."""

from __future__ import annotations

from typing import Protocol

from services.search.query import SearchPage, SearchQuery


class Search(Protocol):
    async def find(self, query: SearchQuery) -> SearchPage:
        """What is committed can be found. Raises InvalidArgument for a question without a word, and for a cursor of
        another one."""
        ...
