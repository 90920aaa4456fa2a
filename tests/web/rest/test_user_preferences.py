"""What preferences do, seen through real runs: the model of new sessions, and tools that ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from patience import HANG_S
from rest_client import Rest
from structlog.testing import capture_logs

from models.clock import SYSTEM_CLOCK
from services.llm.registry import Providers
from services.llm.scripted import CallTool, Say, Script, ScriptedProvider, Turns
from services.tools.tool import tool
from web.keys import TOOLS

Json = dict[str, Any]
Serve = Callable[..., Awaitable[Rest]]
STATE = "/api/me/state"
OTHER = "scripted:words=2,delay_ms=0,seed=7"


@tool(risk="read_only")
async def peek() -> str:
    """Looks at something harmless."""
    return "a vase"


@tool(risk="read_only", policy="off")
async def hidden() -> str:
    """Not offered on this server."""
    return "never"


async def prefer(rest: Rest, **preferences: object) -> None:
    assert (await rest.ask("PATCH", STATE, {"preferences": preferences})).status == 200


async def model_of(rest: Rest, session_id: str) -> str:
    return str((await rest.get(f"/api/contexts/{session_id}"))["model"])


# The default model ------------------------------------------------------------------------------------------------


async def test_a_new_session_has_the_users_default_model_and_runs_with_it(stored: Rest) -> None:
    await prefer(stored, defaultModel=OTHER)
    session_id = await stored.talked()
    assert await model_of(stored, session_id) == OTHER
    page = await stored.get(f"/api/sessions/{session_id}/messages")
    assert page["messages"][-1]["payload"]["model"] == OTHER


async def test_a_model_that_is_named_goes_before_the_users_default(rest: Rest) -> None:
    await prefer(rest, defaultModel=OTHER)
    assert await model_of(rest, await rest.session(model="demo")) == "demo"
    refused = await rest.ask("POST", "/api/sessions", {"model": "openai:gone"})
    assert (refused.status, refused.code, refused.field) == (400, "unknown_model", "model")


async def test_without_a_preference_the_servers_model_is_taken(rest: Rest) -> None:
    before = await model_of(rest, await rest.session())
    await prefer(rest, defaultModel=OTHER)
    await prefer(rest, defaultModel=None)
    assert await model_of(rest, await rest.session()) == before != OTHER


async def test_a_default_model_that_is_gone_gives_way_to_the_servers_and_the_log_says_so(
    serve: Serve, tmp_path: Path
) -> None:
    at_first: dict[str, Any] = {"openai_base_url": "http://127.0.0.1:9", "openai_api_key": "key"}
    first = await serve(database=None, data=tmp_path / "data", **at_first)
    await prefer(first, defaultModel="openai:mine")
    assert await model_of(first, await first.session()) == "openai:mine"
    await first.client.close()
    again = await serve(database=None, data=tmp_path / "data", model="demo")
    with capture_logs() as logs:
        assert await model_of(again, await again.session()) == "demo"
    [said] = [each for each in logs if each["event"] == "a user's default model is unknown"]
    assert (said["user"], said["model"], said["instead"]) == ("local", "openai:mine", "demo")
    assert (await again.get(STATE))["preferences"]["defaultModel"] == "openai:mine", "it may come back"


# The approval policy ----------------------------------------------------------------------------------------------


class Desk:
    """A session whose scripted model calls a tool for each message, and then says a word."""

    def __init__(self, rest: Rest, session_id: str) -> None:
        self.rest = rest
        self.id = session_id

    async def pending(self) -> Json:
        async with asyncio.timeout(HANG_S):
            while not (found := (await self.rest.get(f"/api/contexts/{self.id}"))["approvals"]):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        approval: Json = found[0]
        return approval

    async def answer(self, approval: Json, **more: object) -> None:
        body = {"approvalId": approval["id"], "decision": "approve", **more}
        await self.rest.post(f"/api/contexts/{self.id}/actions/resolve_approval", body)

    async def asked(self) -> int:
        """How often the user was asked until the run ended."""
        await self.rest.finished(self.id)
        return len((await self.rest.get(f"/api/sessions/{self.id}/approvals"))["approvals"])

    async def results(self) -> list[str]:
        page = await self.rest.get(f"/api/sessions/{self.id}/messages")
        return [each["payload"]["status"] for each in page["messages"] if each["kind"] == "tool_result"]


async def open_desk(serve: Serve, name: str = "peek", rounds: int = 1, **settings: object) -> Desk:
    """`rounds` is how often the model calls the tool before it says its word."""
    turns: list[Script] = [*[(CallTool(name),)] * rounds, (Say("done"),)]
    provider = ScriptedProvider()
    provider.register("looks", Turns(*turns * 3))
    rest = await serve(
        {"providers": Providers(SYSTEM_CLOCK, scripted=provider)}, **{"model": "scripted:looks", **settings}
    )
    for each in (peek, hidden):
        rest.app[TOOLS].register(each)
    return Desk(rest, await rest.session())


async def test_with_manual_approvals_a_tool_that_only_reads_asks(serve: Serve) -> None:
    desk = await open_desk(serve)
    await desk.rest.say(desk.id, "look")
    assert await desk.asked() == 0, "the server's own policy lets it run"
    await prefer(desk.rest, approvalPolicy="manual")
    await desk.rest.say(desk.id, "look again")
    approval = await desk.pending()
    assert (approval["kind"], approval["tool"]) == ("tool", "peek")
    await desk.answer(approval)
    assert await desk.asked() == 1
    assert await desk.results() == ["ok", "ok"]


async def test_a_wish_counts_from_the_next_tool_on_in_a_run_that_is_at_work(serve: Serve) -> None:
    desk = await open_desk(serve, rounds=3)
    await prefer(desk.rest, approvalPolicy="manual")
    await desk.rest.say(desk.id, "look")
    first = await desk.pending()
    await prefer(desk.rest, approvalPolicy=None)
    await desk.answer(first)
    assert await desk.asked() == 1
    assert await desk.results() == ["ok"] * 3


async def test_a_tool_that_was_allowed_for_the_session_runs_as_under_the_servers_manual_policy(serve: Serve) -> None:
    desk = await open_desk(serve)
    await prefer(desk.rest, approvalPolicy="manual")
    await desk.rest.say(desk.id, "look")
    await desk.answer(await desk.pending(), scope="session")
    assert await desk.asked() == 1
    await desk.rest.say(desk.id, "look again")
    assert await desk.asked() == 1
    assert await desk.results() == ["ok", "ok"]


@pytest.mark.parametrize("wish", ["default", "manual"])
async def test_no_wish_loosens_the_servers_policy(serve: Serve, wish: str) -> None:
    desk = await open_desk(serve, approval_policy="manual")
    await prefer(desk.rest, approvalPolicy=wish)
    await desk.rest.say(desk.id, "look")
    await desk.answer(await desk.pending())
    assert await desk.asked() == 1


async def test_a_tool_that_is_switched_off_is_not_asked_for(serve: Serve) -> None:
    desk = await open_desk(serve, name="hidden")
    await prefer(desk.rest, approvalPolicy="manual")
    await desk.rest.say(desk.id, "look")
    assert await desk.asked() == 0
    assert await desk.results() == ["error"]


async def test_a_wish_survives_a_restart(serve: Serve, tmp_path: Path) -> None:
    stored: dict[str, Any] = {"database": None, "data": tmp_path / "data"}
    first = await open_desk(serve, **stored)
    await prefer(first.rest, approvalPolicy="manual")
    await first.rest.client.close()
    again = await open_desk(serve, **stored)
    await again.rest.say(again.id, "look")
    await again.answer(await again.pending())
    assert await again.asked() == 1
