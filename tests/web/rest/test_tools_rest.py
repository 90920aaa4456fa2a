"""Tools that are switched off and on while the server runs: everybody sees it, also who is at work."""

from __future__ import annotations

import pytest
from hub_peer import Peer, eventually
from rest_client import Rest

from services.tools.tool import tool
from web.keys import TOOLS, VIEWS


@tool(risk="read_only")
def look() -> str:
    """Looks."""
    return "seen"


@tool(risk="unsafe")
def smash() -> str:
    """Breaks something."""
    return "broken"


@pytest.fixture
def offering(rest: Rest) -> Rest:
    for each in (look, smash):
        rest.app[TOOLS].register(each)
    return rest


async def shown(rest: Rest, name: str) -> tuple[bool, str | None]:
    (found,) = [each for each in (await rest.get("/api/tools"))["tools"] if each["name"] == name]
    return found["available"], found["reason"]


async def switch(rest: Rest, name: str, *, enabled: bool) -> None:
    reply = await rest.ask("PATCH", f"/api/tools/{name}", {"enabled": enabled})
    assert (reply.status, reply.data["available"]) == (200, enabled)


async def test_a_tool_that_is_switched_off_is_offered_and_called_no_more(offering: Rest) -> None:
    offered = offering.app[VIEWS].toolbox
    await switch(offering, "look", enabled=False)
    assert await shown(offering, "look") == (False, "local switched it off")
    assert offered is not None
    assert "look" not in {each.name for each in offered.offered("act")}
    refused = await offering.ask("POST", "/api/tools/execute", {"toolName": "look"})
    assert (refused.status, refused.code) == (409, "tool_unavailable")
    await switch(offering, "look", enabled=True)
    assert await shown(offering, "look") == (True, None)
    assert "look" in {each.name for each in offered.offered("act")}
    assert (await offering.post("/api/tools/execute", {"toolName": "look"}))["output"] == "seen"


async def test_a_call_that_waits_for_its_approval_is_not_made_once_its_tool_is_off(offering: Rest) -> None:
    asked = await offering.post("/api/tools/execute", {"toolName": "smash"})
    await switch(offering, "smash", enabled=False)
    context = f"/api/contexts/{asked['sessionId']}"
    (approval,) = (await offering.get(context))["approvals"]
    await offering.post(f"{context}/actions/resolve_approval", {"approvalId": approval["id"], "decision": "approve"})
    await offering.finished(asked["sessionId"])
    messages = (await offering.get(f"/api/sessions/{asked['sessionId']}/messages"))["messages"]
    (result,) = [each["payload"] for each in messages if each["kind"] == "tool_result"]
    assert result["status"] in ("error", "denied")
    assert "broken" not in result["output"]
    assert "not available" in result["error"]


async def test_every_client_is_told_and_a_tool_that_comes_back_stays_off(offering: Rest) -> None:
    peers = [await Peer.connect(str(offering.client.make_url("")).rstrip("/")) for _ in range(2)]
    registry = offering.app[TOOLS]
    await switch(offering, "look", enabled=False)
    await switch(offering, "smash", enabled=False)
    for peer in peers:
        await eventually(lambda peer=peer: peer.named("tools"), "what has changed")  # type: ignore[misc]
        assert {name for told in peer.named("tools") for name in told["changed"]} == {"look", "smash"}
    registry.disable("look", "its server is down")
    registry.enable("look")
    registry.remove("look")
    registry.register(look)
    assert await shown(offering, "look") == (False, "local switched it off")
    for peer in peers:
        await peer.close()


async def test_a_tool_that_is_not_there_is_not_switched(offering: Rest) -> None:
    reply = await offering.ask("PATCH", "/api/tools/nothing", {"enabled": False})
    assert (reply.status, reply.code) == (404, "unknown_tool")
