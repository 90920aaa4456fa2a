"""Every call of the socket asks whether its caller may, and live lists show what the caller may see."""

from __future__ import annotations

from typing import Any

import hub_peer
import pytest
from harness import Harness, Users, serving
from hub_peer import Peer, eventually, peers

from hub.hub import CALLS
from models.calls import CreateSessionBody
from models.errors import Forbidden
from models.session import Visible
from services.access import LOCAL, Access, Action, OnSession, OnUser, Principal, Resource

in_memory = hub_peer.in_memory
ARGUMENTS: dict[str, dict[str, Any]] = {
    "join_session": {"sessionId": "{session}"},
    "send_message": {"sessionId": "{session}", "content": "hello"},
    "broadcast_message": {"sessionId": "{session}", "data": 1},
    "cancel_run": {"sessionId": "{session}"},
    "resolve_approval": {"sessionId": "{session}", "approvalId": "a", "decision": "approve"},
    "watch_sessions": {},
    "watch_running": {},
}
ASKS_NOBODY = {
    "leave_session": "gives up what the caller has",
    "unwatch_sessions": "gives up what the caller has",
    "unwatch_running": "gives up what the caller has",
}


def test_every_call_has_its_arguments_here_or_a_reason() -> None:
    assert set(CALLS) == {*ARGUMENTS, *ASKS_NOBODY}


def refusing(access: Access, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Action, Resource]]:
    asked: list[tuple[Action, Resource]] = []

    async def refuse(principal: Principal, action: Action, resource: Resource) -> None:
        asked.append((action, resource))
        raise Forbidden()

    monkeypatch.setattr(access, "check", refuse)
    return asked


@pytest.mark.parametrize("call", ARGUMENTS)
async def test_a_caller_who_may_nothing_is_refused_by_every_call(
    in_memory: Harness, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails for a call that asks nobody, and for one that answers before it asks."""
    session_id = await in_memory.session()
    head = (await in_memory.store.journal.load(session_id)).head
    async with peers(in_memory.url) as (peer,):
        asked = refusing(in_memory.chat.access, monkeypatch)
        arguments = {k: session_id if v == "{session}" else v for k, v in ARGUMENTS[call].items()}
        ack = await peer.call(call, arguments)
        assert ack["error"]["code"] == "forbidden"
        assert asked
    assert (await in_memory.store.journal.load(session_id)).head == head


async def test_connecting_asks_for_the_users_own_state(in_memory: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = refusing(in_memory.chat.access, monkeypatch)
    peer = await Peer.connect(in_memory.url)
    (refused,) = peer.named("connect_error")
    assert refused["data"]["code"] == "forbidden"
    await peer.close()
    assert asked == [("read", OnUser(LOCAL.user_id))]


class Parted(Users):
    """Ben sees the sessions of one project, everybody else all of them."""

    project_id = ""

    async def visible(self, principal: Principal) -> Visible:
        return frozenset({self.project_id}) if principal.user_id == "ben" else None


async def test_live_lists_show_the_sessions_of_visible_projects_alone() -> None:
    """Fails when a change is told to a watcher that does not see its project, and when lists are read without asking
    what is visible."""
    access = Parted()
    async with serving(access=access) as server:
        project = await server.store.projects.create("Ben's")
        access.project_id = project.id
        other = await server.session()
        mine = (await server.organizer.create_session(LOCAL, CreateSessionBody(project_id=project.id))).id
        ann, ben = await Peer.connect(server.url, "ann"), await Peer.connect(server.url, "ben")
        seen = {}
        for peer, name in ((ann, "ann"), (ben, "ben")):
            seen[name] = {session["id"] for session in (await peer.call("watch_sessions", {}))["sessions"]}
            await peer.call("watch_running", {})
        assert seen == {"ann": {other, mine}, "ben": {mine}}
        await server.organizer.rename(LOCAL, other, "hidden", None)
        await server.organizer.delete(LOCAL, other)
        await server.organizer.rename(LOCAL, mine, "shown", None)
        await eventually(lambda: any("shown" in str(data) for data in ben.named("session")), "the change that is shown")
        await eventually(lambda: any("shown" in str(data) for data in ann.named("session")), "the same for all")
        assert other not in str(ben.named("session"))
        assert other in str(ann.named("session"))
        for peer in (ann, ben):
            await peer.close()


async def test_a_join_asks_for_the_session_that_is_joined(in_memory: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = await in_memory.session()
    async with peers(in_memory.url) as (peer,):
        asked = refusing(in_memory.chat.access, monkeypatch)
        await peer.call("join_session", {"sessionId": session_id, "after": 0})
        assert asked == [("read", OnSession(session_id))]
        assert in_memory.hub.participants(session_id) == []
