"""Approvals over the wire: whoever answers first decides, on every client and both transports alike; nothing is lost by
a restart between the question and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from harness import Users
from hub_peer import Peer, eventually, peers
from journal_store import KINDS
from patience import HANG_S

from models.clock import SYSTEM_CLOCK
from models.errors import Declined
from services.llm.provider import ModelRequest
from services.llm.registry import Providers
from services.llm.scripted import CallTool, Say, Script, ScriptedProvider
from services.runs.context import RunContext
from services.tools.tool import tool
from web.app import create_app
from web.keys import ACCESS, TOOLS
from web.settings import Settings

Json: TypeAlias = dict[str, Any]
MISSING = "01a1f850-0000-7000-8000-000000000000"


@dataclass
class Asker:
    """Asks which way, and says where it went. Resumable."""

    on_crash = "resume"

    async def run(self, ctx: RunContext) -> None:
        try:
            way = await ctx.ask("Which way?", options=("left", "right"), key="way")
            await ctx.emit(f"went {way}")
        except Declined as declined:
            await ctx.emit(f"stayed: {declined.message}")


@dataclass
class Desk:
    """A running server, and what its unsafe tool has done."""

    url: str
    smashed: list[str] = field(default_factory=list)
    http: ClientSession = field(default_factory=ClientSession)

    async def rest(self, method: str, path: str, body: object = None) -> Json:
        """As an ack: `{"ok": …}`, with the error in the shape of the socket."""
        async with self.http.request(method, f"{self.url}{path}", json=body) as response:
            answer: Json = await response.json()
        if response.status < 400:
            return {"ok": True, **answer}
        return {"ok": False, "error": {"message": answer.pop("error"), **answer}}

    async def session(self) -> str:
        return str((await self.rest("POST", "/api/sessions", {}))["id"])

    async def snapshot(self, session_id: str) -> Json:
        return await self.rest("GET", f"/api/contexts/{session_id}")

    async def pending(self, session_id: str) -> Json:
        """The oldest approval that waits, once there is one."""
        async with asyncio.timeout(HANG_S):
            while not (approvals := (await self.snapshot(session_id))["approvals"]):  # noqa: ASYNC110  # over REST
                await asyncio.sleep(0.005)
        approval: Json = approvals[0]
        return approval

    async def finished(self, session_id: str) -> Json:
        """The snapshot once nothing runs."""
        async with asyncio.timeout(HANG_S):
            while (snapshot := await self.snapshot(session_id))["session"]["state"] in ("IDLE", "RUNNING"):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return snapshot

    def script(self, request: ModelRequest) -> Script:
        """One call of `smash` for each message of a user, then some words; no more when told to leave it."""
        results = sum(len(message.results) for message in request.messages)
        users = sum(message.role == "user" for message in request.messages)
        if request.last_user_text == "leave it" or results >= users:
            return (Say("done"),)
        return (CallTool("smash", {"what": "vase"}),)


@asynccontextmanager
async def serving(folder: Path | None = None, agent: str = "assistant") -> AsyncIterator[Desk]:
    desk = Desk("")

    @tool(risk="unsafe")
    async def smash(what: str) -> str:
        """Smashes something."""
        desk.smashed.append(what)
        return f"smashed {what}"

    place: dict[str, Any] = {"data": folder} if folder else {"database": "memory:"}
    settings = Settings(model="scripted:test", agent=agent, coalesce_window_ms=0, **place)
    providers = Providers(SYSTEM_CLOCK, scripted=ScriptedProvider({"test": desk.script}))
    app = create_app(settings, providers=providers, agents={"asker": Asker()})
    app[TOOLS].register(smash)
    access = app[ACCESS]
    access.resolve = Users().resolve  # type: ignore[method-assign]  # everybody is who their token says
    async with TestServer(app) as server, desk.http:
        desk.url = str(server.make_url("")).rstrip("/")
        yield desk


@pytest.fixture(params=KINDS)
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    async with serving(tmp_path / "data" if request.param == "sqlite" else None) as found:
        yield found


@pytest.fixture
async def asking() -> AsyncIterator[Desk]:
    """A server whose agent asks which way."""
    async with serving(agent="asker") as found:
        yield found


async def go(desk: Desk, peer: Peer) -> tuple[str, Json]:
    """A session that was joined and whose run waits for the user."""
    session_id = await desk.session()
    await peer.join(session_id)
    sent = await peer.call("send_message", {"sessionId": session_id, "content": "go"})
    assert sent["ok"], sent
    return session_id, await desk.pending(session_id)


def answer(session_id: str, approval: Json | str, decision: str = "approve", **more: object) -> Json:
    approval_id = approval if isinstance(approval, str) else approval["id"]
    return {"sessionId": session_id, "approvalId": approval_id, "decision": decision, **more}


def results(snapshot: Json) -> list[Json]:
    return [message["payload"] for message in snapshot["messages"] if message["kind"] == "tool_result"]


def resolved(peer: Peer, session_id: str) -> list[Json]:
    events = peer.sequence(session_id)
    return [event["data"]["approval"] for event in events if event["type"] == "approval.resolved"]


Resolve: TypeAlias = Callable[[Desk, Peer, Json], Awaitable[Json]]


async def by_socket(desk: Desk, peer: Peer, arguments: Json) -> Json:
    return await peer.call("resolve_approval", arguments)


async def by_rest(desk: Desk, peer: Peer, arguments: Json) -> Json:
    body = {name: value for name, value in arguments.items() if name != "sessionId"}
    return await desk.rest("POST", f"/api/contexts/{arguments['sessionId']}/actions/resolve_approval", body)


BOTH = pytest.mark.parametrize("resolve", [by_socket, by_rest])


# Who is first
async def test_of_two_that_answer_at_once_the_first_decides_and_the_other_is_told_who_and_what(desk: Desk) -> None:
    async with peers(desk.url, token="ann") as [ann], peers(desk.url, token="bob") as [bob]:
        session_id, approval = await go(desk, ann)
        await bob.join(session_id)
        first = ann.call_soon("resolve_approval", answer(session_id, approval))
        second = bob.call_soon("resolve_approval", answer(session_id, approval, "deny", reason="no"))
        acks = {"ann": await first, "bob": await second}
        snapshot = await desk.finished(session_id)
        [winner] = [name for name, ack in acks.items() if ack["ok"]]
        [loser] = [name for name, ack in acks.items() if not ack["ok"]]
        decision, state = ("approve", "approved") if winner == "ann" else ("deny", "denied")
        error = acks[loser]["error"]
        assert (error["code"], error["retryable"]) == ("approval_resolved", False)
        assert error["details"] == {
            "approvalId": approval["id"],
            "state": state,
            "decision": decision,
            "decidedBy": winner,
        }
        assert desk.smashed == (["vase"] if winner == "ann" else [])
        for peer in (ann, bob):
            await peer.reaches(session_id, snapshot["head"])
            assert [(each["state"], each["decidedBy"]) for each in resolved(peer, session_id)] == [(state, winner)]


async def test_every_client_sees_the_question_and_its_end(desk: Desk) -> None:
    async with peers(desk.url, 3) as [first, second, third]:
        session_id, approval = await go(desk, first)
        late = await second.join(session_id)
        assert late["snapshot"]["approvals"] == [approval]
        assert late["snapshot"]["state"] == {
            "name": "awaiting_user",
            "reason": "tool",
            "approvalIds": [approval["id"]],
        }
        assert late["snapshot"]["run"]["state"] == "awaiting_input"
        await third.join(session_id, after=0)
        assert (await second.call("resolve_approval", answer(session_id, approval)))["ok"]
        snapshot = await desk.finished(session_id)
        for peer in (first, second, third):
            await peer.reaches(session_id, snapshot["head"])
            assert [each["id"] for each in resolved(peer, session_id)] == [approval["id"]]
        assert snapshot["approvals"] == []


# What can be answered
@BOTH
@pytest.mark.parametrize(
    ("decision", "more", "status", "told"),
    [
        ("approve", {}, "ok", "smashed vase"),
        ("edit", {"arguments": {"what": "cup"}}, "ok", "smashed cup"),
        ("deny", {"reason": "it is dear to me"}, "denied", "it is dear to me"),
        ("deny", {}, "denied", "did not allow"),
        ("respond", {"reason": "take the cup"}, "ok", "take the cup"),
    ],
)
async def test_each_decision_reaches_the_tool_or_the_model(
    desk: Desk, resolve: Resolve, decision: str, more: Json, status: str, told: str
) -> None:
    async with peers(desk.url) as [peer]:
        session_id, approval = await go(desk, peer)
        assert (approval["tool"], approval["arguments"], approval["risk"]) == ("smash", {"what": "vase"}, "unsafe")
        assert await resolve(desk, peer, answer(session_id, approval, decision, **more)) in ({"ok": True}, DONE)
        snapshot = await desk.finished(session_id)
        [result] = results(snapshot)
        assert result["status"] == status
        assert told in (result["output"] or result["error"])
        assert desk.smashed == ([told.removeprefix("smashed ")] if told.startswith("smashed") else [])


DONE: Json = {"ok": True, "success": True}


@BOTH
@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"decision": "edit"}, "invalid_argument", "arguments"),
        ({"decision": "respond"}, "invalid_argument", "reason"),
        ({"decision": "shrug"}, "invalid_argument", "decision"),
        ({"scope": "always"}, "invalid_argument", "scope"),
        ({"decision": "edit", "arguments": {}}, "invalid_argument", "arguments"),
        ({"decision": "edit", "arguments": {"what": {"no": "text"}}}, "invalid_argument", "arguments"),
        ({"arguments": {"what": "cup"}}, "invalid_argument", "arguments"),
        ({"decision": "deny", "arguments": {"what": "cup"}}, "invalid_argument", "arguments"),
        ({"approvalId": "unknown"}, "approval_not_found", None),
        ({"sessionId": MISSING}, "session_not_found", None),
    ],
)
async def test_what_can_not_be_answered_is_refused_alike_and_leaves_the_question_open(
    desk: Desk, resolve: Resolve, wrong: Json, code: str, field: str | None
) -> None:
    async with peers(desk.url) as [peer]:
        session_id, approval = await go(desk, peer)
        ack = await resolve(desk, peer, {**answer(session_id, approval), **wrong})
        assert (ack["ok"], ack["error"]["code"], ack["error"]["retryable"]) == (False, code, False)
        assert ack["error"]["details"].get("field") == field
        assert (await desk.snapshot(session_id))["approvals"] == [approval]


@BOTH
async def test_an_answer_in_a_deleted_session_is_too_late(desk: Desk, resolve: Resolve) -> None:
    async with peers(desk.url) as [peer]:
        session_id, approval = await go(desk, peer)
        await desk.rest("DELETE", f"/api/sessions/{session_id}")
        ack = await resolve(desk, peer, answer(session_id, approval))
        assert ack["error"]["code"] == "session_not_found"
        await desk.rest("POST", f"/api/sessions/{session_id}/restore")
        again = await resolve(desk, peer, answer(session_id, approval))
        assert (again["error"]["code"], again["error"]["details"]["state"]) == ("approval_resolved", "cancelled")
        assert desk.smashed == []


@BOTH
async def test_cancelling_closes_the_question_for_good(desk: Desk, resolve: Resolve) -> None:
    async with peers(desk.url) as [peer]:
        session_id, approval = await go(desk, peer)
        assert (await peer.call("cancel_run", {"sessionId": session_id}))["cancelled"]
        snapshot = await desk.finished(session_id)
        assert (snapshot["session"]["state"], snapshot["approvals"]) == ("CANCELLED", [])
        assert [result["status"] for result in results(snapshot)] == ["cancelled"]
        ack = await resolve(desk, peer, answer(session_id, approval))
        assert (ack["error"]["code"], ack["error"]["details"]["state"]) == ("approval_resolved", "cancelled")
        assert desk.smashed == []


# For the session
async def test_a_grant_serves_until_it_is_revoked(desk: Desk) -> None:
    async with peers(desk.url) as [peer]:
        session_id, approval = await go(desk, peer)
        await peer.call("resolve_approval", answer(session_id, approval, scope="session"))
        await desk.finished(session_id)
        await peer.call("send_message", {"sessionId": session_id, "content": "again"})
        await eventually(lambda: len(desk.smashed) == 2, "the second call, which nobody was asked about")
        snapshot = await desk.finished(session_id)
        assert [grant["tool"] for grant in snapshot["grants"]] == ["smash"]
        await desk.rest("POST", f"/api/contexts/{session_id}/actions/revoke_grant", {"tool": "smash"})
        await peer.call("send_message", {"sessionId": session_id, "content": "once more"})
        assert (await desk.pending(session_id))["tool"] == "smash"
        assert len(desk.smashed) == 2
        await peer.call("cancel_run", {"sessionId": session_id})


async def test_a_grant_of_one_session_is_none_in_another(desk: Desk) -> None:
    async with peers(desk.url) as [peer]:
        session_id, approval = await go(desk, peer)
        await peer.call("resolve_approval", answer(session_id, approval, scope="session"))
        await desk.finished(session_id)
        other, asked = await go(desk, peer)
        assert asked["sessionId"] == other
        await peer.call("cancel_run", {"sessionId": other})


# Messages while it waits
async def test_steering_denies_and_the_model_hears_why(desk: Desk) -> None:
    async with peers(desk.url) as [peer]:
        session_id, approval = await go(desk, peer)
        arguments = {"sessionId": session_id, "content": "leave it", "onBusy": "steer"}
        sent = await peer.call("send_message", arguments)
        assert (sent["ok"], sent["runId"]) == (True, approval["runId"])
        snapshot = await desk.finished(session_id)
        [result] = results(snapshot)
        assert (result["status"], "went on with another message" in result["error"]) == ("denied", True)
        assert desk.smashed == []


async def test_a_message_that_waits_leaves_the_tools_question_open(desk: Desk) -> None:
    async with peers(desk.url) as [peer]:
        session_id, approval = await go(desk, peer)
        await peer.call("send_message", {"sessionId": session_id, "content": "and then?"})
        snapshot = await desk.snapshot(session_id)
        assert (snapshot["approvals"], len(snapshot["queue"])) == ([approval], 1)
        await peer.call("cancel_run", {"sessionId": session_id})


async def test_a_message_answers_an_agents_question(asking: Desk) -> None:
    async with peers(asking.url) as [peer]:
        session_id, approval = await go(asking, peer)
        assert (approval["kind"], approval["question"], approval["options"]) == (
            "question",
            "Which way?",
            ["left", "right"],
        )
        await peer.call("send_message", {"sessionId": session_id, "content": "left"})
        snapshot = await asking.finished(session_id)
        assert [message["content"] for message in snapshot["messages"]] == ["go", "left", "went left"]


@BOTH
@pytest.mark.parametrize(
    ("decision", "reason", "said"),
    [("respond", "right", "went right"), ("deny", "too far", "stayed: too far")],
)
async def test_an_agents_question_is_answered_or_declined(
    asking: Desk, resolve: Resolve, decision: str, reason: str, said: str
) -> None:
    async with peers(asking.url) as [peer]:
        session_id, approval = await go(asking, peer)
        assert (await resolve(asking, peer, answer(session_id, approval)))["error"]["code"] == "invalid_argument"
        assert (await resolve(asking, peer, answer(session_id, approval, decision, reason=reason)))["ok"]
        snapshot = await asking.finished(session_id)
        assert (snapshot["messages"][-1]["content"], snapshot["session"]["state"]) == (said, "COMPLETED")


# A restart
@BOTH
@pytest.mark.parametrize("agent", ["assistant", "asker"])
async def test_a_question_outlives_the_server_and_its_answer_resumes_the_run(
    tmp_path: Path, resolve: Resolve, agent: str
) -> None:
    async with serving(tmp_path, agent) as before, peers(before.url) as [peer]:
        session_id, approval = await go(before, peer)
    async with serving(tmp_path, agent) as after, peers(after.url) as [peer]:
        joined = await peer.join(session_id)
        assert joined["snapshot"]["approvals"] == [approval]
        decision = "approve" if agent == "assistant" else "respond"
        assert (await resolve(after, peer, answer(session_id, approval, decision, reason="left")))["ok"]
        snapshot = await after.finished(session_id)
        assert snapshot["session"]["state"] == "COMPLETED"
        assert snapshot["messages"][-1]["content"] == ("done" if agent == "assistant" else "went left")
        assert after.smashed == (["vase"] if agent == "assistant" else [])
        await peer.reaches(session_id, snapshot["head"])
        assert len(resolved(peer, session_id)) == 1
