"""Branches over REST: fork, switch, merge with preview, prompt, pins and plan; and what is refused, with its code."""

from __future__ import annotations

from typing import Any

import pytest
from rest_client import Reply, Rest

Json = dict[str, Any]


def is_switch(message: Json) -> bool:
    return message["kind"] == "system_control" and bool(message["payload"]["control"] == "branch_switch")


class Talk:
    """A session with three turns, and the actions on its branches."""

    def __init__(self, rest: Rest, session_id: str) -> None:
        self.rest = rest
        self.id = session_id

    async def act(self, action: str, **body: object) -> Json:
        return await self.rest.post(f"/api/contexts/{self.id}/actions/{action}", body)

    async def refused(self, action: str, **body: object) -> Reply:
        reply = await self.rest.ask("POST", f"/api/contexts/{self.id}/actions/{action}", body)
        assert reply.status >= 400, reply.raw
        return reply

    async def path(self, branch: str | None = None) -> list[Json]:
        query = f"&branch={branch}" if branch else ""
        page = await self.rest.get(f"/api/sessions/{self.id}/messages?take=200{query}")
        assert page["total"] == len(page["messages"])
        return [message for message in page["messages"] if not is_switch(message)]

    async def said(self, branch: str | None = None) -> list[str]:
        """What users said on a branch."""
        return [message["content"] for message in await self.path(branch) if message["role"] == "user"]

    async def say(self, text: str) -> None:
        await self.rest.say(self.id, text)
        await self.rest.finished(self.id)

    async def snapshot(self) -> Json:
        return await self.rest.get(f"/api/contexts/{self.id}")

    async def prompt(self) -> dict[str, str]:
        parts = (await self.rest.get(f"/api/contexts/{self.id}/prompt"))["parts"]
        return {part["name"]: part["text"] for part in parts}


@pytest.fixture
async def talk(stored: Rest) -> Talk:
    return Talk(stored, await stored.talked(3))


@pytest.fixture
async def quick(rest: Rest) -> Talk:
    """In memory, where the storage makes no difference."""
    return Talk(rest, await rest.talked(3))


async def test_a_fork_at_a_message_is_the_active_branch(talk: Talk) -> None:
    messages = await talk.path()
    assert await talk.act("fork", messageId=messages[3]["id"], name="b") == {"name": "b", "version": 2}
    snapshot = await talk.snapshot()
    assert (snapshot["activeBranch"], snapshot["session"]["messageCount"]) == ("b", 4)
    assert [message["id"] for message in snapshot["messages"]] == [message["id"] for message in messages[:4]]
    assert await talk.path("main") == messages


async def test_edit_and_resend_keeps_what_was_said_before(talk: Talk) -> None:
    messages = await talk.path()
    await talk.act("fork", messageId=messages[2]["id"], before=True, name="edited")
    await talk.say("turn 1, but better")
    assert await talk.said() == ["turn 0", "turn 1, but better"]
    assert await talk.said("main") == ["turn 0", "turn 1", "turn 2"]


async def test_switching_shows_the_other_branch(talk: Talk) -> None:
    await talk.act("fork", position=2, name="b")
    assert await talk.act("switch_branch", name="main") == {"name": "main", "version": 3}
    assert await talk.said() == ["turn 0", "turn 1", "turn 2"]
    listed = (await talk.rest.get(f"/api/sessions/{talk.id}/branches"))["branches"]
    assert [(each["name"], each["parent"], each["forkedAt"], each["length"]) for each in listed] == [
        ("main", None, 0, 6),
        ("b", "main", 2, 2),
    ]


async def test_a_switch_is_recorded_where_somebody_went_away(talk: Talk) -> None:
    await parted(talk)
    page = await talk.rest.get(f"/api/sessions/{talk.id}/messages?branch=b")
    last = page["messages"][-1]
    assert (last["kind"], last["payload"]["parameters"]) == ("system_control", {"branch": "main", "from": "b"})
    await talk.act("set_mode", mode="plan")
    assert (await talk.path())[-1]["payload"]["parameters"] == {"mode": "plan", "from": "act"}


async def parted(talk: Talk) -> None:
    """b left main after its first turn and has one of its own; main is active."""
    await talk.act("fork", position=2, name="b")
    await talk.say("on b")
    await talk.act("switch_branch", name="main")


async def test_a_preview_shows_what_a_merge_would_bring_and_changes_nothing(talk: Talk) -> None:
    await parted(talk)
    head = (await talk.snapshot())["head"]
    for strategy, brought in (("append", ["on b"]), ("summary", ["on b"]), ("rebase", ["turn 1", "turn 2"])):
        shown = await talk.act("merge", source="b", strategy=strategy, preview=True)
        assert (shown["merged"], shown["activeBranch"], shown["conflicts"]) == (False, "main", [])
        assert [message["content"] for message in shown["messages"] if message["role"] == "user"] == brought
    assert (await talk.snapshot())["head"] == head


async def test_append_and_cherry_pick_bring_messages_and_copy_none(talk: Talk) -> None:
    await parted(talk)
    [asked, reply] = (await talk.path("b"))[2:]
    picked = await talk.act("merge", source="b", strategy="cherry-pick", messageIds=[asked["id"]])
    assert (picked["merged"], [message["id"] for message in picked["messages"]]) == (True, [asked["id"]])
    await talk.act("merge", source="b", strategy="append")
    assert [message["id"] for message in await talk.path()][-2:] == [asked["id"], reply["id"]]
    pool = await talk.rest.get(f"/api/sessions/{talk.id}/messages?scope=pool")
    assert pool["total"] == 9, "with the record of the switch away from b"


async def test_rebase_makes_a_branch_and_goes_there(talk: Talk) -> None:
    await parted(talk)
    answer = await talk.act("merge", source="b", strategy="rebase", name="new")
    assert (answer["merged"], answer["activeBranch"]) == (True, "new")
    assert await talk.said() == ["turn 0", "on b", "turn 1", "turn 2"]


async def test_a_summary_says_what_the_other_branch_came_to(talk: Talk) -> None:
    await parted(talk)
    assert (await talk.refused("merge", source="b", strategy="summary")).field == "summary"
    await talk.act("merge", source="b", strategy="summary", summary="They agreed.")
    last = (await talk.path())[-1]
    assert (last["kind"], last["role"], last["content"]) == ("system_control", "system", "They agreed.")


async def test_a_conflict_is_refused_until_it_is_resolved(talk: Talk) -> None:
    await talk.act("fork", position=2, name="b")
    await talk.act("pin", text="theirs")
    await talk.act("switch_branch", name="main")
    await talk.act("pin", text="ours")
    assert (await talk.act("merge", source="b", strategy="append", preview=True))["conflicts"] == ["pins"]
    refused = await talk.refused("merge", source="b", strategy="append")
    assert (refused.status, refused.code) == (409, "merge_conflict")
    assert refused.data["details"]["conflicts"] == ["pins"]
    await talk.act("merge", source="b", strategy="append", resolution="target")
    assert [pin["text"] for pin in (await talk.snapshot())["pins"]] == ["ours"]


async def test_a_branchs_prompt_pins_and_plan_are_in_its_prompt_alone(talk: Talk) -> None:
    await talk.act("fork", position=2, name="b")
    await talk.act("set_branch_prompt", branch="b", systemPrompt="Speak like a pirate.")
    await talk.act("pin", text="the map")
    await talk.act("set_plan", items=[{"id": "1", "text": "dig", "status": "in_progress"}])
    there = await talk.prompt()
    assert there["branch"] == "Speak like a pirate."
    assert "- the map" in there["pins"]
    assert "- [in_progress] dig" in there["plan"]
    await talk.act("switch_branch", name="main")
    here = await talk.prompt()
    assert "role" in here
    assert {"branch", "pins", "plan"}.isdisjoint(here)


async def test_a_message_is_pinned_once_by_its_text_and_unpinned(talk: Talk) -> None:
    message = (await talk.path())[0]
    first = await talk.act("pin", messageId=message["id"])
    assert await talk.act("pin", messageId=message["id"]) == first
    [pin] = (await talk.snapshot())["pins"]
    assert (pin["id"], pin["text"], pin["messageId"]) == (first["pinId"], "turn 0", message["id"])
    await talk.act("unpin", pinId=pin["id"])
    assert (await talk.snapshot())["pins"] == []


# Refusals
@pytest.mark.parametrize(
    ("action", "body", "status", "code"),
    [
        ("fork", {"messageId": "unknown"}, 404, "message_not_found"),
        ("fork", {"name": "main"}, 409, "branch_exists"),
        ("fork", {"branch": "nowhere"}, 404, "branch_not_found"),
        ("fork", {"position": 99}, 400, "invalid_argument"),
        ("fork", {"position": 0}, 400, "invalid_argument"),
        ("fork", {"name": ""}, 400, "invalid_argument"),
        ("switch_branch", {"name": "nowhere"}, 404, "branch_not_found"),
        ("merge", {"source": "nowhere", "strategy": "append"}, 404, "branch_not_found"),
        ("merge", {"source": "main", "strategy": "append"}, 400, "invalid_argument"),
        ("merge", {"source": "main", "strategy": "octopus"}, 400, "invalid_argument"),
        ("merge", {"source": "main", "strategy": "cherry-pick"}, 400, "invalid_argument"),
        (
            "merge",
            {"source": "main", "strategy": "cherry-pick", "messageIds": ["unknown"]},
            404,
            "message_not_found",
        ),
        ("set_branch_prompt", {"branch": "nowhere", "systemPrompt": "x"}, 404, "branch_not_found"),
        ("pin", {}, 400, "invalid_argument"),
        ("pin", {"messageId": "unknown"}, 404, "message_not_found"),
        ("unpin", {"pinId": "unknown"}, 404, "pin_not_found"),
    ],
)
async def test_what_can_not_be_is_refused_with_its_code_and_changes_nothing(
    quick: Talk, action: str, body: Json, status: int, code: str
) -> None:
    head = (await quick.snapshot())["head"]
    reply = await quick.refused(action, **body)
    assert (reply.status, reply.code) == (status, code)
    assert (await quick.snapshot())["head"] == head


async def test_nothing_changes_under_a_run(rest: Rest) -> None:
    talk = Talk(rest, await rest.talked(1))
    await talk.act("fork", position=1, name="b", switch=False)
    await talk.act("set_model", model="scripted:words=2,delay_ms=60000")
    await rest.say(talk.id, "slow")
    for action, body in (
        ("switch_branch", {"name": "b"}),
        ("fork", {"position": 1}),
        ("merge", {"source": "b", "strategy": "append"}),
    ):
        reply = await talk.refused(action, **body)
        assert (reply.status, reply.code) == (409, "run_active")
    await talk.act("fork", position=1, name="aside", switch=False)
    await talk.act("cancel")
    await talk.act("switch_branch", name="aside")


async def test_an_archived_session_is_forked_and_no_more(quick: Talk) -> None:
    await quick.act("archive")
    await quick.act("fork", name="b", position=1)
    for action, body in (("switch_branch", {"name": "main"}), ("merge", {"source": "main", "strategy": "append"})):
        reply = await quick.refused(action, **body)
        assert (reply.status, reply.code) == (409, "illegal_transition")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("fork", {"position": 1}),
        ("switch_branch", {"name": "main"}),
        ("merge", {"source": "main", "strategy": "append"}),
        ("set_plan", {"items": []}),
        ("pin", {"text": "x"}),
    ],
)
async def test_a_deleted_session_has_no_branches(quick: Talk, action: str, body: Json) -> None:
    await quick.rest.ask("DELETE", f"/api/sessions/{quick.id}")
    reply = await quick.refused(action, **body)
    assert (reply.status, reply.code) == (404, "session_not_found")
