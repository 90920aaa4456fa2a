"""REST of projects."""

from __future__ import annotations

from models.calls import CreateProject, EditProject, NoArguments, SetCurrentSession
from models.session import Project
from web.rest.answers import CurrentSession, Done, ProjectList, SessionList
from web.rest.queries import ProjectListQuery, VersionQuery
from web.rest.route import Call, NoQuery
from web.rest.sessions import session_list


async def create_project(call: Call[CreateProject, NoQuery]) -> Project:
    return await call.organizer.create_project(call.principal, call.body.name)


async def list_projects(call: Call[NoArguments, NoQuery]) -> ProjectList:
    return ProjectList(projects=await call.library.list_projects(call.principal))


async def get_project(call: Call[NoArguments, NoQuery]) -> Project:
    return await call.library.project(call.principal, call.project_id)


async def edit_project(call: Call[EditProject, NoQuery]) -> Project:
    return await call.organizer.rename_project(call.principal, call.project_id, call.body.name, call.version)


async def delete_project(call: Call[NoArguments, VersionQuery]) -> Done:
    await call.organizer.delete_project(call.principal, call.project_id, call.version)
    return Done()


async def set_current_session(call: Call[SetCurrentSession, NoQuery]) -> CurrentSession:
    await call.organizer.set_current(call.principal, call.project_id, call.body.session_id, call.version)
    return CurrentSession(current_session_id=call.body.session_id)


async def list_project_sessions(call: Call[NoArguments, ProjectListQuery]) -> SessionList:
    return session_list(await call.library.list_sessions(call.principal, call.query.question(call.project_id)))
