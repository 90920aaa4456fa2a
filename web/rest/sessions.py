"""REST of sessions: the sessions themselves, their history and who is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.calls import CreateSessionBody, Edit, EditSession, NoArguments
from models.session import Session
from services.store.lists import RUNNING, SessionPage
from services.store.reads import MessageQuery
from web.keys import HUB
from web.rest.answers import (
    ApprovalList,
    BranchList,
    Done,
    MessagePageAnswer,
    Participant,
    ParticipantList,
    RunList,
    SearchAnswer,
    SessionList,
)
from web.rest.queries import DeleteQuery, EventsQuery, ListQuery, MessagesQuery, SearchParameters
from web.rest.route import Call, NoQuery


async def create_session(call: Call[CreateSessionBody, NoQuery]) -> Session:
    return await call.organizer.create_session(call.principal, call.body)


async def list_running_sessions(call: Call[NoArguments, NoQuery]) -> SessionList:
    return session_list(await call.library.list_sessions(call.principal, RUNNING))


async def list_sessions(call: Call[NoArguments, ListQuery]) -> SessionList:
    return session_list(await call.library.list_sessions(call.principal, call.query.question()))


def session_list(page: SessionPage) -> SessionList:
    return SessionList(sessions=page.sessions, total=page.total, has_more=page.has_more, cursor=page.cursor)


async def search(call: Call[NoArguments, SearchParameters]) -> SearchAnswer:
    page = await call.library.search(call.principal, call.query.question)
    return SearchAnswer(query=call.query.q, results=page.results, has_more=page.has_more, cursor=page.cursor)


async def get_session(call: Call[NoArguments, NoQuery]) -> Session:
    return await call.library.session(call.principal, call.session_id)


async def edit_session(call: Call[EditSession, NoQuery]) -> Session:
    return await call.organizer.rename(call.principal, call.session_id, call.body.title, call.version)


async def delete_session(call: Call[NoArguments, DeleteQuery]) -> Done:
    await call.organizer.delete(call.principal, call.session_id, purge=call.query.purge, version=call.version)
    return Done()


async def restore_session(call: Call[Edit, NoQuery]) -> Session:
    return await call.organizer.restore(call.principal, call.session_id, call.version)


async def list_messages(call: Call[NoArguments, MessagesQuery]) -> MessagePageAnswer:
    asked = call.query
    query = MessageQuery(
        skip=asked.skip,
        take=asked.take,
        order=asked.order,
        before=asked.before,
        after=asked.after,
        branch=asked.branch,
        pool=asked.scope == "pool",
    )
    page = await call.library.page(call.principal, call.session_id, query)
    return MessagePageAnswer(
        messages=page.messages,
        total=page.total,
        epoch=page.epoch,
        head=page.head,
        first_position=page.first_position,
    )


async def list_events(call: Call[NoArguments, EventsQuery]) -> Mapping[str, Any]:
    page = await call.library.events(call.principal, call.session_id, call.query.after)
    events = [event.to_wire() for event in page.events]
    return {"epoch": page.epoch, "head": page.head, "events": events, "hasMore": page.has_more}


async def list_runs(call: Call[NoArguments, NoQuery]) -> RunList:
    return RunList(runs=await call.library.runs(call.principal, call.session_id))


async def list_approvals(call: Call[NoArguments, NoQuery]) -> ApprovalList:
    approvals = await call.library.approvals(call.principal, call.session_id)
    context = await call.library.context(call.principal, call.session_id)
    return ApprovalList(approvals=approvals, grants=context.grants)


async def list_branches(call: Call[NoArguments, NoQuery]) -> BranchList:
    context = await call.library.context(call.principal, call.session_id)
    return BranchList(active_branch=context.active_branch, branches=tuple(context.branches.values()))


async def list_participants(call: Call[NoArguments, NoQuery]) -> ParticipantList:
    await call.library.session(call.principal, call.session_id)
    present = call.app[HUB].participants(call.session_id)
    return ParticipantList(participants=tuple(Participant.model_validate(each) for each in present))
