"""Approvals over REST: the list with what was answered, grants and their end; refusals with their codes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from patience import HANG_S
from rest_client import Reply, Rest

from models.errors import ToolCallFailed
from services.runs.context import RunContext
from services.tools.tool import tool
from web.keys import TOOLS

Json = dict[str, Any]
Serve = Callable[..., Awaitable[Rest]]


@tool(risk="unsafe")
async def smash(what: str) -> str:
    """Smashes something."""
    return f"smashed {what}"


@tool(risk="read_only", dangerous=True)
async def peek() -> str:
    """Reads what is private."""
    return "peeked"


class Smasher:
    """Calls the tool that the user names, and says what came of it. Resumable."""

    on_crash = "resume"

    async def run(self, ctx: RunContext) -> None:
        name = (await ctx.history())[-1].content
        try:
            outcome = await ctx.call_tool(name, **({"what": "vase"} if name == "smash" else {}))
        except ToolCallFailed as failed:
            outcome = failed.message
        await ctx.emit(outcome)


class Desk:
    """A session whose agent calls tools."""

    def __init__(self, rest: Rest, session_id: str) -> None:
        self.rest = rest
        self.id = session_id

    async def say(self, text: str = "smash") -> Json:
        """Says it, and waits for the question."""
        await self.rest.say(self.id, text)
        async with asyncio.timeout(HANG_S):
            while not (pending := (await self.rest.get(f"/api/contexts/{self.id}"))["approvals"]):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        approval: Json = pending[0]
        return approval

    async def answer(self, approval: Json, decision: str = "approve", **more: object) -> Reply:
        body = {"approvalId": approval["id"], "decision": decision, **more}
        return await self.rest.ask("POST", f"/api/contexts/{self.id}/actions/resolve_approval", body)

    async def said(self) -> str:
        """The agent's last word."""
        await self.rest.finished(self.id)
        page = await self.rest.get(f"/api/sessions/{self.id}/messages?order=desc&take=1")
        return str(page["messages"][0]["content"])

    async def listed(self) -> Json:
        return await self.rest.get(f"/api/sessions/{self.id}/approvals")


async def open_desk(serve: Serve, **settings: object) -> Desk:
    rest = await serve({"agents": {"smasher": Smasher()}}, agent="smasher", **settings)
    for each in (smash, peek):
        rest.app[TOOLS].register(each)
    return Desk(rest, await rest.session())


@pytest.fixture
async def desk(serve: Serve) -> Desk:
    return await open_desk(serve)


async def test_the_list_keeps_what_was_asked_and_how_it_was_answered(desk: Desk) -> None:
    assert await desk.listed() == {"approvals": [], "grants": []}
    first = await desk.say()
    assert (await desk.listed())["approvals"] == [first]
    assert (await desk.answer(first, "deny", reason="no")).status == 200
    assert await desk.said() == "The user did not allow this: no"
    second = await desk.say()
    assert (await desk.answer(second)).data == {"success": True}
    assert await desk.said() == "smashed vase"
    listed = (await desk.listed())["approvals"]
    assert [(each["id"], each["state"], each["decision"], each["answer"]) for each in listed] == [
        (first["id"], "denied", "deny", "no"),
        (second["id"], "approved", "approve", None),
    ]


async def test_a_grant_is_listed_until_it_is_revoked(desk: Desk) -> None:
    await desk.answer(await desk.say(), scope="session")
    assert await desk.said() == "smashed vase"
    assert [grant["tool"] for grant in (await desk.listed())["grants"]] == ["smash"]
    await desk.rest.say(desk.id, "smash")
    assert await desk.said() == "smashed vase"
    for _ in range(2):  # taking back what is not granted is no error
        await desk.rest.post(f"/api/contexts/{desk.id}/actions/revoke_grant", {"tool": "smash"})
    assert (await desk.listed())["grants"] == []
    await desk.answer(await desk.say(), "deny")


async def test_a_dangerous_tool_can_not_be_granted(desk: Desk) -> None:
    approval = await desk.say("peek")
    assert approval["grantable"] is False
    refused = await desk.answer(approval, scope="session")
    assert (refused.status, refused.code, refused.data["details"]["field"]) == (400, "invalid_argument", "scope")
    assert (await desk.listed())["approvals"] == [approval]
    assert (await desk.answer(approval)).status == 200
    assert await desk.said() == "peeked"
    assert (await desk.listed())["grants"] == []
    await desk.answer(await desk.say("peek"), "deny")


async def test_the_second_answer_is_told_what_the_first_was(desk: Desk) -> None:
    approval = await desk.say()
    await desk.answer(approval, "edit", arguments={"what": "cup"})
    late = await desk.answer(approval, "deny")
    assert (late.status, late.code) == (409, "approval_resolved")
    assert late.data["details"] == {
        "approvalId": approval["id"],
        "state": "approved",
        "decision": "edit",
        "decidedBy": "local",
    }
    assert await desk.said() == "smashed cup"


async def test_unknown_approvals_and_sessions_are_not_found(desk: Desk) -> None:
    unknown = await desk.answer({"id": "unknown"})
    assert (unknown.status, unknown.code) == (404, "approval_not_found")
    desk.id = "unknown"
    for reply in (
        await desk.answer({"id": "unknown"}),
        await desk.rest.ask("GET", "/api/sessions/unknown/approvals"),
        await desk.rest.ask("POST", "/api/contexts/unknown/actions/revoke_grant", {"tool": "smash"}),
    ):
        assert (reply.status, reply.code) == (404, "session_not_found")


async def test_deleting_the_session_ends_the_question(desk: Desk) -> None:
    approval = await desk.say()
    await desk.rest.ask("DELETE", f"/api/sessions/{desk.id}")
    reply = await desk.answer(approval)
    assert (reply.status, reply.code) == (404, "session_not_found")
    await desk.rest.post(f"/api/sessions/{desk.id}/restore")
    assert [each["state"] for each in (await desk.listed())["approvals"]] == ["cancelled"]


async def test_plan_mode_refuses_without_asking(desk: Desk) -> None:
    await desk.rest.post(f"/api/contexts/{desk.id}/actions/set_mode", {"mode": "plan"})
    await desk.rest.say(desk.id, "smash")
    assert await desk.said() == "smash is not available in plan mode"
    assert (await desk.listed())["approvals"] == []


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({"approval_policy": "allow-list", "allow_tool": ("smash",)}, False),
        ({"approval_policy": "allow-list"}, True),
        ({"approval_policy": "manual", "allow_tool": ("smash",)}, True),
        ({"approval_policy": "limited"}, True),
    ],
)
async def test_the_settings_decide_who_is_asked(serve: Serve, settings: Json, asked: bool) -> None:
    desk = await open_desk(serve, **settings)
    if asked:
        await desk.answer(await desk.say())
    else:
        await desk.rest.say(desk.id, "smash")
    assert await desk.said() == "smashed vase"
    assert len((await desk.listed())["approvals"]) == int(asked)
