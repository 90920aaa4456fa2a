"""Executions that are killed and go on: after every event of a small workflow, and in the cases that differ (I5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from patience import HANG_S
from workflow_world import Bench, WorkflowShop, statuses, steps_of, workflow_shop
from world import USER, Gate, HookedJournal, eventually, hooked_store

from models.calls import ApprovalAnswer
from models.commands import CancelRun
from models.events import Event
from models.payloads import WorkflowExecutionPayload
from models.results import Cancelled
from services.access import LOCAL
from services.llm.scripted import Finish, Say, Script
from services.sessions.listeners import Committed
from services.store.journal import Append, OnAppended
from services.store.memory.tables import Memory
from services.workflows.definition import Input, ParallelStep, PromptStep, Retry, ToolStep, Workflow

REPLY: Script = (Say("all "), Say("well"), Finish())
WALK = Workflow(
    "w",
    (
        ToolStep("a", "say", {"text": "{{ input.word }}"}),
        ToolStep("s", "send", {"text": "{{ steps.a.output }}"}),
        ParallelStep(
            "both",
            (
                ToolStep("x", "say", {"text": "x"}, retry=Retry(2)),
                PromptStep("p", "{{ steps.s.output }}"),
                ToolStep("no", "say", {"text": "no"}, when="input.word == 'never'"),
                ToolStep("y", "say", {"text": "y"}),
            ),
        ),
        PromptStep("q", "{{ steps.both.output }}"),
    ),
    inputs={"word": Input()},
)


class DyingJournal(HookedJournal):
    """Goes silent after so many events: what is appended later is neither kept nor answered, as after SIGKILL."""

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self.dies_at = 10**9
        self.dead = asyncio.Event()

    def append(self, append: Append, done: OnAppended) -> None:
        if append.after.head > self.dies_at:
            self.dead.set()
            return
        super().append(append, done)


async def end_state(shop: WorkflowShop, session_id: str) -> dict[str, Any]:
    """Without the numbers of attempts: a try whose result was lost with the process is not counted."""
    payload = await shop.execution(session_id)
    context = shop.room.state(session_id)
    messages = await shop.room.messages(session_id)
    replies = [m.content for m in messages if m.kind == "streaming_response" and m.status == "complete"]
    return {
        "replies": replies,
        "session": context.session_state,
        "state": context.state.name,
        "workflow": (payload.status, payload.result),
        "steps": {each["id"]: (each["status"], each["output"], each["error"]) for each in payload.steps},
    }


async def approve(shop: WorkflowShop, session_id: str) -> None:
    """Answers what is asked; the run may also end before."""
    context = await shop.store.journal.load(session_id)
    async with asyncio.timeout(HANG_S):
        while not context.approvals and context.session_state == "RUNNING":
            await asyncio.sleep(0.002)
            context = await shop.store.journal.load(session_id)
    for approval in context.approvals:
        answer = ApprovalAnswer.model_validate({"approval_id": approval.id, "decision": "approve"})
        await shop.chat.resolve_approval(LOCAL, session_id, answer)


async def undisturbed() -> tuple[dict[str, Any], list[tuple[Event, ...]]]:
    bench = Bench()
    bench.failures = {"say x": 1}
    async with workflow_shop(WALK, bench=bench, script=REPLY) as shop:
        session_id = await shop.begin(word="hi")
        await approve(shop, session_id)
        await shop.until(session_id, "COMPLETED", "FAILED")
        return await end_state(shop, session_id), [each.events for each in shop.room.commits]


async def test_i5_killed_after_every_event_it_ends_the_same_and_sends_at_most_once() -> None:
    whole, commits = await undisturbed()
    assert whole["session"] == "COMPLETED"
    # An append is kept whole or not at all; before the message is accepted there is nothing to go on with.
    asked = next(number for number, events in enumerate(commits) if events[0].type == "message.created")
    sending = [events[-1].seq for events in commits if any(_sends(event) for event in events)]
    outcomes = set()
    for seq in [events[-1].seq for events in commits[asked:-1]]:
        store, journal = hooked_store(DyingJournal)
        assert isinstance(journal, DyingJournal)
        journal.dies_at = seq
        bench = Bench()
        bench.failures = {"say x": 1}
        async with workflow_shop(WALK, bench=bench, script=REPLY, store=store) as shop:
            session_id = await shop.begin(word="hi")
            asking = asyncio.ensure_future(approve(shop, session_id))
            await asyncio.wait_for(journal.dead.wait(), HANG_S)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await shop.kill()
        journal.dies_at = 10**9
        async with workflow_shop(WALK, bench=bench, script=REPLY, store=store, after=shop) as shop:
            await approve(shop, session_id)
            await shop.until(session_id, "COMPLETED", "FAILED")
            ended = await end_state(shop, session_id)
        assert bench.calls.count("send hi") <= 1, seq
        outcomes.add(ended["session"])
        if ended["session"] == "COMPLETED":
            assert ended == whole, seq
        else:
            # The unsafe tool was at work: nobody knows whether it had its effect, so its step fails.
            assert seq in sending, (seq, ended)
            assert ended["steps"]["s"] == ("failed", "", "interrupted, outcome unknown")
    assert outcomes == {"COMPLETED", "FAILED"}


def _sends(event: Event) -> bool:
    """Whether the unsafe tool is at work from here on."""
    message = getattr(event.body, "message", None)
    payload = message.payload if message is not None else None
    if payload is None or payload.kind != "tool_request":
        return False
    return any((call.name, call.status) == ("send", "executing") for call in payload.calls)


async def test_i6_cancelled_after_every_event_it_ends_at_once_and_leaves_nothing_open() -> None:
    _, commits = await undisturbed()
    asked = next(number for number, events in enumerate(commits) if events[0].type == "message.created")
    for events in commits[asked:-1]:
        await _cancelled_after(events[-1].seq)


async def _cancelled_after(seq: int) -> None:
    bench = Bench()
    bench.failures = {"say x": 1}
    async with workflow_shop(WALK, bench=bench, script=REPLY) as shop:
        cancelling = _cancel_at(shop, seq)
        session_id = await shop.begin(word="hi")
        asking = asyncio.ensure_future(approve(shop, session_id))
        await shop.until(session_id, "CANCELLED")
        await asyncio.gather(asking, return_exceptions=True)
        await eventually(lambda: bench.at_work == shop.provider.open_streams == shop.runs.active == 0)
        context = shop.room.state(session_id)
        assert (context.state.name, context.workflow, context.request) == ("active", None, None), seq
        assert (context.stream, context.approvals) == (None, ()), seq
        payloads = [message.payload for message in await shop.room.messages(session_id)]
        ended = [each.status for each in payloads if isinstance(each, WorkflowExecutionPayload)]
        assert ended in ([], ["cancelled"], ["completed"]), seq
        assert cancelling[0].result() == Cancelled(True)


def _cancel_at(shop: WorkflowShop, seq: int) -> list[asyncio.Future[Cancelled]]:
    """Cancels as soon as the event `seq` is shown."""
    cancelling: list[asyncio.Future[Cancelled]] = []

    def look(committed: Committed) -> None:
        if committed.after.head >= seq and not cancelling:
            cancelling.append(shop.room.sessions.submit(committed.after.session_id, CancelRun(), USER))

    shop.room.sessions.subscribe(look)
    return cancelling


async def killed_in(
    definition: str | Workflow, call: str, then: Callable[[WorkflowShop, str], Any], **given: Any
) -> WorkflowExecutionPayload:
    """Kills the server while a call of a tool is at work, boots it again, and returns how it ended."""
    bench, (store, _), gate = Bench(), hooked_store(), Gate()
    bench.gates = {call: gate}
    async with workflow_shop(definition, bench=bench, store=store, script=REPLY) as shop:
        session_id = await shop.begin(**given)
        await then(shop, session_id)
        await asyncio.wait_for(gate.reached.wait(), HANG_S)
        await shop.kill()
    bench.gates = {}
    async with workflow_shop(definition, bench=bench, store=store, after=shop, script=REPLY) as shop:
        await shop.until(session_id, "COMPLETED", "FAILED")
        return await shop.execution(session_id)


async def nothing(_shop: WorkflowShop, _session_id: str) -> None:
    return None


async def test_i5_a_safe_tool_that_was_interrupted_runs_again_and_the_workflow_goes_on() -> None:
    text = "steps: [{id: a, tool: say, with: {text: a}}, {id: b, tool: say, with: {text: '{{ steps.a.output }}b'}}]"
    payload = await killed_in(text, "say ab", nothing)
    assert (payload.status, payload.result) == ("completed", "ab")


async def test_i5_an_unsafe_tool_that_was_interrupted_is_not_repeated_retry_or_not() -> None:
    text = "steps: [{id: a, tool: send, with: {text: a}, retry: {times: 3}}]"
    payload = await killed_in(text, "send a", approve)
    assert (payload.status, payload.steps[0]["attempts"]) == ("failed", 1)
    assert payload.error == "step “a” failed: interrupted, outcome unknown"


async def test_an_approval_that_is_answered_after_the_restart_lets_the_workflow_go_on() -> None:
    bench, (store, _) = Bench(), hooked_store()
    text = "steps: [{id: a, tool: send, with: {text: a}}]"
    async with workflow_shop(text, bench=bench, store=store) as shop:
        session_id = await shop.begin()
        await eventually(lambda: shop.room.state(session_id).approvals)
        await shop.kill()
    async with workflow_shop(text, bench=bench, store=store, after=shop) as shop:
        await approve(shop, session_id)
        await shop.until(session_id, "COMPLETED")
        assert (await shop.execution(session_id)).result == "sent a"
        assert bench.calls == ["send a"]


async def test_full_outputs_are_there_again_after_a_restart_however_many_messages_lie_between() -> None:
    many = "".join(f"  - {{id: n{number}, tool: say, with: {{text: n}}}}\n" for number in range(97))
    text = (
        "steps:\n  - {id: big, tool: fill, with: {size: 50000}}\n"
        + many
        + "  - {id: mid, tool: say, with: {text: mid}}\n"
        + "  - {id: end, tool: say, with: {text: 'n{{ steps.big.output|length }}'}}\n"
    )
    payload = await killed_in(text, "say mid", nothing)
    assert payload.result == "n50000"


@pytest.mark.parametrize("changed", ["steps: [{id: other, prompt: hello}]", "steps: [{id: a, prompt: hello}]"])
async def test_a_workflow_that_was_changed_in_between_fails_with_that_reason(changed: str) -> None:
    bench, (store, _), gate = Bench(), hooked_store(), Gate()
    bench.gates = {"say a": gate}
    async with workflow_shop(
        "steps: [{id: a, tool: say, with: {text: a}}]", bench=bench, store=store, script=REPLY
    ) as shop:
        session_id = await shop.begin()
        await asyncio.wait_for(gate.reached.wait(), HANG_S)
        await shop.kill()
    bench.gates = {}
    async with workflow_shop(changed, bench=bench, store=store, after=shop, script=REPLY) as shop:
        await shop.until(session_id, "FAILED")
        payload = await shop.execution(session_id)
        assert (payload.status, payload.error) == ("failed", "the workflow was changed while it ran")


async def test_a_workflow_that_is_gone_after_the_restart_fails_the_run_and_closes_the_execution() -> None:
    bench, (store, _), gate = Bench(), hooked_store(), Gate()
    bench.gates = {"say a": gate}
    text = "steps: [{id: a, tool: say, with: {text: a}}]"
    async with workflow_shop(text, bench=bench, store=store) as shop:
        session_id = await shop.begin()
        await asyncio.wait_for(gate.reached.wait(), HANG_S)
        await shop.kill()
    bench.gates = {}
    async with workflow_shop(bench=bench, store=store, after=shop) as shop:
        await shop.until(session_id, "FAILED")
        assert (await shop.execution(session_id)).status == "failed"
        (run,) = await shop.room.runs(session_id)
        assert run.reason is not None
        assert run.reason.startswith("workflow_not_found")


async def test_two_restarts_in_a_row_keep_what_was_done() -> None:
    bench, (store, _) = Bench(), hooked_store()
    text = "steps: [" + ", ".join(f"{{id: s{n}, tool: say, with: {{text: s{n}}}}}" for n in range(3)) + "]"
    session_id, shop = "", None
    for call in ("say s1", "say s2"):
        gate = Gate()
        bench.gates = {call: gate}
        async with workflow_shop(text, bench=bench, store=store, after=shop) as shop:
            session_id = session_id or await shop.begin()
            await asyncio.wait_for(gate.reached.wait(), HANG_S)
            await shop.kill()
    bench.gates = {}
    async with workflow_shop(text, bench=bench, store=store, after=shop) as shop:
        await shop.until(session_id, "COMPLETED")
        payload = await shop.execution(session_id)
        assert set(statuses(payload).values()) == {"done"}
        assert {step["attempts"] for step in payload.steps} == {1}
        assert [bench.calls.count(f"say s{n}") for n in range(3)] == [1, 2, 2]
        assert steps_of(payload)["s0"]["output"] == "s0"
