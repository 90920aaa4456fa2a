"""The boundary walk as its user goes it: everything that is said, asked for and answered, safe to repeat.

The user outlives the server: a step without an answer is looked at again and taken again. Never judges the outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from walking_script import ASIDE, PLAN, WALK, WAY

from hub.client import CallFailed, ConnectionLost, HubClient, SessionView
from hub.client.wire import Json

MAIN, SIDE = "main", "side"
WORKFLOW = """\
name: stroll
inputs: {where: {default: around}}
steps:
  - {id: seen, tool: look, with: {where: "{{ input.where }}"}}
  - {id: told, prompt: "Sum up: {{ steps.seen.output }}"}
"""
WAIT_S = 60.0
AGAIN_S = 0.02


class Driver:
    """Speaks through several clients by turns; `view` is what it knows of the session."""

    def __init__(self, clients: Sequence[HubClient], view: SessionView) -> None:
        self._clients = clients
        self._first = clients[0]
        self._view = view
        self._session_id = view.session_id
        self._turn = 0

    async def walk(self) -> None:
        await self._act("set_mode", mode="plan")
        await self._say(PLAN)
        await self._act("set_mode", mode="act")
        await self._say(WALK)
        await self._stroll()
        await self._fork()
        await self._say(ASIDE)
        await self._act("switch_branch", name=MAIN)
        await self._merge()

    async def get(self, path: str, **query: str | int) -> Json:
        return await patiently(lambda: self._first.get(path, **query))

    async def messages(self, branch: str) -> list[Json]:
        """The whole branch, oldest first."""
        page = await self.get(f"/api/sessions/{self._session_id}/messages", branch=branch, take=200)
        assert page["total"] == len(page["messages"])
        found: list[Json] = page["messages"]
        return found

    async def _say(self, text: str) -> None:
        sent = await self._first.send_message(self._session_id, text, clientMessageId=text, timeout_s=WAIT_S)
        assert sent["runId"] is not None
        await self._settled(sent["runId"])

    async def _stroll(self) -> None:
        body = {"sessionId": self._session_id, "input": {"where": "about"}, "clientMessageId": "stroll"}
        begun = await patiently(lambda: self._first.post("/api/workflows/stroll/execute", body))
        await self._settled(begun["runId"])

    async def _fork(self) -> None:
        async def attempt() -> Json:
            there = await self._first.get(f"/api/sessions/{self._session_id}/branches")
            if any(branch["name"] == SIDE for branch in there["branches"]):
                return there
            return await self._first.post(self._action("fork"), {"name": SIDE})

        await patiently(attempt)

    async def _merge(self) -> None:
        async def attempt() -> Json:
            page = await self._first.get(f"/api/sessions/{self._session_id}/messages", branch=MAIN, take=200)
            if any(message.get("clientMessageId") == ASIDE for message in page["messages"]):
                return page
            return await self._first.post(self._action("merge"), {"source": SIDE, "strategy": "append"})

        await patiently(attempt)

    async def _act(self, action: str, **body: str) -> None:
        await patiently(lambda: self._first.post(self._action(action), body))

    def _action(self, name: str) -> str:
        return f"/api/contexts/{self._session_id}/actions/{name}"

    async def _settled(self, run_id: str) -> None:
        """Answers what is asked until the run has ended."""
        while True:
            await self._view.until(lambda view: _has_ended(view, run_id) or bool(_asked(view)), WAIT_S)
            if _has_ended(self._view, run_id):
                return
            await self._answer(_asked(self._view)[0])

    async def _answer(self, approval: Json) -> None:
        decision = {"decision": "approve"} if approval["kind"] == "tool" else {"decision": "respond", "reason": WAY}
        arguments = {"sessionId": self._session_id, "approvalId": approval["id"], **decision}
        self._turn += 1
        client = self._clients[self._turn % len(self._clients)]
        try:
            await patiently(lambda: client.call("resolve_approval", arguments))
        except CallFailed as failed:
            if failed.code != "approval_resolved":  # the first ack was lost with the server
                raise
        await self._view.until(lambda view: approval["id"] not in [each["id"] for each in _asked(view)], WAIT_S)


async def patiently(work: Callable[[], Awaitable[Json]]) -> Json:
    """Until it has an answer; the walk's own deadline ends it."""
    while True:
        try:
            return await work()
        except (ConnectionLost, CallFailed) as failed:
            if not failed.retryable:
                raise
        await asyncio.sleep(AGAIN_S)


def _asked(view: SessionView) -> list[Json]:
    found: list[Json] = view.snapshot["approvals"] if view.snapshot is not None else []
    return found


def _has_ended(view: SessionView, run_id: str) -> bool:
    return any(event["type"] == "run.finished" and event["data"]["run"]["id"] == run_id for event in view.events)
