"""Lists of sessions: which are asked for, in what order, and one page of them. Backends read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from models.calls import LIST_MAX
from models.session import TITLE_MAX_CHARS, Session, Visible
from models.states import SessionState
from services.cursors import CursorPlace, cursor_of, place_in

SessionSort = Literal["updated", "created", "title"]
SORTED_CHARS = TITLE_MAX_CHARS
"""How much of a folded title counts for its place. Folding may make eighteen characters of one, and the place of a page
travels in its cursor."""


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """`title` is a part of the title, in any case and without accents. `archived` None takes both. `descending` None is
    the usual order: newest first, titles from A. `visible` are the projects that the asker may see."""

    project_id: str | None = None
    states: tuple[SessionState, ...] = ()
    archived: bool | None = None
    title: str = ""
    sort: SessionSort = "updated"
    descending: bool | None = None
    take: int = LIST_MAX
    cursor: str | None = None
    visible: Visible = None

    @property
    def falls(self) -> bool:
        return self.sort != "title" if self.descending is None else self.descending

    @property
    def place(self) -> tuple[CursorPlace, int] | None:
        """The sort value and the row that the page comes after. Raises InvalidArgument for a foreign cursor."""
        if self.cursor is None:
            return None
        value, row = place_in(self.cursor, self._question, (str if self.sort == "title" else int, int))
        return value, int(row)

    @property
    def _question(self) -> object:
        return replace(
            self, take=0, cursor=None, visible=None, descending=self.falls, states=tuple(sorted(set(self.states)))
        )

    def page(self, found: Sequence[tuple[Session, CursorPlace, int]], total: int) -> SessionPage:
        """`found` are up to one more than asked for, each with its sort value and row."""
        kept = found[: self.take]
        more = len(found) > len(kept)
        cursor = cursor_of(self._question, kept[-1][1:]) if more else None
        return SessionPage(tuple(session for session, _, _ in kept), total, cursor)


@dataclass(frozen=True, slots=True)
class SessionPage:
    """`total` counts what the query finds, on whichever page. `cursor` is None on the last page."""

    sessions: tuple[Session, ...]
    total: int
    cursor: str | None

    @property
    def has_more(self) -> bool:
        return self.cursor is not None


EVERYTHING = SessionQuery()
"""The sessions of all projects that changed last."""
RUNNING = SessionQuery(states=("RUNNING",))
"""What runs in all projects, the last changed first."""
