"""Search on SQLite: the full-text index read by time, in windows, each ranked or not, all in one read transaction.

The index orders its rows by the instant of their creation, so the newest matches of even the commonest word are the
first that it yields; nothing here ever reads all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from models.errors import DatabaseCorrupt
from models.ids import iso
from models.payloads import MESSAGE_TYPES
from models.search import INDEXED_MAX_CHARS, FoundSession, SearchResult, first_key
from services.search.query import RANKED, WINDOWS_MAX, Phase, SearchPage, SearchQuery, Start
from services.search.snippets import snippet
from services.search.terms import Term, Terms
from services.store.sql.positions import positions_of
from services.store.sql.stored import stored, words
from services.store.sqlite.database import Database

LAST_KEY = 2**63 - 1
WINDOW = """
    WITH hits AS MATERIALIZED (
        SELECT rowid AS doc, {score} AS score FROM search_text
        WHERE search_text MATCH :match AND rowid >= :low AND rowid < :high ORDER BY rowid {direction} LIMIT :window
    ), wanted AS (
        SELECT hits.doc, hits.score, d.session, d.ordinal, s.id, s.project_id, s.title, s.state, s.archived,
            s.created_at, s.updated_at
        FROM hits JOIN search_docs d ON d.key = hits.doc JOIN sessions s ON s.key = d.session
        WHERE s.deleted_at IS NULL {filters}
        ORDER BY {order} LIMIT :take OFFSET :skip
    )
    SELECT seen.*, wanted.*, p.name AS project_name, m.id AS message_id, m.role, m.created_at AS said_at,
        json_extract(m.header, '$.kind') AS kind, substr(m.content, 1, :chars) AS content
    FROM (SELECT count(*) AS hits, min(doc) AS lowest, max(doc) AS highest FROM hits) seen
    LEFT JOIN wanted ON true
    LEFT JOIN projects p ON p.id = wanted.project_id
    LEFT JOIN messages m ON m.session = wanted.session AND m.ordinal = wanted.ordinal
    ORDER BY {order}
"""
"""A window of the index and, of what passes the filters, so many rows. One row at least: how far the window reached."""
TITLES = "(scope : t)"
PHASES: dict[Phase, str] = {"titles": f" AND {TITLES}", "messages": f" NOT {TITLES}", "all": ""}
"""Titles are few: what leaves them out costs nothing, what named all messages would be weighed row by row."""

PROJECT_KEYS = text("SELECT key FROM projects WHERE id IN :ids ORDER BY key").bindparams(
    bindparam("ids", expanding=True)
)
Found = Row[Any]


class SqliteSearch:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, query: SearchQuery) -> SearchPage:
        terms = query.terms
        async with self._database.read() as db:
            rows, cursor = await _Walk(db, query, terms, await _project_keys(db, query)).page()
            positions = await positions_of(
                db, self._database.dialect, [(row.session, row.ordinal) for row in rows if row.ordinal]
            )
        # In a thread: folding twenty long texts takes longer than the loop may be held up.
        return SearchPage(await asyncio.to_thread(_results, rows, positions, terms), cursor)


@dataclass(slots=True)
class _Walk:
    """Goes through the phases window by window until a page is full and one row more is known."""

    db: AsyncConnection
    query: SearchQuery
    terms: Terms
    project_keys: Sequence[int] | None
    rows: list[tuple[Found, Start]] = field(default_factory=list)

    async def page(self) -> tuple[list[Found], str | None]:
        query, at = self.query, self.query.start
        for _ in range(WINDOWS_MAX):
            if at.phase not in range(len(query.phases)):
                break
            at = await self._window(at)
            if len(self.rows) > query.take:
                kept = self.rows[: query.take]
                return [row for row, _ in kept], query.cursor_at(kept[-1][1])
        is_over = at.phase not in range(len(query.phases))
        return [row for row, _ in self.rows], None if is_over else query.cursor_at(at)

    async def _window(self, at: Start) -> Start:
        """Takes what is wanted from one window; returns where the next one begins."""
        ranked = self.query.sort == "relevance"
        found = (await self.db.execute(self._statement(ranked), self._values(at))).all()
        seen = found[0]
        for number, row in enumerate((row for row in found if row.doc is not None), 1):
            # Before the first page something newer may be added: what was ranked together stays together.
            after = Start(at.phase, seen.highest + 1, at.skip + number) if ranked else Start(at.phase, row.doc)
            self.rows.append((row, after))
        if seen.hits < RANKED:
            return Start(at.phase + 1)
        return Start(at.phase, seen.highest if self.query.sort == "oldest" else seen.lowest)

    def _statement(self, ranked: bool) -> Any:
        direction = "ASC" if self.query.sort == "oldest" else "DESC"
        filters = "AND s.state IN :states" if self.query.states else ""
        filters += "" if self.query.archived is None else " AND s.archived = :archived"
        # The facets weigh nothing: they are the same in all that is ranked.
        score = "bm25(search_text, 1.0, 0.0)" if ranked else "0"
        order = f"score, doc {direction}"
        statement = text(WINDOW.format(score=score, direction=direction, filters=filters, order=order))
        return statement.bindparams(bindparam("states", expanding=True)) if self.query.states else statement

    def _values(self, at: Start) -> dict[str, Any]:
        query = self.query
        low = 0 if query.since is None else first_key(query.since)
        high = LAST_KEY if query.until is None else first_key(query.until)
        if at.key is not None and query.sort == "oldest":
            low = max(low, at.key + 1)
        elif at.key is not None:
            high = min(high, at.key)
        values: dict[str, Any] = {"match": self._match(query.phases[at.phase]), "low": low, "high": high}
        values |= {"window": RANKED, "take": query.take + 1 - len(self.rows), "skip": at.skip}
        values |= {"chars": INDEXED_MAX_CHARS}
        if query.states:
            values["states"] = list(query.states)
        if query.archived is not None:
            values["archived"] = query.archived
        return values

    def _match(self, phase: Phase) -> str:
        facets: list[Sequence[str]] = [
            [f"r{role}" for role in self.query.roles],
            [f"k{kind.replace('_', '')}" for kind in self.query.kinds],
            [] if self.project_keys is None else [f"p{key}" for key in self.project_keys],
        ]
        parts = [f"(text : {_expression(self.terms)})"]
        parts += [f"(scope : ({' OR '.join(each)}))" for each in facets if each]
        return f"({' AND '.join(parts)}){PHASES[phase]}"


def _expression(terms: Terms) -> str:
    """In the index's own language. Words have letters, digits and marks alone, so in quotes they mean nothing else."""
    wanted = " AND ".join(_phrase(term) for term in terms.wanted)
    if not terms.excluded:
        return f"({wanted})"
    return f"(({wanted}) NOT ({' OR '.join(_phrase(term) for term in terms.excluded)}))"


def _phrase(term: Term) -> str:
    return f'"{" ".join(term.words)}"{"*" if term.prefix else ""}'


async def _project_keys(db: AsyncConnection, query: SearchQuery) -> Sequence[int] | None:
    """Those that may hold what is looked for, None for all; 0, which no project has, when none may."""
    if query.project_id is None and query.visible is None:
        return None
    ids = set(query.visible or ()) if query.project_id is None else {query.project_id}
    if query.visible is not None:
        ids &= query.visible
    return (await db.execute(PROJECT_KEYS, {"ids": sorted(ids)})).scalars().all() or (0,)


def _results(rows: Sequence[Found], positions: dict[tuple[int, int], int], terms: Terms) -> tuple[SearchResult, ...]:
    return tuple(_result(row, positions.get((row.session, row.ordinal)), terms) for row in rows)


def _result(row: Found, position: int | None, terms: Terms) -> SearchResult:
    if row.ordinal != 0 and row.message_id is None:
        raise DatabaseCorrupt("The search index has a message that is gone; stop the server and restore a backup")
    with stored:
        session = FoundSession(
            id=row.id,
            project_id=row.project_id,
            project_name=row.project_name or "",
            title=row.title,
            state=row.state,
            archived=bool(row.archived),
            updated_at_utc=iso(row.updated_at),
        )
        found = words(row.title if row.ordinal == 0 else row.content)
        at = iso(row.created_at if row.ordinal == 0 else row.said_at)
    shown = snippet(found, terms.wanted)
    if row.ordinal == 0:
        return SearchResult(type="title", session=session, created_at_utc=at, snippet=shown)
    return SearchResult(
        type="message",
        session=session,
        message_id=row.message_id,
        position=position,
        role=row.role,
        # A newer version's kind reads as text, here as everywhere.
        kind=row.kind if row.kind in MESSAGE_TYPES else "text",
        created_at_utc=at,
        snippet=shown,
    )
