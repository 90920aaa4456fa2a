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
    QueueFull,
    SessionNotFound,
    StorageUnavailable,
)
from services.operating.metrics import CONTENT_TYPE
from services.workflows.errors import WorkflowNotFound
from web.rest import offers as models
from web.rest import operations, workflows
from web.rest.answers import Health, ModelList, SentAnswer, ToolList, WorkflowList
from web.rest.context_routes import CONTEXTS
from web.rest.dispatch import handler_of
from web.rest.openapi import DOCUMENT, Document
from web.rest.project_routes import PROJECTS
from web.rest.route import NoQuery, Route, route
from web.rest.session_routes import SESSIONS
from web.rest.user_routes import USERS

NONE = NoArguments

WORKFLOWS: tuple[Route, ...] = (
    route("GET", "/api/workflows", workflows.list_workflows, NONE, NoQuery, WorkflowList, "The workflows, by name."),
    replace(
        route(
            "POST",
            "/api/workflows/{name}/execute",
            workflows.execute_workflow,
            workflows.ExecuteWorkflowBody,
            NoQuery,
            SentAnswer,
            "Sends a message whose run executes the workflow; its progress is a message.",
            status=202,
            errors=(WorkflowNotFound, SessionNotFound, QueueFull, IdempotencyConflict, IllegalTransition),
        ),
        aliases=("/workflows/{name}/execute",),
    ),
)

OTHERS: tuple[Route, ...] = (
    route("GET", "/api/models", models.list_models, NONE, NoQuery, ModelList, "The models to choose from."),
    route("GET", "/api/tools", models.list_tools, NONE, NoQuery, ToolList, "The tools, and why some can't be used."),
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

ROUTES: tuple[Route, ...] = (*PROJECTS, *SESSIONS, *CONTEXTS, *WORKFLOWS, *USERS, *OTHERS)


def register(app: web.Application) -> None:
    app[DOCUMENT] = Document(ROUTES, operations.parley_version())
    for entry in ROUTES:
        handler = handler_of(entry)
        for path in (entry.path, *entry.aliases):
            if entry.method == "GET":
                app.router.add_get(path, handler)
            else:
                app.router.add_route(entry.method, path, handler)
