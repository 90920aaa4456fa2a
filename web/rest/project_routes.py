"""The part of the route table that concerns projects."""

from __future__ import annotations

from models.calls import CreateProject, EditProject, NoArguments, SetCurrentSession
from models.errors import Conflict, ProjectNotFound, SessionNotFound
from models.session import Project
from web.rest import projects
from web.rest.answers import CurrentSession, Done, ProjectList, SessionList
from web.rest.queries import ProjectListQuery, VersionQuery
from web.rest.route import NoQuery, Route, route

PROJECT = "/api/projects/{projectId}"
NONE = NoArguments
NO_PROJECT = (ProjectNotFound,)

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
        errors=NO_PROJECT,
        versioned=True,
    ),
    route(
        "DELETE",
        PROJECT,
        projects.delete_project,
        NONE,
        VersionQuery,
        Done,
        "Deletes a project without sessions.",
        errors=(ProjectNotFound, Conflict),
    ),
    route(
        "PUT",
        f"{PROJECT}/current-session",
        projects.set_current_session,
        SetCurrentSession,
        NoQuery,
        CurrentSession,
        "Says which session of a project is the current one.",
        errors=(ProjectNotFound, SessionNotFound, Conflict),
    ),
    route(
        "GET",
        f"{PROJECT}/sessions",
        projects.list_project_sessions,
        NONE,
        ProjectListQuery,
        SessionList,
        "A project's sessions, sorted and filtered; the 500 that changed last unless asked otherwise.",
        errors=NO_PROJECT,
    ),
)
