"""An append as rows: what the writer inserts and updates. Pure; both the journal and its rebuild use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from models.actors import Actor
from models.approvals import Approval
from models.branches import Branch
from models.events import (
    ApprovalRequested,
    ApprovalResolved,
    BranchMerged,
    Event,
    MessageBody,
    MessageCompleted,
    MessageCreated,
    MessageDelta,
    MessageUpdated,
    RunFinished,
    RunQueued,
    RunStarted,
    SessionCreated,
    SessionDeleted,
    SessionRenamed,
    oversize,
)
from models.ids import from_iso
from models.messages import Message
from models.runs import Run
from models.search import INDEXED_MAX_CHARS, first_key
from models.words import fold, spaced
from services.engine.context import Context
from services.store.journal import Append

Row = list[Any]
LARGE_CHARS = 64 * 1024
GUARDED = 4
"""The columns of a guard; of one that claims a run there are more."""
TITLES_KEPT = 4_096
"""A title is folded once and written with every change of its session."""


@dataclass(slots=True)
class Keys:
    """The integer keys that stand for a session and its branches inside the database."""

    session: int
    branches: dict[str, int]


@dataclass(slots=True)
class Rows:
    """What one transaction writes, by table; the column orders are those of `statements`. `actors` are the keys of
    those that its events are by."""

    actors: Mapping[Actor, int | None]
    events: list[Row] = field(default_factory=list)
    sessions: list[Row] = field(default_factory=list)
    contexts: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    bodies: list[Row] = field(default_factory=list)
    headers: dict[tuple[int, int], Row] = field(default_factory=dict)
    positions: list[Row] = field(default_factory=list)
    branches: list[Row] = field(default_factory=list)
    runs_new: list[Row] = field(default_factory=list)
    runs: dict[str, Row] = field(default_factory=dict)
    approvals_new: list[Row] = field(default_factory=list)
    approvals: dict[str, Row] = field(default_factory=dict)
    leases: list[Row] = field(default_factory=list)
    docs: dict[tuple[int, int], Row] = field(default_factory=dict)
    not_current: list[Row] = field(default_factory=list)
    texts: dict[tuple[int, int], Row] = field(default_factory=dict)
    are_more_than_words: bool = False
    """Whether there are any but those of `events`, which are written first."""

    def of(self, name: str) -> list[Row]:
        """The rows of one field. What one append changes twice is written once, as it is in the end."""
        rows: list[Row] | dict[object, Row] = getattr(self, name)
        return list(rows.values()) if isinstance(rows, dict) else rows

    def take_large_texts(self) -> list[dict[str, int | str]]:
        """Header and content of large messages, taken out of their rows, to be written each by itself: in the one JSON
        parameter the database would parse them anew for every column."""
        taken: list[dict[str, int | str]] = []
        for row in (*self.messages, *self.bodies):
            if len(row[-1]) + len(row[-2]) > LARGE_CHARS:
                header = self.headers.get((row[0], row[1]), [row[-2]])[-1]  # that of a later change of the append
                taken.append({"session": row[0], "ordinal": row[1], "header": header, "content": row[-1]})
                row[-2:] = ["{}", ""]
        return taken

    def add(self, append: Append, keys: Keys) -> None:
        before, after = append.before, append.after
        only_grows = True
        for event in append.events:
            only_grows = only_grows and type(event.body) is MessageDelta
            self.events.append(event_row(keys.session, event, after, self.actors[event.by]))
        if only_grows:
            return
        self.are_more_than_words = True
        self.sessions.append([keys.session, *session_values(after)])
        self.contexts.append([keys.session, *context_values(after)])
        for event, branch in append.on_branches():
            self._project(event, after, keys, branch)
        for name, branch in after.branches.items():
            if before is None or before.branches.get(name) is not branch:
                self.branches.append([keys.branches[name], *branch_values(branch)])
        if append.lease is not None and after.run is not None:
            self.leases.append([after.run.id, append.lease.owner, append.lease.expires_at])

    def _project(self, event: Event, after: Context, keys: Keys, active: Branch) -> None:
        match event.body:
            case MessageCreated(message=message):
                self.messages.append([keys.session, *message_values(message, event.seq)])
                self._place_at(
                    keys, active.name, active.length - (after.pool_count - message.ordinal), (message.ordinal,)
                )
                self._index(keys, message)
            case BranchMerged(branch=branch, messages=entries):
                self._place_at(keys, branch.name, branch.length, tuple(entry.ordinal for entry in entries))
            case MessageCompleted(message=message):
                values = [message.status, oversize(message), header_of(message), message.content]
                self.bodies.append([keys.session, message.ordinal, *values])
                self._index(keys, message)
            case MessageUpdated(message=message):
                key = (keys.session, message.ordinal)
                self.headers[key] = [*key, message.status, header_of(message)]
            case SessionRenamed() | SessionCreated():
                self._index_title(keys, after)
            case SessionDeleted():
                self.not_current.append([after.session_id])
            case RunQueued(run=run):
                self.runs_new.append([keys.session, *run_values(run)])
            case RunStarted(run=run) | RunFinished(run=run):
                self.runs[run.id] = run_values(run)
            case ApprovalRequested(approval=approval):
                self.approvals_new.append([keys.session, *approval_values(approval)])
                self._waits(after)
            case ApprovalResolved(approval=approval):
                self.approvals[approval.id] = approval_values(approval)
                self._waits(after)
            case _:
                pass

    def _index(self, keys: Keys, message: Message) -> None:
        """A message can be found once it is complete; a reply that grows is not indexed with every word."""
        if message.status != "streaming" and message.content:
            at, facets = from_iso(message.created_at_utc), f"r{message.role} k{message.kind.replace('_', '')}"
            self._find_by(keys, message.ordinal, at, message.content[:INDEXED_MAX_CHARS], facets)

    def _index_title(self, keys: Keys, after: Context) -> None:
        if after.title or after.version > 1:  # a title that was taken away must not be found any more
            self._find_by(keys, 0, after.created_at, after.title, "t")

    def _find_by(self, keys: Keys, ordinal: int, at: int, text: str, facets: str) -> None:
        key = (keys.session, ordinal)
        self.docs[key] = [*key, first_key(at)]
        self.texts[key] = [*key, spaced(text), facets]

    def _waits(self, after: Context) -> None:
        """The active run's state follows from what is pending."""
        if after.run is not None:
            self.runs[after.run.id] = run_values(after.run)

    def _place_at(self, keys: Keys, branch: str, end: int, ordinals: tuple[int, ...]) -> None:
        """The messages at the positions up to `end` of a branch's path."""
        first = end - len(ordinals) + 1
        rows = ([keys.branches[branch], first + index, ordinal] for index, ordinal in enumerate(ordinals))
        self.positions.extend(rows)


def guard_row(append: Append, session: int) -> Row:
    """Of an append to a session that exists."""
    expected = append.before.head if append.before is not None else 0
    guarded = [session, expected, append.after.head, append.fence]
    return guarded if append.lease is None else [*guarded, append.lease.owner, append.events[-1].at]


def session_values(context: Context) -> Row:
    return [
        context.fence,
        context.title,
        context.session_state,
        context.updated_at,
        context.completed_at,
        context.deleted_at,
        context.branch.length,
        context.pool_count,
        context.version,
        context.archived,
        title_key(context.title),
    ]


@lru_cache(TITLES_KEPT)
def title_key(title: str) -> str:
    return fold(title)


def context_values(context: Context) -> Row:
    state = context.state.model_dump_json(by_alias=True)
    usage = context.usage.model_dump_json(by_alias=True)
    grants = orjson.dumps([grant.to_wire() for grant in context.grants]).decode()
    request = context.request.ordinal if context.request is not None else None
    workflow = context.workflow.ordinal if context.workflow is not None else None
    small = [state, context.mode, context.model, context.active_branch, usage, context.steered]
    return [*small, grants, request, workflow]


def message_values(message: Message, seq: int) -> Row:
    return [
        message.ordinal,
        message.id,
        seq,
        message.role,
        message.status,
        message.author,
        message.client_message_id,
        from_iso(message.created_at_utc),
        oversize(message),
        header_of(message),
        message.content,
    ]


def header_of(message: Message) -> str:
    return orjson.dumps(message.to_stored()).decode()


def run_values(run: Run) -> Row:
    return [run.id, run.state, run.attempt, run.model_dump_json(by_alias=True)]


def branch_values(branch: Branch) -> Row:
    return [branch.length, branch.model_dump_json(by_alias=True)]


def approval_values(approval: Approval) -> Row:
    return [approval.id, approval.state, approval.model_dump_json(by_alias=True)]


def event_row(session: int, event: Event, after: Context, by: int | None) -> Row:
    body = event.body
    if isinstance(body, MessageDelta):
        return [session, event.seq, body.code, event.at, _streaming_ordinal(after), body.sequence, body.delta, by]
    if isinstance(body, MessageBody):
        message = body.message
        return [session, event.seq, body.code, event.at, message.ordinal, oversize(message), _bare(body), by]
    return [session, event.seq, body.code, event.at, None, None, body.model_dump_json(by_alias=True), by]


def _bare(body: MessageBody) -> str:
    return orjson.dumps({"message": body.message.to_stored()}).decode()


def _streaming_ordinal(after: Context) -> int | None:
    return after.stream.message.ordinal if after.stream is not None else None


def as_json(rows: Sequence[Row]) -> str:
    """The one bound parameter of a batch statement."""
    return orjson.dumps(rows).decode()
