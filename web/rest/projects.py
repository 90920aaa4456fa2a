"""REST of projects."""

from __future__ import annotations

from models.calls import CreateProject, EditProject, NoArguments, SetCurrentSession
from models.session import Project
from web.rest.answers import CurrentSession, Done, ProjectList, SessionList
from web.rest.queries import ProjectListQuery
from web.rest.route import Call, NoQuery
from web.rest.sessions import session_list


async def create_project(call: Call[CreateProject, NoQuery]) -> Project:
    call.chat.access.check(call.principal, "write")
    return await call.chat.projects.create(call.body.name)


async def list_projects(call: Call[NoArguments, NoQuery]) -> ProjectList:
    call.chat.access.check(call.principal, "read")
    return ProjectList(projects=await call.chat.projects.all())


async def get_project(call: Call[NoArguments, NoQuery]) -> Project:
    call.chat.access.check(call.principal, "read")
    return await call.chat.projects.get(call.project_id)


async def edit_project(call: Call[EditProject, NoQuery]) -> Project:
    call.chat.access.check(call.principal, "write")
    expected = call.expected(call.body.expected_version)
    return await call.chat.projects.rename(call.project_id, call.body.name, expected)


async def delete_project(call: Call[NoArguments, NoQuery]) -> Done:
    call.chat.access.check(call.principal, "manage")
    await call.chat.projects.delete(call.project_id, call.expected())
    return Done()


async def set_current_session(call: Call[SetCurrentSession, NoQuery]) -> CurrentSession:
    expected = call.expected(call.body.expected_version)
    await call.chat.projects.get(call.project_id)
    await call.chat.set_current(call.principal, call.project_id, call.body.session_id, expected)
    return CurrentSession(current_session_id=call.body.session_id)


async def list_project_sessions(call: Call[NoArguments, ProjectListQuery]) -> SessionList:
    return session_list(await call.chat.list_sessions(call.principal, call.query.question(call.project_id)))
