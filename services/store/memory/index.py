"""The index of words in memory: those of each title and message, looked through one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from models.ids import iso
from models.messages import Message
from models.search import INDEXED_MAX_CHARS, FoundSession, SearchResult, first_key
from models.session import Session
from models.words import words
from services.engine.context import Context
from services.search.query import Phase, SearchPage, SearchQuery, Start
from services.search.snippets import snippet
from services.search.terms import Terms


@dataclass(frozen=True, slots=True)
class Doc:
    """A title (`ordinal` 0) or a message, under its key."""

    key: int
    session_id: str
    ordinal: int
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Held:
    """What a search needs to know of a session: its context, how it looks, its messages, and its active path."""

    context: Context
    view: Session
    messages: Sequence[Message]
    path: Sequence[int]


Hold = Callable[[str], Held]


@dataclass(slots=True)
class MemoryIndex:
    """Keys are given as the database gives them: by the instant, and in the order of completion within it."""

    _docs: dict[tuple[str, int], Doc] = field(default_factory=dict)
    _given: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def put(self, session_id: str, ordinal: int, at: int, text: str) -> None:
        old = self._docs.get((session_id, ordinal))
        key = old.key if old is not None else self._next_key(first_key(at))
        found = words(text[:INDEXED_MAX_CHARS])
        self._docs[session_id, ordinal] = Doc(key, session_id, ordinal, found)

    def forget(self, session_id: str) -> None:
        self._docs = {place: doc for place, doc in self._docs.items() if doc.session_id != session_id}

    def search(self, query: SearchQuery, hold: Hold) -> SearchPage:
        """Raises InvalidArgument."""
        terms, start = query.terms, query.start
        found: list[tuple[Doc, Start]] = []
        for number, phase in enumerate(query.phases):
            if number >= start.phase:
                at = start if number == start.phase else Start(number)
                found += self._in_phase(query, terms, phase, at, hold)
        kept = found[: query.take]
        cursor = query.cursor_at(kept[-1][1]) if len(found) > len(kept) else None
        return SearchPage(tuple(_result(doc, hold(doc.session_id), terms) for doc, _ in kept), cursor)

    def _in_phase(
        self, query: SearchQuery, terms: Terms, phase: Phase, at: Start, hold: Hold
    ) -> Iterator[tuple[Doc, Start]]:
        rising = query.sort == "oldest"
        docs = [doc for doc in self._docs.values() if _is_beyond(doc, at, rising=rising) and terms.match(doc.words)]
        docs.sort(key=lambda doc: doc.key, reverse=not rising)
        highest = max((doc.key for doc in docs), default=0)
        docs = [doc for doc in docs if _is_wanted(query, phase, doc, hold(doc.session_id))]
        if query.sort != "relevance":
            yield from ((doc, Start(at.phase, doc.key)) for doc in docs)
            return
        docs.sort(key=lambda doc: -_weight(doc, terms))
        for number, doc in enumerate(docs[at.skip :], at.skip + 1):
            yield doc, Start(at.phase, highest + 1, number)

    def _next_key(self, first: int) -> int:
        self._given[first] += 1
        return first + self._given[first] - 1


def _is_beyond(doc: Doc, at: Start, *, rising: bool) -> bool:
    return at.key is None or (doc.key > at.key if rising else doc.key < at.key)


def _is_wanted(query: SearchQuery, phase: Phase, doc: Doc, held: Held) -> bool:
    context = held.context
    return (
        context.deleted_at is None
        and (phase == "all" or (phase == "titles") == (doc.ordinal == 0))
        and query.project_id in (None, context.project_id)
        and (query.visible is None or context.project_id in query.visible)
        and (not query.states or context.session_state in query.states)
        and query.archived in (None, context.archived)
        and (query.since is None or doc.key >= first_key(query.since))
        and (query.until is None or doc.key < first_key(query.until))
        and (doc.ordinal == 0 or _is_wanted_message(query, held.messages[doc.ordinal - 1]))
    )


def _is_wanted_message(query: SearchQuery, message: Message) -> bool:
    return (not query.roles or message.role in query.roles) and (not query.kinds or message.kind in query.kinds)


def _weight(doc: Doc, terms: Terms) -> float:
    """How much of the text is what was looked for."""
    return sum(term.count(doc.words) for term in terms.wanted) / (10 + len(doc.words))


def _result(doc: Doc, held: Held, terms: Terms) -> SearchResult:
    view = held.view
    session = FoundSession(
        id=view.id,
        project_id=view.project_id,
        project_name=view.project_name,
        title=view.title,
        state=view.state,
        archived=view.archived,
        updated_at_utc=view.updated_at_utc,
    )
    if doc.ordinal == 0:
        shown = snippet(view.title, terms.wanted)
        return SearchResult(type="title", session=session, created_at_utc=iso(held.context.created_at), snippet=shown)
    message = held.messages[doc.ordinal - 1]
    return SearchResult(
        type="message",
        session=session,
        message_id=message.id,
        position=held.path.index(doc.ordinal) + 1 if doc.ordinal in held.path else None,
        role=message.role,
        kind=message.kind,
        created_at_utc=message.created_at_utc,
        snippet=snippet(message.content[:INDEXED_MAX_CHARS], terms.wanted),
    )
