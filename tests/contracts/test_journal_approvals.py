"""The journal's contract: approvals, grants and open requests. What was asked is kept for ever, what is pending is
part of the context, and both survive the process."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import journal_store
import pytest
from histories import Maker
from journal_store import LASTING, Store, fence_of, opened
from rounds import seeded
from world import decided

from models.commands import (
    AskUser,
    CancelRun,
    Command,
    DeleteSession,
    FinishTool,
    RequestTools,
    ResolveApproval,
    RestoreSession,
    RevokeGrant,
    StartTools,
)
from models.errors import ParleyError, SessionNotFound
from models.events import ApprovalRequested
from models.payloads import CallStatus, ToolCall, ToolRequestPayload, calls_in
from models.states import AwaitingUser
from services.engine.apply import apply_all
from services.engine.context import Context

KINDS = ["tools", "ask", "resolve", "start_tools", "finish_tool", "revoke", "cancel", "send", "start", "take_over"]


store = journal_store.store


def asking(context: Context, *call_ids: str, status: CallStatus = "pending") -> RequestTools:
    calls = tuple(
        ToolCall(call_id=each, name="smash", arguments={"what": "日本語 \U0010ffff"}, risk="unsafe", status=status)
        for each in call_ids
    )
    asked = {each: f"a-{each}" for each in call_ids} if status == "pending" else {}
    return RequestTools(fence_of(context), f"request-{context.head}", "assistant", calls, asked)


async def agrees(store: Store, context: Context) -> None:
    """I2: what is read is what the events fold to."""
    assert await store.journal.load("s") == context
    assert apply_all(None, store.events["s"]) == context
    snapshot = await store.reads.snapshot("s")
    assert (snapshot.approvals, snapshot.grants, snapshot.state) == (context.approvals, context.grants, context.state)


async def test_what_is_pending_is_in_the_context_and_in_the_list(store: Store) -> None:
    context = await store.running()
    context = await store.do(context, asking(context, "1", "2"))
    assert isinstance(context.state, AwaitingUser)
    assert await store.reads.approvals("s") == context.approvals
    [run] = await store.reads.runs("s")
    assert run.state == "awaiting_input"
    await agrees(store, context)


@pytest.mark.parametrize("end", [ResolveApproval("a-1", "deny", "ann", answer="no"), CancelRun()])
async def test_a_session_waits_from_the_question_to_the_answer(store: Store, end: Command) -> None:
    """In lists too, so that a panel can say who waits without opening each."""
    context = await store.running()
    assert [session.waiting for session in await store.listed()] == [False]
    context = await store.do(context, asking(context, "1"))
    assert [session.waiting for session in await store.listed()] == [True]
    assert (await store.reads.session("s")).waiting
    assert (await store.reads.snapshot("s")).session.waiting
    await store.do(context, end)
    assert [session.waiting for session in await store.listed()] == [False]


async def test_an_answer_leaves_the_context_and_stays_in_the_list(store: Store) -> None:
    context = await store.running()
    context = await store.do(context, asking(context, "1", "2"))
    context = await store.do(context, ResolveApproval("a-1", "deny", "ann", answer="no\nreally"))
    assert [each.id for each in context.approvals] == ["a-2"]
    await agrees(store, context)
    context = await store.do(context, ResolveApproval("a-2", "edit", "bob", arguments={"what": "cup"}))
    first, second = await store.reads.approvals("s")
    assert (first.state, first.decided_by, first.answer) == ("denied", "ann", "no\nreally")
    assert (second.state, second.decided_by, second.arguments) == ("approved", "bob", {"what": "cup"})
    [run] = await store.reads.runs("s")
    assert run.state == "running"
    await agrees(store, context)


async def test_the_list_has_the_oldest_first_over_several_requests(store: Store) -> None:
    context = await store.running()
    for number in range(3):
        context = await store.do(context, AskUser(fence_of(context), f"q{number}", "question", "Which?", ("a",), "key"))
        context = await store.do(context, ResolveApproval(f"q{number}", "respond", "ann", answer=f"{number}"))
    found = await store.reads.approvals("s")
    assert [(each.id, each.answer, each.options) for each in found] == [
        ("q0", "0", ("a",)),
        ("q1", "1", ("a",)),
        ("q2", "2", ("a",)),
    ]


async def test_an_open_request_is_read_with_the_states_of_its_calls(store: Store) -> None:
    context = await store.running()
    context = await store.do(context, asking(context, "1", "2", status="approved"))
    fence = fence_of(context)
    context = await store.do(context, StartTools(fence, ("1", "2")), FinishTool(fence, "r1", "1", "ok", "out " * 500))
    await agrees(store, context)
    loaded = (await store.journal.load("s")).request
    assert loaded is not None
    assert isinstance(loaded.payload, ToolRequestPayload)
    assert [call.status for call in loaded.payload.calls] == ["done", "executing"]
    context = await store.do(context, FinishTool(fence, "r2", "2", "timeout", error="late"))
    assert (await store.journal.load("s")).request is None
    await agrees(store, context)
    first, second = await store.reads.messages("s", ["r1", "r2"])
    assert (first.content, second.content) == ("out " * 500, "")


async def test_all_open_requests_of_one_reply_are_read_and_no_others(store: Store) -> None:
    context = await store.running()
    together = replace(asking(context, "1", "2", "3", status="approved"), servers={"2": "git", "3": "box"})
    context = await store.do(context, together)
    fence = fence_of(context)
    assert [message.kind for message in context.requests] == ["tool_request", "mcp_tool_request", "mcp_tool_request"]
    assert (await store.journal.load("s")).requests == context.requests
    context = await store.do(context, StartTools(fence, ("1", "2", "3")))
    for call_id, left in (("2", ["1", "3"]), ("1", ["3"]), ("3", [])):
        context = await store.do(context, FinishTool(fence, f"r{call_id}", call_id, "ok", "out"))
        loaded = await store.journal.load("s")
        assert loaded.requests == context.requests
        assert [call.call_id for each in loaded.requests for call in calls_in(each.payload)] == left
        await agrees(store, context)


async def test_grants_are_kept_until_they_are_revoked(store: Store) -> None:
    context = await store.running()
    context = await store.do(context, asking(context, "1"))
    context = await store.do(context, ResolveApproval("a-1", "approve", "ann", scope="session"))
    assert [grant.tool for grant in (await store.journal.load("s")).grants] == ["smash"]
    await agrees(store, context)
    context = await store.do(context, RevokeGrant("smash"))
    assert (await store.journal.load("s")).grants == ()
    await agrees(store, context)


async def test_a_cancelled_run_leaves_cancelled_approvals_in_the_list(store: Store) -> None:
    context = await store.running()
    context = await store.do(context, asking(context, "1"), CancelRun())
    [approval] = await store.reads.approvals("s")
    assert (approval.state, context.approvals) == ("cancelled", ())
    await agrees(store, context)


async def test_approvals_of_a_deleted_or_unknown_session_are_not_found(store: Store) -> None:
    context = await store.running()
    context = await store.do(context, asking(context, "1"), DeleteSession())
    for session_id in ("s", "unknown"):
        with pytest.raises(SessionNotFound):
            await store.reads.approvals(session_id)
    await store.do(context, RestoreSession())
    assert len(await store.reads.approvals("s")) == 1


async def test_approvals_of_another_session_are_not_in_the_list(store: Store) -> None:
    first, second = await store.running("s"), await store.running("t")
    await store.do(first, asking(first, "1"))
    assert await store.reads.approvals("t") == ()
    assert (await store.journal.load("t")) == second


@pytest.mark.parametrize("kind", LASTING)
async def test_a_question_outlives_the_process(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as before:
        context = await before.running()
        context = await before.do(context, asking(context, "1", "2"), ResolveApproval("a-1", "approve", "ann"))
        kept = await before.reads.approvals("s")
    async with opened(kind, tmp_path) as after:
        assert await after.journal.load("s") == context
        assert await after.reads.approvals("s") == kept
        resumed = await after.do(context, ResolveApproval("a-2", "deny", "bob"))
        assert await after.journal.load("s") == resumed


@pytest.mark.parametrize("seed", seeded(0, 4))
async def test_i2_random_talks_with_tools_are_read_as_their_events_fold(store: Store, seed: int) -> None:
    choose = random.Random(seed)
    maker = Maker(choose.choice)
    context = await store.running()
    for _ in range(60):
        command: Command = maker.command(choose.choice(KINDS), context)
        if choose.random() < 0.7:
            command = maker.command(maker.likely_kind(context), context)
        try:
            append = decided("s", context, command)
        except ParleyError:
            continue
        if append is not None:
            context = await store.put("s", append)
        if context.deleted_at is None:
            await agrees(store, context)
    bodies = [event.body for event in store.events["s"]]
    requested = {body.approval.id for body in bodies if isinstance(body, ApprovalRequested)}
    if context.deleted_at is None:
        assert {each.id for each in await store.reads.approvals("s")} == requested
