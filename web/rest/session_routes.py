"""The part of the route table that concerns sessions: their lists, what is found in them, and what each one holds."""

from __future__ import annotations

from models.calls import CreateSessionBody, Edit, EditSession, NoArguments
from models.errors import BranchNotFound, EventsGone, IllegalTransition, ProjectNotFound, SessionNotFound, UnknownModel
from models.session import Session
from web.rest import sessions
from web.rest.answers import (
    ApprovalList,
    BranchList,
    Done,
    EventPageAnswer,
    MessagePageAnswer,
    ParticipantList,
    RunList,
    SearchAnswer,
    SessionList,
)
from web.rest.queries import DeleteQuery, EventsQuery, ListQuery, MessagesQuery, SearchParameters
from web.rest.route import NoQuery, Route, route

SESSION = "/api/sessions/{sessionId}"
NONE = NoArguments
NO_PROJECT = (ProjectNotFound,)
NO_SESSION = (SessionNotFound,)

SESSIONS: tuple[Route, ...] = (
    route(
        "POST",
        "/api/sessions",
        sessions.create_session,
        CreateSessionBody,
        NoQuery,
        Session,
        "A new session, in the Inbox unless a project is named.",
        status=201,
        errors=(ProjectNotFound, UnknownModel),
        versioned=True,
    ),
    route(
        "GET",
        "/api/sessions",
        sessions.list_sessions,
        NONE,
        ListQuery,
        SessionList,
        "The sessions of all projects, or of one, sorted and filtered.",
        errors=NO_PROJECT,
    ),
    route(
        "GET",
        "/api/search",
        sessions.search,
        NONE,
        SearchParameters,
        SearchAnswer,
        "Full text over titles and messages.",
        errors=NO_PROJECT,
    ),
    route(
        "GET",
        "/api/sessions/running",
        sessions.list_running_sessions,
        NONE,
        NoQuery,
        SessionList,
        "The sessions of all projects in which a run is queued or at work, the 500 that changed last.",
    ),
    route(
        "GET",
        SESSION,
        sessions.get_session,
        NONE,
        NoQuery,
        Session,
        "One session.",
        errors=NO_SESSION,
        versioned=True,
    ),
    route(
        "PATCH",
        SESSION,
        sessions.edit_session,
        EditSession,
        NoQuery,
        Session,
        "Renames a session.",
        errors=(SessionNotFound, IllegalTransition),
        versioned=True,
    ),
    route(
        "DELETE",
        SESSION,
        sessions.delete_session,
        NONE,
        DeleteQuery,
        Done,
        "Deletes a session and cancels its run; it can be restored for 30 days, unless purged.",
        errors=NO_SESSION,
    ),
    route(
        "POST",
        f"{SESSION}/restore",
        sessions.restore_session,
        Edit,
        NoQuery,
        Session,
        "Brings a deleted session back.",
        errors=NO_SESSION,
        versioned=True,
    ),
    route(
        "GET",
        f"{SESSION}/messages",
        sessions.list_messages,
        NONE,
        MessagesQuery,
        MessagePageAnswer,
        "A page of a session's messages. When those over 64 KiB come to more than 8 MiB, headers stand for them, "
        "with `truncated` and `size`.",
        errors=(SessionNotFound, BranchNotFound),
    ),
    route(
        "GET",
        f"{SESSION}/events",
        sessions.list_events,
        NONE,
        EventsQuery,
        EventPageAnswer,
        "The events after a position, in order.",
        errors=(SessionNotFound, EventsGone),
    ),
    route("GET", f"{SESSION}/runs", sessions.list_runs, NONE, NoQuery, RunList, "A session's runs.", errors=NO_SESSION),
    route(
        "GET",
        f"{SESSION}/branches",
        sessions.list_branches,
        NONE,
        NoQuery,
        BranchList,
        "A session's branches.",
        errors=NO_SESSION,
    ),
    route(
        "GET",
        f"{SESSION}/approvals",
        sessions.list_approvals,
        NONE,
        NoQuery,
        ApprovalList,
        "What the user was asked, and the tools that need no asking.",
        errors=NO_SESSION,
    ),
    route(
        "GET",
        f"{SESSION}/participants",
        sessions.list_participants,
        NONE,
        NoQuery,
        ParticipantList,
        "Who is connected to a session.",
        errors=NO_SESSION,
    ),
)
