"""The route table: the one list of what REST can do. It registers the handlers and makes the OpenAPI document."""

from __future__ import annotations

from aiohttp import web

from models.calls import (
    CancelRunArguments,
    CreateProject,
    CreateSessionBody,
    EditProject,
    EditSession,
    NoArguments,
    SetCurrentSession,
    SetModelBody,
)
from models.errors import (
    BranchNotFound,
    Conflict,
    Draining,
    EventsGone,
    IdempotencyConflict,
    MessageNotFound,
    ProjectNotFound,
    RunAlreadyActive,
    SessionNotFound,
    StorageUnavailable,
    UnknownModel,
    VersionMismatch,
)
from models.session import Project, Session
from models.snapshot import Snapshot
from services.metrics import CONTENT_TYPE
from web import contexts, models, operations, projects, sessions
from web.answers import (
    BranchList,
    Cancelled,
    ChunkPageAnswer,
    ContextMetadata,
    CurrentSession,
    Done,
    EventPageAnswer,
    Health,
    Me,
    MessageBatch,
    MessagePageAnswer,
    ModelList,
    ParticipantList,
    ProjectList,
    RunList,
    Sent,
    SessionList,
)
from web.contexts import SendMessageBody
from web.dispatch import handler_of
from web.openapi import DOCUMENT, Document
from web.queries import DeleteQuery, EventsQuery, IdsQuery, MessagesQuery
from web.route import NoQuery, Route, route

PROJECT = "/api/projects/{projectId}"
SESSION = "/api/sessions/{sessionId}"
CONTEXT = "/api/contexts/{sessionId}"
NONE = NoArguments
NO_PROJECT = (ProjectNotFound,)
NO_SESSION = (SessionNotFound,)

PROJECTS: tuple[Route, ...] = (
    route("GET", "/api/projects", projects.list_projects, NONE, NoQuery, ProjectList, "All projects, oldest first."),
    route(
        "POST",
        "/api/projects",
        projects.create_project,
        CreateProject,
        NoQuery,
        Project,
        "A new project.",
        status=201,
        versioned=True,
    ),
    route(
        "GET",
        PROJECT,
        projects.get_project,
        NONE,
        NoQuery,
        Project,
        "One project.",
        errors=NO_PROJECT,
        versioned=True,
    ),
    route(
        "PATCH",
        PROJECT,
        projects.edit_project,
        EditProject,
        NoQuery,
        Project,
        "Renames a project.",
        errors=(ProjectNotFound, VersionMismatch),
        versioned=True,
    ),
    route(
        "DELETE",
        PROJECT,
        projects.delete_project,
        NONE,
        NoQuery,
        Done,
        "Deletes a project without sessions.",
        errors=(ProjectNotFound, Conflict, VersionMismatch),
        versioned=True,
    ),
    route(
        "PUT",
        f"{PROJECT}/current-session",
        projects.set_current_session,
        SetCurrentSession,
        NoQuery,
        CurrentSession,
        "Says which session of a project is the current one.",
        errors=(ProjectNotFound, SessionNotFound, Conflict, VersionMismatch),
        versioned=True,
    ),
    route(
        "GET",
        f"{PROJECT}/sessions",
        projects.list_project_sessions,
        NONE,
        NoQuery,
        SessionList,
        "A project's sessions, the last changed first.",
        errors=NO_PROJECT,
    ),
)

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
        "/api/sessions/running",
        sessions.list_running_sessions,
        NONE,
        NoQuery,
        SessionList,
        "The sessions of all projects in which a run is queued or at work.",
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
        errors=(SessionNotFound, VersionMismatch),
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
        errors=(SessionNotFound, VersionMismatch),
        versioned=True,
    ),
    route(
        "POST",
        f"{SESSION}/restore",
        sessions.restore_session,
        NONE,
        NoQuery,
        Session,
        "Brings a deleted session back.",
        errors=NO_SESSION,
    ),
    route(
        "GET",
        f"{SESSION}/messages",
        sessions.list_messages,
        NONE,
        MessagesQuery,
        MessagePageAnswer,
        "A page of a session's messages.",
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
        f"{SESSION}/participants",
        sessions.list_participants,
        NONE,
        NoQuery,
        ParticipantList,
        "Who is connected to a session.",
        errors=NO_SESSION,
    ),
)

CONTEXTS: tuple[Route, ...] = (
    route(
        "GET",
        CONTEXT,
        contexts.get_context,
        NONE,
        NoQuery,
        Snapshot,
        "The whole context with its newest 50 messages.",
        errors=NO_SESSION,
    ),
    route(
        "GET",
        f"{CONTEXT}/metadata",
        contexts.get_context_metadata,
        NONE,
        NoQuery,
        ContextMetadata,
        "The context without its messages.",
        errors=NO_SESSION,
    ),
    route(
        "GET",
        f"{CONTEXT}/messages",
        contexts.get_context_messages,
        NONE,
        IdsQuery,
        MessageBatch,
        "Messages by id, whole whatever their size.",
        errors=NO_SESSION,
    ),
    route(
        "GET",
        f"{CONTEXT}/messages/{{messageId}}/streaming-chunks",
        contexts.list_streaming_chunks,
        NONE,
        EventsQuery,
        ChunkPageAnswer,
        "The chunks of a streamed message after a sequence number.",
        errors=(SessionNotFound, MessageNotFound),
    ),
    route(
        "POST",
        f"{CONTEXT}/actions/send_message",
        contexts.send_message,
        SendMessageBody,
        NoQuery,
        Sent,
        "Sends a message, which starts a run.",
        status=202,
        errors=(SessionNotFound, RunAlreadyActive, IdempotencyConflict),
    ),
    route(
        "POST",
        f"{CONTEXT}/actions/cancel",
        contexts.cancel_run,
        CancelRunArguments,
        NoQuery,
        Cancelled,
        "Cancels the run, and what is queued unless a run is named.",
        errors=NO_SESSION,
    ),
    route(
        "POST",
        f"{CONTEXT}/actions/set_model",
        contexts.set_model,
        SetModelBody,
        NoQuery,
        Session,
        "Chooses the model for what comes next.",
        errors=(SessionNotFound, UnknownModel),
    ),
)

OTHERS: tuple[Route, ...] = (
    route("GET", "/api/models", models.list_models, NONE, NoQuery, ModelList, "The models to choose from."),
    route("GET", "/api/me", models.get_me, NONE, NoQuery, Me, "Who is asking."),
    route("GET", "/api/openapi.json", operations.get_openapi, NONE, NoQuery, "application/json", "This document."),
    route("GET", "/metrics", operations.get_metrics, NONE, NoQuery, CONTENT_TYPE, "Numbers for Prometheus."),
    route("GET", "/healthz", operations.get_health, NONE, NoQuery, Health, "Does the process answer?", public=True),
    route(
        "GET",
        "/readyz",
        operations.get_readiness,
        NONE,
        NoQuery,
        Health,
        "Can it work? If not, the error says why.",
        errors=(StorageUnavailable, Draining),
        public=True,
    ),
)

ROUTES: tuple[Route, ...] = (*PROJECTS, *SESSIONS, *CONTEXTS, *OTHERS)


def register(app: web.Application) -> None:
    app[DOCUMENT] = Document(ROUTES, operations.parley_version())
    for entry in ROUTES:
        handler = handler_of(entry)
        for path in (entry.path, *entry.aliases):
            if entry.method == "GET":
                app.router.add_get(path, handler)
            else:
                app.router.add_route(entry.method, path, handler)
