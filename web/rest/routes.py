"""The route table: the one list of what REST can do, its parts by noun. It registers the handlers and makes the OpenAPI
document."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from models.calls import NoArguments
from models.errors import (
    Draining,
    IdempotencyConflict,
    IllegalTransition,
    ProjectNotFound,
    QueueFull,
    SessionNotFound,
    StorageUnavailable,
)
from services.operating.metrics import CONTENT_TYPE
from services.tools.errors import ToolUnavailable, UnknownTool
from services.workflows.errors import WorkflowNotFound
from web.rest import batches, operations, workflows
from web.rest import offers as models
from web.rest.answers import Health, LaunchedAnswer, ModelList, ToolCallAnswer, ToolList, ToolView, WorkflowList
from web.rest.context_routes import CONTEXTS
from web.rest.dispatch import handler_of
from web.rest.openapi import DOCUMENT, Document
from web.rest.project_routes import PROJECTS
from web.rest.route import NoQuery, Route, route
from web.rest.session_routes import SESSIONS
from web.rest.user_routes import USERS

NONE = NoArguments

LAUNCH_ERRORS = (SessionNotFound, ProjectNotFound, QueueFull, IdempotencyConflict, IllegalTransition)

WORKFLOWS: tuple[Route, ...] = (
    route("GET", "/api/workflows", workflows.list_workflows, NONE, NoQuery, WorkflowList, "The workflows, by name."),
    replace(
        route(
            "POST",
            "/api/workflows/{name}/execute",
            workflows.execute_workflow,
            workflows.ExecuteWorkflowBody,
            NoQuery,
            LaunchedAnswer,
            "Sends a message whose run executes the workflow, in a new session unless one is named.",
            status=202,
            errors=(WorkflowNotFound, *LAUNCH_ERRORS),
        ),
        aliases=("/workflows/{name}/execute",),
    ),
    replace(
        route(
            "POST",
            "/api/tools/execute",
            workflows.execute_tool,
            workflows.ExecuteToolBody,
            NoQuery,
            ToolCallAnswer,
            "Deprecated: execute a workflow. Calls one tool, in a new session unless one is named, and waits for its "
            "result for 30 seconds. What has to be asked for waits for its approval.",
            errors=(UnknownTool, ToolUnavailable, *LAUNCH_ERRORS),
        ),
        aliases=("/tools/execute",),
        successor="/api/workflows",
    ),
)

BATCHES: tuple[Route, ...] = (
    route(
        "POST",
        "/api/batch/send_messages",
        batches.send_many,
        batches.SendBatch,
        NoQuery,
        batches.SendBatchAnswer,
        "Sends many messages, to one session or several, in their order; each is answered.",
    ),
    route(
        "POST",
        "/api/batch/fetch",
        batches.fetch_many,
        batches.FetchBatch,
        NoQuery,
        batches.FetchBatchAnswer,
        "Many sessions, and messages of many sessions, up to 32 MiB; each item is answered.",
    ),
    route(
        "POST",
        "/api/batch/delete_sessions",
        batches.delete_many,
        batches.DeleteBatch,
        NoQuery,
        batches.DeleteBatchAnswer,
        "Deletes many sessions; each is answered.",
    ),
)

OTHERS: tuple[Route, ...] = (
    route("GET", "/api/models", models.list_models, NONE, NoQuery, ModelList, "The models to choose from."),
    route("GET", "/api/tools", models.list_tools, NONE, NoQuery, ToolList, "The tools, and why some can't be used."),
    route(
        "PATCH",
        "/api/tools/{name}",
        models.switch_tool,
        models.SwitchTool,
        NoQuery,
        ToolView,
        "Switches a tool off or on, for everybody, as long as the server runs.",
        errors=(UnknownTool,),
    ),
    route(
        "GET",
        "/api/openapi.json",
        operations.get_openapi,
        NONE,
        NoQuery,
        "application/json",
        "This document.",
        public=True,
    ),
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

ROUTES: tuple[Route, ...] = (*PROJECTS, *SESSIONS, *CONTEXTS, *WORKFLOWS, *BATCHES, *USERS, *OTHERS)


def register(app: web.Application) -> None:
    app[DOCUMENT] = Document(ROUTES, operations.parley_version())
    for entry in ROUTES:
        handler = handler_of(entry)
        for path in (entry.path, *entry.aliases):
            if entry.method == "GET":
                app.router.add_get(path, handler)
            else:
                app.router.add_route(entry.method, path, handler)
