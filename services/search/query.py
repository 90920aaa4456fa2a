"""A search over titles and messages: what is asked, one page of the answer, and where the next one begins.

Backends find; none of them decides what a word is (models.words) or what was meant (search_terms).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from models.ids import EpochMs
from models.messages import Role
from models.payloads import Kind
from models.search import SearchResult
from models.session import Visible
from models.states import SessionState
from services.cursors import cursor_of, place_in
from services.search.terms import Terms, parse_terms

SEARCH_TAKE_MAX = 100
RANKED = 1_000
"""Matches are ranked among so many neighbours in time, newest first: a word that everything contains costs no more than
one that a thousand messages contain."""
WINDOWS_MAX = 10
"""So many windows of RANKED are looked through for one page. Where filters leave next to nothing of them the page is
short, and its cursor goes on."""
SearchSort = Literal["relevance", "newest", "oldest"]
Phase = Literal["titles", "messages", "all"]


@dataclass(frozen=True, slots=True)
class Start:
    """Where a page begins: in the phase of this number, before (for oldest: after) a key of the index, and after so
    many of the ranked matches there."""

    phase: int = 0
    key: int | None = None
    skip: int = 0


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """`since` is the first instant that counts, `until` the first that doesn't. `archived` None takes both.
    `visible` are the projects that the asker may see."""

    text: str
    project_id: str | None = None
    states: tuple[SessionState, ...] = ()
    roles: tuple[Role, ...] = ()
    kinds: tuple[Kind, ...] = ()
    since: EpochMs | None = None
    until: EpochMs | None = None
    archived: bool | None = None
    sort: SearchSort = "relevance"
    take: int = 20
    cursor: str | None = None
    visible: Visible = None

    @property
    def terms(self) -> Terms:
        """Raises InvalidArgument."""
        return parse_terms(self.text)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What is gone through, one after the other. Titles have no role and no kind; by relevance they come first."""
        if self.roles or self.kinds:
            return ("messages",)
        return ("titles", "messages") if self.sort == "relevance" else ("all",)

    @property
    def start(self) -> Start:
        """Raises InvalidArgument for a cursor of another search."""
        if self.cursor is None:
            return Start()
        phase, key, skip = (int(part) for part in place_in(self.cursor, self._question, (int, int, int)))
        return Start(phase, None if key < 0 else key, skip)

    def cursor_at(self, start: Start) -> str:
        return cursor_of(self._question, (start.phase, -1 if start.key is None else start.key, start.skip))

    @property
    def _question(self) -> object:
        chosen = tuple(tuple(sorted(set(each))) for each in (self.states, self.roles, self.kinds))
        return replace(self, take=0, cursor=None, visible=None, states=(), roles=(), kinds=()), chosen


@dataclass(frozen=True, slots=True)
class SearchPage:
    """`cursor` is None when there is no more."""

    results: tuple[SearchResult, ...]
    cursor: str | None

    @property
    def has_more(self) -> bool:
        return self.cursor is not None
