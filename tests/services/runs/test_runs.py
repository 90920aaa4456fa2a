"""The task manager: runs from their queue to their end; busy sessions; agents that fail; cancelling at any moment."""

from __future__ import annotations

import asyncio
import gc

import pytest
import structlog.testing
from agents_for_tests import Asks, Hangs, LeavesOpen, Listens, Paced, Raises, Says
from patience import HANG_S
from world import USER, HookedJournal, Workshop, eventually, say, settled, workshop

from models.commands import CancelRun, DeleteSession, ResolveApproval
from models.errors import InvalidArgument, ProviderRefused, RunAlreadyActive
from models.events import RunFinished
from models.results import Cancelled
from models.runs import OnBusy
from services.runs import manager as runs_module
from services.runs.agents import Agent
from services.runs.context import RunContext


async def ends(shop: Workshop, session_id: str) -> list[tuple[str, str | None]]:
    return [(run.state, run.reason) for run in await shop.room.runs(session_id)]


async def contents(shop: Workshop, session_id: str) -> list[str]:
    return [message.content for message in await shop.room.messages(session_id)]


async def test_a_message_starts_a_run_and_its_end_is_in_the_journal() -> None:
    async with workshop({"says": Says()}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="says"))
        await shop.until(session_id, "COMPLETED")
        assert await ends(shop, session_id) == [("completed", None)]
        assert await contents(shop, session_id) == ["hello", "done"]
        await shop.room.assert_shown_is_journal(session_id)
        await eventually(lambda: shop.runs.active == 0)


async def test_i6_a_run_needs_nobody_who_listens_or_waits() -> None:
    """The caller is cancelled and gone before the run begins."""
    async with workshop({"says": Says()}) as shop:
        session_id = await shop.room.create()
        caller = asyncio.create_task(shop.room.do(session_id, say(agent="says")))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        await eventually(lambda: shop.room.state(session_id).session_state == "COMPLETED")
        assert await contents(shop, session_id) == ["hello", "done"]


# Busy


async def test_what_is_enqueued_runs_in_turn_and_does_not_hear_what_waits_behind_it() -> None:
    agent = Listens()
    async with workshop({"listens": agent}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say("one", agent="listens"))
        await agent.at_work.wait()
        await shop.room.do(session_id, say("two", agent="listens"))
        await shop.room.do(session_id, say("three", agent="listens"))
        agent.go.set()
        await shop.until(session_id, "COMPLETED")
        assert agent.heard == [["one"], ["one", "two"], ["one", "two", "three"]]
        assert [state for state, _ in await ends(shop, session_id)] == ["completed"] * 3


async def test_steering_is_heard_by_the_run_that_is_at_work() -> None:
    agent = Listens()
    async with workshop({"listens": agent}) as shop:
        session_id = await shop.room.create()
        first = await shop.room.do(session_id, say("one", agent="listens"))
        await agent.at_work.wait()
        steered = await shop.room.do(session_id, say("and two", agent="listens", on_busy="steer"))
        assert steered.run_id == first.run_id
        agent.go.set()
        await shop.until(session_id, "COMPLETED")
        assert agent.heard == [["one"], ["one", "and two"]]
        assert await ends(shop, session_id) == [("completed", None)]
        assert (await contents(shop, session_id))[-1] == "one + and two"


async def test_interrupt_stops_what_runs_and_goes_on_with_the_new_message() -> None:
    agent = Paced()
    async with workshop({"paced": agent, "says": Says()}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say("one", agent="paced"))
        await agent.at_work.wait()
        await shop.room.do(session_id, say("waits", agent="paced"))
        await shop.room.do(session_id, say("stop, do this", agent="says", on_busy="interrupt"))
        await shop.until(session_id, "COMPLETED")
        assert [state for state, _ in await ends(shop, session_id)] == ["cancelled", "cancelled", "completed"]
        assert isinstance(agent.errors[0], asyncio.CancelledError)
        partial = (await shop.room.messages(session_id))[1]
        assert (partial.content, partial.status) == ("one ", "cancelled")


async def test_reject_refuses_while_busy_and_works_when_idle() -> None:
    agent = Paced()
    async with workshop({"paced": agent}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="paced", on_busy="reject"))
        await agent.at_work.wait()
        with pytest.raises(RunAlreadyActive):
            await shop.room.do(session_id, say(agent="paced", on_busy="reject"))
        agent.go.set()
        await shop.until(session_id, "COMPLETED")
        assert await contents(shop, session_id) == ["hello", "one two"]


# Agents that fail


async def test_an_agent_that_raises_fails_its_run_with_a_reason_that_tells_no_secrets() -> None:
    with structlog.testing.capture_logs() as logs:
        async with workshop({"raises": Raises(LookupError("the secret"))}) as shop:
            session_id = await shop.room.create()
            await shop.room.do(session_id, say(agent="raises"))
            await shop.until(session_id, "FAILED")
            assert await ends(shop, session_id) == [("failed", "internal_error: the agent failed (LookupError)")]
            assert shop.room.state(session_id).state.name == "error"
            assert await contents(shop, session_id) == ["hello", "before"]
    # It is somebody's program: no fault of ours.
    [line] = [each for each in logs if each["event"] == "agent failed"]
    assert line["log_level"] == "warning"
    assert isinstance(line["exc_info"], LookupError)


async def test_an_agents_own_error_is_its_reason_and_the_next_message_goes_on() -> None:
    agents: dict[str, Agent] = {"raises": Raises(ProviderRefused("bad key")), "says": Says()}
    async with workshop(agents) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="raises"))
        await shop.until(session_id, "FAILED")
        assert await ends(shop, session_id) == [("failed", f"{ProviderRefused.code}: bad key")]
        await shop.room.do(session_id, say(agent="says"))
        await shop.until(session_id, "COMPLETED")
        assert shop.room.state(session_id).state.name == "active"


async def test_a_failure_does_not_stop_the_queue() -> None:
    async with workshop({"raises": Raises(ProviderRefused("no")), "says": Says()}) as shop:
        session_id = await shop.room.create()
        await asyncio.gather(shop.room.do(session_id, say(agent="raises")), shop.room.do(session_id, say(agent="says")))
        await shop.until(session_id, "COMPLETED")
        assert [state for state, _ in await ends(shop, session_id)] == ["failed", "completed"]


async def test_an_agent_that_returns_with_an_open_reply_has_it_closed() -> None:
    async with workshop({"open": LeavesOpen()}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="open"))
        await shop.until(session_id, "COMPLETED")
        reply = (await shop.room.messages(session_id))[1]
        assert (reply.content, reply.status) == ("half", "error")
        assert reply.payload is not None
        assert str(reply.payload.to_wire()["finishReason"]).startswith("error: the run ended")
        await shop.room.assert_shown_is_journal(session_id)


async def test_an_unknown_agent_fails_the_run_and_names_what_was_tried() -> None:
    async with workshop() as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="no.such.module:agent"))
        await shop.until(session_id, "FAILED")
        ((_, reason),) = await ends(shop, session_id)
        assert reason is not None
        assert reason.startswith(f"{InvalidArgument.code}: No agent 'no.such.module:agent'")


async def test_an_agent_that_breaks_the_rules_of_the_context_fails_with_that_reason() -> None:
    class StreamsTwice:
        async def run(self, ctx: RunContext) -> None:
            async with ctx.stream():
                await ctx.emit("in the middle")

    async with workshop({"twice": StreamsTwice()}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="twice"))
        await shop.until(session_id, "FAILED")
        ((_, reason),) = await ends(shop, session_id)
        assert reason is not None
        assert reason.startswith("illegal_transition")


async def test_an_agent_that_speaks_in_the_users_name_is_refused_since_it_would_steer_itself_for_ever() -> None:
    class Quotes:
        calls = 0

        async def run(self, ctx: RunContext) -> None:
            self.calls += 1
            await ctx.emit("as the user said", role="user")  # type: ignore[arg-type]  # what an untyped agent may do

    agent = Quotes()
    async with workshop({"quotes": agent}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="quotes"))
        await shop.until(session_id, "FAILED")
        assert agent.calls == 1
        ((_, reason),) = await ends(shop, session_id)
        assert reason == "invalid_argument: An agent speaks as agent or system"


# Cancelling (I6)


async def test_i6_cancel_before_the_start_drops_the_run() -> None:
    """Taken out for the check: the doomed queue in `running.cancel`."""
    agent = Paced()
    async with workshop({"paced": agent}) as shop:
        session_id = await shop.room.create()
        sent = shop.room.sessions.submit(session_id, say(agent="paced"), USER)
        cancelled = shop.room.sessions.submit(session_id, CancelRun(), USER)
        await sent
        assert await cancelled == Cancelled(True)
        await settled()
        assert agent.attempts == []
        assert shop.room.state(session_id).session_state == "CANCELLED"
        await shop.room.do(session_id, say(agent="paced"))
        agent.go.set()
        await shop.until(session_id, "COMPLETED")


async def test_i6_cancel_in_the_moment_of_the_start_stops_the_agent_before_it_wrote() -> None:
    agent = Paced()
    journal: HookedJournal
    async with workshop({"paced": agent}) as shop:
        assert isinstance(shop.room.store.journal, HookedJournal)
        journal = shop.room.store.journal
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="paced"))
        gate = journal.hold("append")
        await gate.reached.wait()
        cancelled = shop.room.sessions.submit(session_id, CancelRun(), USER)
        gate.open.set()
        assert await cancelled == Cancelled(True)
        await eventually(lambda: shop.runs.active == 0)
        await settled()
        assert shop.room.state(session_id).session_state == "CANCELLED"
        assert shop.room.state(session_id).stream is None
        await shop.room.assert_shown_is_journal(session_id)


@pytest.mark.parametrize("named", [False, True])
async def test_i6_cancel_in_mid_stream_keeps_what_was_said_and_stops_the_agent(named: bool) -> None:
    """Taken out for the check: `task.cancel()` in `_on_committed`."""
    agent = Paced()
    async with workshop({"paced": agent}) as shop:
        session_id = await shop.room.create()
        answer = await shop.room.do(session_id, say(agent="paced"))
        await agent.at_work.wait()
        run_id = answer.run_id if named else None
        assert await shop.room.do(session_id, CancelRun(run_id)) == Cancelled(True)
        await eventually(lambda: shop.runs.active == 0)
        assert isinstance(agent.errors[0], asyncio.CancelledError)
        reply = (await shop.room.messages(session_id))[1]
        assert (reply.content, reply.status) == ("one ", "cancelled")
        assert await ends(shop, session_id) == [("cancelled", "cancelled")]
        await shop.room.assert_shown_is_journal(session_id)


async def test_i6_cancel_stops_an_agent_that_hangs() -> None:
    agent = Hangs()
    async with workshop({"hangs": agent}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="hangs"))
        await agent.at_work.wait()
        await shop.room.do(session_id, CancelRun())
        await eventually(lambda: shop.runs.active == 0)
        assert await ends(shop, session_id) == [("cancelled", "cancelled")]


async def test_i6_cancel_after_the_end_is_fine_and_changes_nothing() -> None:
    async with workshop({"says": Says()}) as shop:
        session_id = await shop.room.create()
        answer = await shop.room.do(session_id, say(agent="says"))
        await shop.until(session_id, "COMPLETED")
        before = shop.room.state(session_id)
        for run_id in (None, answer.run_id, "nobody"):
            assert await shop.room.do(session_id, CancelRun(run_id)) == Cancelled(False)
        assert shop.room.state(session_id) is before


async def test_cancelling_one_that_waits_leaves_the_others() -> None:
    agent = Paced()
    async with workshop({"paced": agent, "says": Says()}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say("one", agent="paced"))
        await agent.at_work.wait()
        waits = await shop.room.do(session_id, say("two", agent="says"))
        await shop.room.do(session_id, say("three", agent="says"))
        await shop.room.do(session_id, CancelRun(waits.run_id))
        agent.go.set()
        await shop.until(session_id, "COMPLETED")
        assert [state for state, _ in await ends(shop, session_id)] == ["completed", "cancelled", "completed"]


async def test_cancelling_the_active_one_by_name_lets_the_next_begin() -> None:
    agent = Paced()
    async with workshop({"paced": agent, "says": Says()}) as shop:
        session_id = await shop.room.create()
        first = await shop.room.do(session_id, say("one", agent="paced"))
        await agent.at_work.wait()
        await shop.room.do(session_id, say("two", agent="says"))
        await shop.room.do(session_id, CancelRun(first.run_id))
        await shop.until(session_id, "COMPLETED")
        assert [state for state, _ in await ends(shop, session_id)] == ["cancelled", "completed"]


async def test_deleting_a_session_stops_its_run() -> None:
    agent = Paced()
    async with workshop({"paced": agent}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="paced"))
        await agent.at_work.wait()
        await shop.room.do(session_id, DeleteSession())
        await eventually(lambda: shop.runs.active == 0)
        assert [event.body.run.reason for event in shop.room.shown if isinstance(event.body, RunFinished)] == [
            "session deleted"
        ]


async def test_deleting_a_session_while_its_run_is_finishing_ends_both_in_silence() -> None:
    unhandled: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    agent = Listens()
    async with workshop({"listens": agent}) as shop:
        assert isinstance(shop.room.store.journal, HookedJournal)
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="listens"))
        await agent.at_work.wait()
        emitting = shop.room.store.journal.hold("append")
        agent.go.set()
        await emitting.reached.wait()
        deleted = shop.room.sessions.submit(session_id, DeleteSession(), USER)
        emitting.open.set()
        await deleted
        await eventually(lambda: shop.runs.active == 0)
        gc.collect()
        assert unhandled == []
        assert shop.room.types(session_id)[-1] == "session.deleted"


@pytest.mark.parametrize("on_busy", ["enqueue", "reject", "interrupt", "steer"])
async def test_a_cancelled_session_takes_the_next_message_whatever_on_busy_says(on_busy: OnBusy) -> None:
    agent = Hangs()
    async with workshop({"hangs": agent, "says": Says()}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="hangs"))
        await agent.at_work.wait()
        await shop.room.do(session_id, CancelRun())
        await shop.room.do(session_id, say(agent="says", on_busy=on_busy))
        await shop.until(session_id, "COMPLETED")


# Many


async def test_two_hundred_sessions_run_at_once() -> None:
    async with workshop({"says": Says()}) as shop:
        ids = await asyncio.gather(*(shop.room.create() for _ in range(200)))
        await asyncio.gather(*(shop.room.do(each, say(agent="says")) for each in ids))
        for each in ids:
            await shop.until(each, "COMPLETED")
        await eventually(lambda: shop.runs.active == 0)


async def test_no_more_than_so_many_run_at_once_and_the_rest_follow() -> None:
    agent = Paced()
    async with workshop({"paced": agent}, runs_max=3) as shop:
        ids = [await shop.room.create() for _ in range(8)]
        for each in ids:
            await shop.room.do(each, say(agent="paced"))
        await settled()
        assert shop.runs.active == 3
        agent.go.set()
        for each in ids:
            await shop.until(each, "COMPLETED")
        assert len(agent.attempts) == 8


async def test_a_place_that_a_cancelled_waiter_leaves_goes_to_the_next() -> None:
    agent = Paced()
    async with workshop({"paced": agent}, runs_max=1) as shop:
        first, second, third = [await shop.room.create() for _ in range(3)]
        for each in (first, second, third):
            await shop.room.do(each, say(agent="paced"))
        await agent.at_work.wait()
        await shop.room.do(second, CancelRun())
        agent.go.set()
        await shop.until(first, "COMPLETED")
        await shop.until(third, "COMPLETED")
        assert shop.room.state(second).session_state == "CANCELLED"


async def test_a_run_that_waits_for_its_user_holds_no_place_and_goes_on_when_answered() -> None:
    """Taken out for the check: `_note_waiting`. Then everybody waits for the one user who does not answer."""
    async with workshop({"asks": Asks()}, runs_max=1) as shop:
        first, second = [await shop.room.create() for _ in range(2)]
        await shop.room.do(first, say(agent="asks"))
        await eventually(lambda: shop.room.state(first).approvals, "the question")
        await shop.room.do(second, say())
        await shop.until(second, "COMPLETED")
        (question,) = shop.room.state(first).approvals
        await shop.room.do(first, ResolveApproval(question.id, "respond", by="ann", answer="blue"))
        await shop.until(first, "COMPLETED")
        assert (await shop.room.messages(first))[-1].content == "blue it is"


async def test_what_waited_for_a_place_begins_when_the_run_before_it_begins_to_wait_for_its_user() -> None:
    """Taken out for the check: `_offer_places` in `_note_waiting`."""
    asks = Asks()
    asks.go.clear()
    async with workshop({"asks": asks}, runs_max=1) as shop:
        first, second = [await shop.room.create() for _ in range(2)]
        await shop.room.do(first, say(agent="asks"))
        await shop.room.do(second, say())
        await settled()
        assert shop.room.state(second).queue
        asks.go.set()
        await shop.until(second, "COMPLETED")
        assert shop.room.state(first).approvals


# Draining


async def test_draining_stops_the_agents_ends_no_run_and_releases_the_leases() -> None:
    agent = Paced()
    async with workshop({"paced": agent}) as shop:
        assert isinstance(shop.room.store.journal, HookedJournal)
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="paced"))
        await agent.at_work.wait()
        assert await shop.room.store.leases.orphans(shop.time.clock()) == ()
        await shop.runs.drain()
        assert shop.runs.active == 0
        assert shop.room.state(session_id).session_state == "RUNNING"
        assert await shop.room.store.leases.orphans(shop.time.clock()) == (session_id,)


async def test_while_draining_no_run_begins_but_messages_are_kept() -> None:
    async with workshop({"says": Says()}) as shop:
        session_id = await shop.room.create()
        await shop.runs.drain()
        await shop.room.do(session_id, say(agent="says"))
        await settled()
        assert [state for state, _ in await ends(shop, session_id)] == ["queued"]


async def test_an_agent_that_does_not_stop_holds_up_the_drain_no_longer_than_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs_module, "DRAIN_S", 0.05)
    release = asyncio.Event()
    at_work = asyncio.Event()

    class Stubborn:
        async def run(self, ctx: RunContext) -> None:
            at_work.set()
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

    async with workshop({"stubborn": Stubborn()}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="stubborn"))
        await at_work.wait()
        async with asyncio.timeout(HANG_S):
            await shop.runs.drain()
        assert shop.runs.active == 1
        release.set()
        await eventually(lambda: shop.runs.active == 0)


async def test_leases_are_renewed_while_a_run_is_at_work() -> None:
    agent = Paced()
    async with workshop({"paced": agent}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="paced"))
        await agent.at_work.wait()
        for _ in range(12):
            await shop.time.advance(10)
        assert await shop.room.store.leases.orphans(shop.time.clock()) == ()
        assert agent.attempts == [1]
        agent.go.set()
        await shop.until(session_id, "COMPLETED")
