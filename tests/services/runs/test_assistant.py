"""The built-in agent with the scripted provider: replies, retries, refusals, and what the model is sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from world import Workshop, eventually, no_sleep, say, workshop

from models.clock import SYSTEM_CLOCK
from models.commands import CancelRun, RetryRun, SetModel
from models.errors import ProviderUnavailable
from models.ids import EpochMs, iso
from models.messages import Message
from models.payloads import StreamingResponsePayload
from models.runs import OnBusy
from models.states import AwaitingLLM
from models.usage import Usage
from services.llm.registry import Providers
from services.llm.scripted import Break, Finish, Mark, Pause, Refuse, Say, Script, ScriptedProvider, Turns, Unavailable
from services.runs.agents import Agents
from services.runs.assistant import BACKOFF, RETRY_AFTER_MAX_S, TRIES, Assistant, _wait_s

WELL: Script = (Say("all "), Say("is "), Say("well"), Finish("stop", Usage(input_tokens=5, output_tokens=3)))


def playing(*turns: Script) -> ScriptedProvider:
    return ScriptedProvider({"test": Turns(*turns)}, sleep=no_sleep)


async def reply_to(shop: Workshop, *states: str) -> tuple[str, list[Message]]:
    session_id = await shop.room.create(model="scripted:test")
    await shop.room.do(session_id, say("how is it?"))
    await shop.until(session_id, *states)
    return session_id, [m for m in await shop.room.messages(session_id) if m.role == "agent"]


async def reason(shop: Workshop, session_id: str) -> str | None:
    return (await shop.room.runs(session_id))[-1].reason


async def test_it_asks_the_sessions_model_and_streams_the_reply() -> None:
    async with workshop(provider=playing(WELL)) as shop:
        session_id, (reply,) = await reply_to(shop, "COMPLETED")
        assert (reply.content, reply.status, reply.author) == ("all is well", "complete", "assistant")
        assert isinstance(reply.payload, StreamingResponsePayload)
        assert (reply.payload.model, reply.payload.finish_reason) == ("scripted:test", "stop")
        assert reply.payload.usage == Usage(input_tokens=5, output_tokens=3)
        (request,) = shop.provider.requests
        assert [(m.role, m.content) for m in request.messages] == [("user", "how is it?")]
        assert "context.state_changed" in shop.room.types(session_id)
        assert shop.provider.open_streams == 0


async def test_the_next_request_has_the_whole_talk() -> None:
    async with workshop(provider=playing(WELL, WELL)) as shop:
        session_id, _ = await reply_to(shop, "COMPLETED")
        await shop.room.do(session_id, say("still?"))
        await eventually(lambda: len(shop.provider.requests) == 2)
        await shop.until(session_id, "COMPLETED")
        assert [m.content for m in shop.provider.requests[1].messages] == ["how is it?", "all is well", "still?"]


@pytest.mark.parametrize("wanted", [None, 300, 10**9])
async def test_an_endpoint_that_is_unavailable_is_asked_again_and_leaves_no_message_behind(wanted: int | None) -> None:
    async with workshop(provider=playing((Unavailable(wanted),), WELL)) as shop:
        _, replies = await reply_to(shop, "COMPLETED")
        assert [reply.content for reply in replies] == ["all is well"]
        expected = BACKOFF.base_s if wanted is None else min(wanted / 1000, RETRY_AFTER_MAX_S)
        assert shop.waits == [expected]


async def test_a_stream_that_breaks_is_closed_with_its_error_and_asked_for_again() -> None:
    async with workshop(provider=playing((Say("half "), Break("cut")), WELL)) as shop:
        _, (broken, whole) = await reply_to(shop, "COMPLETED")
        assert (broken.content, broken.status) == ("half ", "error")
        assert isinstance(broken.payload, StreamingResponsePayload)
        assert broken.payload.finish_reason == "error: cut"
        assert whole.content == "all is well"
        assert [m.content for m in shop.provider.requests[1].messages] == ["how is it?"], "the half is not sent again"


async def test_it_gives_up_after_so_many_tries_with_the_last_reason() -> None:
    async with workshop(provider=playing(*[(Break("cut"),)] * TRIES, WELL)) as shop:
        session_id, replies = await reply_to(shop, "FAILED")
        (trace,) = replies
        assert isinstance(trace.payload, StreamingResponsePayload)
        assert (trace.content, trace.status, trace.payload.finish_reason) == ("", "error", "error: cut")
        assert len(shop.provider.requests) == TRIES
        assert shop.waits == [BACKOFF.bound_s(failures) for failures in range(1, TRIES)]
        assert await reason(shop, session_id) == "provider_broken: cut"
        assert shop.room.state(session_id).state.name == "error"


async def test_a_refusal_is_final_and_a_new_message_goes_on() -> None:
    async with workshop(provider=playing((Refuse("bad key"),), WELL)) as shop:
        session_id, _ = await reply_to(shop, "FAILED")
        told = await reason(shop, session_id)
        assert told is not None
        assert told.endswith(": bad key")
        assert shop.waits == []
        await shop.room.do(session_id, say("again"))
        await shop.until(session_id, "COMPLETED")


async def test_what_steers_is_in_the_next_request_of_the_same_run() -> None:
    asked, go = asyncio.Event(), asyncio.Event()
    async with workshop(provider=playing((Mark(asked), Pause(go), Say("one")), (Say("two"),))) as shop:
        session_id = await shop.room.create(model="scripted:test")
        await shop.room.do(session_id, say("first"))
        await asked.wait()
        await shop.room.do(session_id, say("and second", on_busy="steer"))
        go.set()
        await shop.until(session_id, "COMPLETED")
        sent = [[m.content for m in request.messages] for request in shop.provider.requests]
        assert sent == [["first"], ["first", "and second", "one"]]
        assert len(await shop.room.runs(session_id)) == 1


@pytest.mark.parametrize(("on_busy", "asked_for"), [("enqueue", ["a", "b"]), ("interrupt", ["a", "b"])])
async def test_the_next_request_begins_when_the_first_has_ended_or_was_stopped(
    on_busy: OnBusy, asked_for: list[str]
) -> None:
    asked, go = asyncio.Event(), asyncio.Event()
    async with workshop(provider=playing((Mark(asked), Pause(go), Say("one")), (Say("two"),))) as shop:
        session_id = await shop.room.create(model="scripted:test")
        await shop.room.do(session_id, say("a"))
        await asked.wait()
        await shop.room.do(session_id, say("b", on_busy=on_busy))
        if on_busy == "enqueue":
            assert len(shop.provider.requests) == 1
            go.set()
        await shop.until(session_id, "COMPLETED")
        assert [request.last_user_text for request in shop.provider.requests] == asked_for
        assert shop.provider.open_streams == 0


async def test_a_model_that_is_gone_fails_the_run_and_another_can_be_chosen() -> None:
    async with workshop(provider=playing(WELL)) as shop:
        session_id = await shop.room.create(model="openai:gone")
        await shop.room.do(session_id, say())
        await shop.until(session_id, "FAILED")
        told = await reason(shop, session_id)
        assert told is not None
        assert told.startswith("unknown_model")
        await shop.room.do(session_id, SetModel("scripted:test"))
        await shop.room.do(session_id, say())
        await shop.until(session_id, "COMPLETED")


async def test_a_reply_that_breaks_after_its_first_word_is_asked_for_once_more_and_no_more() -> None:
    """However it goes on, nobody reads the same beginning over and over."""
    half: Script = (Say("half "), Break("cut"))
    async with workshop(provider=playing(half, (Unavailable(),), half, WELL)) as shop:
        session_id, replies = await reply_to(shop, "FAILED")
        assert [(reply.content, reply.status) for reply in replies] == [("half ", "error")] * 2
        assert len(shop.provider.requests) == 3
        assert await reason(shop, session_id) == "provider_broken: cut"


async def test_a_model_that_is_gone_leaves_a_trace_in_the_transcript() -> None:
    async with workshop(provider=playing(WELL)) as shop:
        session_id = await shop.room.create(model="openai:gone")
        await shop.room.do(session_id, say())
        await shop.until(session_id, "FAILED")
        trace = (await shop.room.messages(session_id))[-1]
        assert isinstance(trace.payload, StreamingResponsePayload)
        assert (trace.status, trace.payload.model) == ("error", "openai:gone")
        assert "openai:gone" in (trace.payload.finish_reason or "")


class Waiting:
    """A workshop whose model asks to wait for an hour; `begun` is set when the run does."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.over = asyncio.Event()
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.begun.set()
        await self.over.wait()

    async def in_session(self, shop: Workshop) -> str:
        shop.runs._agents = Agents(
            {"assistant": Assistant(Providers(SYSTEM_CLOCK, scripted=shop.provider), sleep=self.sleep)}
        )
        session_id = await shop.room.create(model="scripted:test")
        await shop.room.do(session_id, say("how is it?"))
        await self.begun.wait()
        return session_id


HOUR_MS = 3_600_000


async def test_who_waits_for_an_endpoint_says_until_when_and_why() -> None:
    waiting = Waiting()
    async with workshop(provider=playing((Unavailable(HOUR_MS),), WELL)) as shop:
        session_id = await waiting.in_session(shop)
        state = shop.room.state(session_id).state
        assert isinstance(state, AwaitingLLM)
        assert state.retry_at_utc == iso(EpochMs(shop.room.sessions.clock() + HOUR_MS))
        assert state.reason
        assert waiting.waits == [3_600.0]
        waiting.over.set()
        await shop.until(session_id, "COMPLETED")


async def test_another_model_ends_the_wait_at_once() -> None:
    waiting = Waiting()
    async with workshop(provider=playing((Unavailable(HOUR_MS),))) as shop:
        shop.provider.register("other", WELL)
        session_id = await waiting.in_session(shop)
        await shop.room.do(session_id, SetModel("scripted:other"))
        await shop.until(session_id, "COMPLETED")
        assert (await shop.room.messages(session_id))[-1].content == "all is well"


async def test_trying_again_ends_the_wait_of_the_same_run() -> None:
    waiting = Waiting()
    async with workshop(provider=playing((Unavailable(HOUR_MS),), WELL)) as shop:
        session_id = await waiting.in_session(shop)
        (run,) = await shop.room.runs(session_id)
        sent = await shop.room.do(session_id, RetryRun("r2", run.message_id, "assistant", "resume"))
        assert sent.run_id == run.id
        await shop.until(session_id, "COMPLETED")
        assert len(await shop.room.runs(session_id)) == 1


async def test_who_waits_for_an_endpoint_holds_no_place_among_the_runs_at_work() -> None:
    """Taken out: the look at the state in _note_waiting. Then one busy endpoint holds up everybody for an hour."""
    waiting = Waiting()
    async with workshop(provider=playing((Unavailable(HOUR_MS),), WELL, WELL), runs_max=1) as shop:
        first = await waiting.in_session(shop)
        second = await shop.room.create(model="scripted:test")
        await shop.room.do(second, say("and I?"))
        await shop.until(second, "COMPLETED")
        assert shop.room.state(first).session_state == "RUNNING"
        waiting.over.set()
        await shop.until(first, "COMPLETED")


async def test_cancelling_ends_the_wait() -> None:
    waiting = Waiting()
    async with workshop(provider=playing((Unavailable(HOUR_MS),))) as shop:
        session_id = await waiting.in_session(shop)
        await shop.room.do(session_id, CancelRun())
        await eventually(lambda: shop.runs.active == 0)
        assert shop.room.state(session_id).state.name == "active"


async def test_cancelling_in_mid_stream_closes_the_request_to_the_model() -> None:
    said, never = asyncio.Event(), asyncio.Event()
    async with workshop(provider=playing((Say("half"), Mark(said), Pause(never)))) as shop:
        session_id = await shop.room.create(model="scripted:test")
        await shop.room.do(session_id, say())
        await said.wait()
        await shop.room.do(session_id, CancelRun())
        await eventually(lambda: shop.provider.open_streams == 0, "the request's end")
        assert [m.content for m in await shop.room.messages(session_id)] == ["hello", "half"]


async def test_cancelling_while_the_model_is_silent_closes_the_request_too() -> None:
    asked, never = asyncio.Event(), asyncio.Event()
    async with workshop(provider=playing((Mark(asked), Pause(never)))) as shop:
        session_id = await shop.room.create(model="scripted:test")
        await shop.room.do(session_id, say())
        await asked.wait()
        assert shop.room.state(session_id).state.name == "awaiting_llm"
        await shop.room.do(session_id, CancelRun())
        await eventually(lambda: shop.provider.open_streams == 0)
        assert [m.content for m in await shop.room.messages(session_id)] == ["hello"]
        assert shop.room.state(session_id).state.name == "active"


async def test_i9_a_talk_that_outgrows_the_window_is_cut_at_its_beginning() -> None:
    async with workshop(provider=playing((Say("ok"), Finish()), (Say("ok"), Finish()))) as shop:
        session_id = await shop.room.create(model="scripted:test")
        await shop.room.do(session_id, say("old news " * 60_000))
        await shop.until(session_id, "COMPLETED")
        await shop.room.do(session_id, say("new news " * 40_000))
        await eventually(lambda: len(shop.provider.requests) == 2)
        await shop.until(session_id, "COMPLETED")
        sent = "".join(m.content for m in shop.provider.requests[1].messages)
        assert "old news" not in sent
        assert sent.count("new news") > 10_000


def test_the_wait_grows_and_the_endpoints_wish_wins_within_reason() -> None:
    steady = replace(BACKOFF, chance=lambda: 1.0)
    assert [_wait_s(ProviderUnavailable(), failures, steady) for failures in range(1, 6)] == [2, 4, 8, 16, 16]
    assert _wait_s(ProviderUnavailable(retry_after_ms=1_500), 1, steady) == 1.5
    assert _wait_s(ProviderUnavailable(retry_after_ms="soon"), 1, steady) == 2.0
