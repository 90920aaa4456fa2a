"""The tool loop as a table, case → end state: whatever a model writes, the run ends in a state that says what is going
on, every call has its result, and nothing is left open."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from world import Workshop, eventually, hooked_store, no_sleep, say

from models.approvals import ApprovalDecision
from models.commands import CancelRun, ResolveApproval, SetMode
from models.messages import Message
from models.payloads import StreamingResponsePayload, ToolRequestPayload, ToolResultPayload
from models.states import AwaitingUser
from models.usage import Usage
from services.engine.policy import LIMITED_DEPTH, ApprovalPolicy
from services.llm.provider import Finished, ModelEvent, ModelRequest, TextDelta, ToolCallReady, ToolResultPart
from services.llm.scripted import (
    Break,
    CallTool,
    Finish,
    Refuse,
    Say,
    Script,
    ScriptedProvider,
    ScriptSource,
    ScriptStep,
    Turns,
    Unavailable,
)
from services.runs.assistant import REQUESTS_MAX, SAME_ERROR_MAX, SAME_RESULT_MAX, TRIES
from services.runs.toolbox import Toolbox
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.results import BUDGET_TOKENS, fits, read_result
from services.tools.tool import Tool, ToolOutput, tool

WELL: Script = (Say("All "), Say("is well."), Finish("stop", Usage(input_tokens=5, output_tokens=3)))
LONG = "\n".join(f"line {number} of a long result" for number in range(12_000))


@dataclass
class Bench:
    """The tools of these tests, and what they really did."""

    done: list[str] = field(default_factory=list)
    slow: asyncio.Event = field(default_factory=asyncio.Event)

    def tools(self) -> tuple[Tool, ...]:
        @tool(risk="read_only")
        async def look(where: str) -> str:
            """Looks somewhere."""
            self.done.append(f"look {where}")
            if where == "far":
                await self.slow.wait()
            if where == "near":
                self.slow.set()
            return "saw it"

        @tool(risk="read_only")
        async def count(n: int) -> str:
            """Counts."""
            return f"counted {n}"

        @tool(risk="read_only")
        async def stumble(over: str) -> str:
            """Always fails."""
            raise ValueError("a stone")

        @tool(risk="read_only")
        async def check(what: str) -> ToolOutput:
            """Fails as a command does: it says so in its output."""
            self.done.append(f"check {what}")
            left = 9 - len(self.done) if what == "all" else 9
            return ToolOutput(f"{left} failed\n[exit code 1]", status="error")

        @tool(risk="read_only", timeout_s=0.01)
        async def dream() -> str:
            """Never ends."""
            await asyncio.Event().wait()
            return ""

        @tool(risk="read_only")
        async def tell() -> str:
            """Says a lot."""
            return LONG

        @tool(risk="unsafe")
        async def smash(what: str) -> str:
            """Smashes something."""
            self.done.append(f"smash {what}")
            return f"smashed {what}"

        @tool(risk="read_only", policy="off")
        async def spy() -> str:
            """Switched off."""
            return ""

        @tool(risk="read_only", modes=("act",))
        async def report() -> str:
            """Reads, but is for act mode alone."""
            return "reported"

        return look, count, stumble, check, dream, tell, smash, spy, report, read_result


class Loop:
    """A session whose model plays a script, with the bench's tools at hand."""

    def __init__(self, shop: Workshop, session_id: str, bench: Bench) -> None:
        self.shop = shop
        self.session_id = session_id
        self.bench = bench

    async def say(self, text: str = "go") -> None:
        await self.shop.room.do(self.session_id, say(text))

    async def ends(self, state: str = "COMPLETED") -> list[Message]:
        """The messages once the session is in that state; nothing may be open then."""
        await self.shop.until(self.session_id, state)
        context = self.shop.room.state(self.session_id)
        assert (context.request, context.approvals, context.stream, context.run) == (None, (), None, None)
        assert context.state.name == ("error" if state == "FAILED" else "active")
        await self.shop.room.assert_shown_is_journal(self.session_id)
        return list(await self.shop.room.messages(self.session_id))

    async def waits(self) -> AwaitingUser:
        def asked() -> bool:
            return isinstance(self.shop.room.state(self.session_id).state, AwaitingUser)

        await eventually(asked, "a question")
        state = self.shop.room.state(self.session_id).state
        assert isinstance(state, AwaitingUser)
        return state

    async def answer(self, decision: ApprovalDecision, text: str | None = None) -> None:
        approval = self.shop.room.state(self.session_id).approvals[0]
        await self.shop.room.do(self.session_id, ResolveApproval(approval.id, decision, "ann", answer=text))

    async def asked_again(self, requests: int) -> None:
        await eventually(lambda: len(self.requests) > requests, "the next request to the model")

    async def reason(self) -> str:
        return (await self.shop.room.runs(self.session_id))[-1].reason or ""

    @property
    def requests(self) -> list[ModelRequest]:
        return list(self.shop.provider.requests)


@asynccontextmanager
async def loop(
    source: ScriptSource, *, policy: ApprovalPolicy = "auto", provider: type[ScriptedProvider] = ScriptedProvider
) -> AsyncIterator[Loop]:
    (store, _), bench = hooked_store(), Bench()
    registry = ToolRegistry(bench.tools())
    toolbox = Toolbox(registry, ToolExecutor(registry), policy=policy)
    played = provider({"test": source}, sleep=no_sleep)
    inbox = await store.projects.inbox()
    shop = Workshop(store, inbox.id, provider=played, toolbox=toolbox)
    await shop.runs.start()
    try:
        yield Loop(shop, await shop.room.create(title="t", model="scripted:test"), bench)
    finally:
        await shop.stop()


def results(messages: list[Message]) -> list[tuple[str, str]]:
    """(status, what the model reads) of every result."""
    payloads = [message.payload for message in messages if message.kind == "tool_result"]
    return [(each.status, each.output or each.error or "") for each in payloads if isinstance(each, ToolResultPayload)]


def read(request: ModelRequest) -> list[ToolResultPart]:
    return [part for message in request.messages for part in message.results]


# What the model wrote is wrong
@pytest.mark.parametrize(
    ("call", "status", "told"),
    [
        (CallTool("look", '{"where": '), "error", "not valid JSON"),
        (CallTool("look", "nonsense"), "error", "not valid JSON"),
        (CallTool("look", "[1]"), "error", "no JSON object"),
        (CallTool("look", ""), "error", "where"),
        (CallTool("look", {"where": {"not": "text"}}), "error", "where"),
        (CallTool("look", {"wherever": "here"}), "error", "where"),
        (CallTool("count", {"n": "many"}), "error", "n"),
        (CallTool("nothing_of_the_kind"), "error", "There is no tool “nothing_of_the_kind”"),
        (CallTool("spy"), "error", "off"),
        (CallTool("stumble", {"over": "it"}), "error", "ValueError: a stone"),
        (CallTool("dream"), "timeout", "Took longer"),
        (CallTool("look", {"where": "here"}), "ok", "saw it"),
    ],
)
async def test_a_call_that_fails_is_a_result_that_the_model_can_mend(call: CallTool, status: str, told: str) -> None:
    async with loop(Turns((call,), WELL)) as it:
        await it.say()
        messages = await it.ends()
        [(found, text)] = results(messages)
        assert found == status
        assert told in text
        assert messages[-1].content == "All is well."
        [part] = read(it.requests[1])
        assert told in part.output
        assert part.is_error == (status != "ok")


async def test_broken_arguments_are_kept_as_they_were_written() -> None:
    async with loop(Turns((CallTool("look", '{"where": '),), WELL)) as it:
        await it.say()
        messages = await it.ends()
        payload = messages[1].payload
        assert payload is not None
        assert payload.kind == "tool_request"
        assert payload.calls[0].raw_arguments == '{"where": '
        assert it.bench.done == []


# Replies that are no ordinary ones
@pytest.mark.parametrize(
    ("script", "content", "reason"),
    [
        ((Say("I won't."), Finish("refusal")), "I won't.", "refusal"),
        ((Say("half a"), Finish("content_filter")), "half a", "content_filter"),
        ((Say("half a"), Finish("length")), "half a", "length"),
    ],
)
async def test_a_reply_that_is_cut_ends_the_run_and_says_why(script: Script, content: str, reason: str) -> None:
    async with loop(script) as it:
        await it.say()
        reply = (await it.ends())[-1]
        assert isinstance(reply.payload, StreamingResponsePayload)
        assert (reply.content, reply.status, reply.payload.finish_reason) == (content, "complete", reason)


@pytest.mark.parametrize(
    ("script", "words", "requests"),
    [
        ((Finish("stop"),), "no words", TRIES),
        ((), "no words", TRIES),
        ((Say("\n"), Say(" "), Finish("stop")), "no words", TRIES),
        ((Finish("length"),), "limit of tokens", 1),
        ((Finish("content_filter"),), "content filter", 1),
        ((Finish("refusal"),), "refused", 1),
    ],
)
async def test_a_reply_without_words_is_a_failure_that_stands_in_the_transcript(
    script: Script, words: str, requests: int
) -> None:
    async with loop(script) as it:
        await it.say()
        (_, trace) = await it.ends("FAILED")
        assert isinstance(trace.payload, StreamingResponsePayload)
        assert (trace.content, trace.status) == ("", "error")
        assert words in (trace.payload.finish_reason or "")
        assert words in await it.reason()
        assert len(it.requests) == requests


async def test_behind_tools_a_reply_without_words_says_that_nothing_is_left_to_say() -> None:
    async with loop(Turns((CallTool("look", {"where": "here"}, "c1"),), (Finish("stop"),))) as it:
        await it.say()
        messages = await it.ends()
        assert [m.kind for m in messages] == ["text", "tool_request", "tool_result"]


@pytest.mark.parametrize("said", [(), (Say("I look. "),)])
@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_call_of_a_reply_that_was_cut_is_never_carried_out_and_the_model_is_told(
    said: Script, reason: str
) -> None:
    cut = (*said, CallTool("look", {"where": "here"}, "c1"), Finish(reason))
    async with loop(Turns(cut, WELL)) as it:
        await it.say()
        messages = await it.ends()
        assert it.bench.done == []
        (result,) = (m.payload for m in messages if isinstance(m.payload, ToolResultPayload))
        assert result.status == "error"
        told = next(part for m in it.requests[1].messages for part in m.parts if isinstance(part, ToolResultPart))
        assert "your reply was cut off" in told.output


async def test_usage_that_is_missing_harms_nothing() -> None:
    async with loop(Turns((Say("a"), Finish("stop", None)), WELL)) as it:
        await it.say()
        reply = (await it.ends())[-1]
        assert isinstance(reply.payload, StreamingResponsePayload)
        assert reply.payload.usage is None
        await it.say("more")
        await eventually(lambda: len(it.requests) == 2)
        await it.ends()
        assert it.shop.room.state(it.session_id).usage == Usage(input_tokens=5, output_tokens=3)


async def test_what_replies_without_words_cost_is_kept_and_counted() -> None:
    """One that only calls, one with nothing left to say behind tools, and those that are failures."""
    cost = Usage(input_tokens=10, output_tokens=2)
    calling = (CallTool("look", {"where": "here"}), Finish("tool_calls", cost))
    async with loop(Turns(calling, (Finish("stop", cost),), (Finish("refusal", cost),))) as it:
        await it.say()
        messages = await it.ends()
        assert it.shop.room.state(it.session_id).usage == Usage(input_tokens=20, output_tokens=4)
        request = messages[1].payload
        assert isinstance(request, ToolRequestPayload)
        assert (request.model, request.usage) == ("scripted:test", cost)
        await it.say("more")
        await eventually(lambda: len(it.requests) == 3)
        await it.ends("FAILED")
        assert it.shop.room.state(it.session_id).usage == Usage(input_tokens=30, output_tokens=6)
        assert (await it.shop.room.store.reads.snapshot(it.session_id)).usage.input_tokens == 30


async def test_a_reply_with_words_and_calls_is_counted_once() -> None:
    cost = Usage(input_tokens=10, output_tokens=2)
    calling = (Say("I look."), CallTool("look", {"where": "here"}), Finish("tool_calls", cost))
    async with loop(Turns(calling, WELL)) as it:
        await it.say()
        await it.ends()
        assert it.shop.room.state(it.session_id).usage == Usage(input_tokens=15, output_tokens=5)


async def test_a_request_that_is_refused_after_tools_fails_with_its_reason_and_leaves_their_results() -> None:
    async with loop(Turns((CallTool("look", {"where": "here"}),), (Refuse("no more"),))) as it:
        await it.say()
        messages = await it.ends("FAILED")
        assert results(messages) == [("ok", "saw it")]
        assert (await it.reason()).endswith("no more")


# A stream that dies
CALLING: tuple[ScriptStep, ...] = (
    Say("I look "),
    Say("around."),
    CallTool("look", {"where": "here"}, "c1"),
    CallTool("look", {"where": "there"}, "c2"),
    Finish("tool_calls"),
)


@pytest.mark.parametrize("position", range(len(CALLING)))
async def test_a_stream_that_dies_is_asked_for_again_wherever_it_died(position: int) -> None:
    """No call of a broken reply is carried out: each tool has run once."""
    async with loop(Turns((*CALLING[:position], Break("cut")), CALLING, WELL)) as it:
        await it.say()
        messages = await it.ends()
        whole = [(m.kind, m.content) for m in messages if m.status == "complete"]
        assert whole == [
            ("text", "go"),
            ("streaming_response", "I look around."),
            ("tool_request", "look, look"),
            ("tool_result", "saw it"),
            ("tool_result", "saw it"),
            ("streaming_response", "All is well."),
        ]
        assert sorted(it.bench.done) == ["look here", "look there"]
        broken = [m.content for m in messages if m.status == "error"]
        assert broken == (["I look around."[: 7 if position == 1 else None]] if position else [])
        assert len(it.requests) == 3


@pytest.mark.parametrize("position", range(len(CALLING)))
async def test_a_stream_that_always_dies_fails_the_run_and_leaves_nothing_open(position: int) -> None:
    async with loop((*CALLING[:position], Break("cut"))) as it:
        await it.say()
        messages = await it.ends("FAILED")
        assert await it.reason() == "provider_broken: cut"
        assert it.bench.done == []
        assert [m.status for m in messages[1:]] == ["error"] * (2 if position else 1)
        assert len(it.requests) == (2 if position else TRIES)


async def test_an_endpoint_that_is_away_between_two_rounds_is_waited_for() -> None:
    rounds: tuple[Script, ...] = (
        (Unavailable(),),
        (CallTool("look", {"where": "here"}),),
        (Unavailable(200),),
        (Unavailable(200),),
        WELL,
    )
    async with loop(Turns(*rounds)) as it:
        await it.say()
        messages = await it.ends()
        assert results(messages) == [("ok", "saw it")]
        assert it.bench.done == ["look here"]
        assert len(it.shop.waits) == 3


# Many calls
async def test_two_calls_with_one_id_both_run_and_are_told_apart() -> None:
    calls = (CallTool("look", {"where": "here"}, "same"), CallTool("count", {"n": 2}, "same"))
    async with loop(Turns(calls, WELL)) as it:
        await it.say()
        assert results(await it.ends()) == [("ok", "saw it"), ("ok", "counted 2")]
        assert len({part.call_id for part in read(it.requests[1])}) == 2


async def test_an_id_of_an_earlier_round_may_come_again() -> None:
    async with loop(Turns((CallTool("count", {"n": 1}, "c"),), (CallTool("count", {"n": 2}, "c"),), WELL)) as it:
        await it.say()
        assert results(await it.ends()) == [("ok", "counted 1"), ("ok", "counted 2")]
        assert [part.output for part in read(it.requests[2])] == ["counted 1", "counted 2"]


class Repeats(ScriptedProvider):
    """A provider that breaks its word: two calls of one reply have the same id."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        yield TextDelta("twice")
        yield ToolCallReady("same", "look", '{"where": "here"}')
        yield ToolCallReady("same", "look", '{"where": "there"}')
        yield Finished("tool_calls", None)


async def test_a_provider_that_repeats_an_id_fails_the_run_before_anything_is_done() -> None:
    async with loop(WELL, provider=Repeats) as it:
        await it.say()
        await it.ends("FAILED")
        assert (await it.reason()).startswith("illegal_transition")
        assert it.bench.done == []


async def test_calls_run_side_by_side_and_their_results_are_sent_in_the_order_of_the_calls() -> None:
    """The first can only end once the second is at work: one after the other, they would wait for ever."""
    calls = (
        CallTool("look", {"where": "far"}, "c1"),
        CallTool("look", {"where": "near"}, "c2"),
        CallTool("count", {"n": 3}, "c3"),
    )
    async with loop(Turns(calls, WELL)) as it:
        await it.say()
        await it.ends()
        assert [part.call_id for part in read(it.requests[1])] == ["c1", "c2", "c3"]


async def test_one_that_fails_and_one_that_times_out_do_not_hold_up_the_others() -> None:
    calls = (CallTool("stumble", {"over": "it"}, "c1"), CallTool("dream", {}, "c2"), CallTool("count", {"n": 3}, "c3"))
    async with loop(Turns(calls, WELL)) as it:
        await it.say()
        assert sorted(status for status, _ in results(await it.ends())) == ["error", "ok", "timeout"]
        assert [part.is_error for part in read(it.requests[1])] == [True, True, False]


async def test_cancelling_while_tools_work_stops_them_and_gives_each_a_result() -> None:
    async with loop(Turns((CallTool("look", {"where": "far"}, "c1"), CallTool("count", {"n": 1}, "c2")), WELL)) as it:
        await it.say()
        await eventually(lambda: it.bench.done == ["look far"], "the tool at work")
        await it.shop.room.do(it.session_id, CancelRun())
        messages = await it.ends("CANCELLED")
        assert sorted(status for status, _ in results(messages)) in (["cancelled", "cancelled"], ["cancelled", "ok"])


# Limits
def counting(request: ModelRequest) -> Script:
    """A model that always wants one call more, each time another."""
    return (CallTool("count", {"n": len(read(request))}),)


async def test_endless_calls_end_in_a_question_and_go_on_when_the_user_says_so() -> None:
    async with loop(counting) as it:
        await it.say()
        assert (await it.waits()).reason == "limit"
        assert len(it.requests) == REQUESTS_MAX
        await it.answer("respond", "go on")
        await it.asked_again(REQUESTS_MAX)
        await it.shop.room.do(it.session_id, CancelRun())
        await it.ends("CANCELLED")


async def test_who_went_on_once_is_asked_again_at_the_next_limit() -> None:
    numbers = itertools.count()
    async with loop(lambda _: (CallTool("count", {"n": next(numbers)}),)) as it:
        await it.say()
        for rounds in (1, 2, 3):
            assert (await it.waits()).reason == "limit"
            assert len(it.requests) == rounds * REQUESTS_MAX
            await it.answer("respond", "go on")
            await it.asked_again(rounds * REQUESTS_MAX)
        await it.shop.room.do(it.session_id, CancelRun())
        await it.ends("CANCELLED")


async def test_who_declines_to_go_on_ends_the_run_without_a_failure() -> None:
    async with loop(counting) as it:
        await it.say()
        await it.waits()
        await it.answer("deny", "enough")
        await it.ends("COMPLETED")
        assert len(it.requests) == REQUESTS_MAX


async def test_a_message_answers_the_limit_and_reaches_the_model() -> None:
    def heeds(request: ModelRequest) -> Script:
        return WELL if request.last_user_text == "stop it" else counting(request)

    async with loop(heeds) as it:
        await it.say()
        await it.waits()
        await it.say("stop it")
        assert (await it.ends())[-1].content == "All is well."
        assert len(await it.shop.room.runs(it.session_id)) == 1


async def test_what_is_responded_to_a_limit_reaches_the_model_behind_its_question() -> None:
    """Taken out: the message that resolve writes. Then the model goes on as if nobody had said anything."""

    def heeds(request: ModelRequest) -> Script:
        return WELL if request.last_user_text == "look in the cellar" else counting(request)

    async with loop(heeds) as it:
        await it.say()
        await it.waits()
        (approval,) = it.shop.room.state(it.session_id).approvals
        await it.answer("respond", "look in the cellar")
        messages = await it.ends()
        assert messages[-1].content == "All is well."
        (said,) = (m for m in messages if m.content == "look in the cellar")
        assert (said.role, said.author, said.metadata.answers) == ("user", "ann", approval.question)
        asked, answered = it.requests[-1].messages[-2:]
        assert (asked.role, asked.content) == ("assistant", approval.question)
        assert (answered.role, answered.content) == ("user", "look in the cellar")
        assert len(await it.shop.room.runs(it.session_id)) == 1


@pytest.mark.parametrize(
    ("call", "times"),
    [
        (CallTool("look", {"where": "here"}), SAME_RESULT_MAX),
        (CallTool("stumble", {"over": "it"}), SAME_ERROR_MAX),
        (CallTool("check", {"what": "one"}), SAME_ERROR_MAX),
        (CallTool("look", "{broken"), SAME_ERROR_MAX),
        (CallTool("nothing_of_the_kind"), SAME_ERROR_MAX),
    ],
)
async def test_going_in_circles_ends_in_a_question(call: CallTool, times: int) -> None:
    async with loop((call,)) as it:
        await it.say()
        assert (await it.waits()).reason == "limit"
        assert len(it.requests) == times
        await it.answer("deny")
        await it.ends()


async def test_the_same_call_with_other_results_or_arguments_is_no_circle() -> None:
    def walk(request: ModelRequest) -> Script:
        seen = len(read(request))
        return WELL if seen == 2 * SAME_RESULT_MAX else (CallTool("look", {"where": f"room {seen}"}),)

    async with loop(walk) as it:
        await it.say()
        await it.ends()
        assert len(it.bench.done) == 2 * SAME_RESULT_MAX


async def test_a_command_that_fails_in_another_way_each_time_is_no_circle() -> None:
    """Taken out: the output in the digest of a failure. Then the third red run of the tests ends in a question."""

    def mend(request: ModelRequest) -> Script:
        return WELL if len(read(request)) == 2 * SAME_ERROR_MAX else (CallTool("check", {"what": "all"}),)

    async with loop(mend) as it:
        await it.say()
        await it.ends()
        assert len(it.bench.done) == 2 * SAME_ERROR_MAX


async def test_limited_depth_asks_after_so_many_rounds() -> None:
    async with loop(counting, policy="limited") as it:
        await it.say()
        assert (await it.waits()).reason == "tool"
        assert len(it.requests) == LIMITED_DEPTH + 1
        await it.shop.room.do(it.session_id, CancelRun())
        await it.ends("CANCELLED")


# Long turns
async def test_the_question_and_every_round_are_in_the_request_after_67_rounds() -> None:
    """Text, call and result each time: 201 messages behind the question, which all fit."""
    rounds = 67

    def source(request: ModelRequest) -> Script:
        done = len(read(request))
        return (Say(f"Round {done}."), CallTool("count", {"n": done})) if done < rounds else WELL

    async with loop(source) as it:
        await it.say("the question")
        assert (await it.waits()).reason == "limit"
        await it.answer("respond", "go on")
        await it.ends()
        request = it.requests[-1]
        assert request.messages[0].content == "the question"
        assert [part.output for part in read(request)] == [f"counted {n}" for n in range(rounds)]
        assert [m.content for m in request.messages if m.calls] == [f"Round {n}." for n in range(rounds)]


async def test_i9_a_reply_with_250_calls_is_sent_whole_with_all_its_results() -> None:
    """More than a page of history holds: with any of the results cut off, the request would go with them."""
    calls = tuple(CallTool("count", {"n": n}, call_id=f"c{n}") for n in range(250))
    async with loop(Turns(calls, WELL)) as it:
        await it.say("count to 250")
        await it.ends()
        asked, *turns = it.requests[1].messages
        assert asked.content == "count to 250"
        assert [call.call_id for turn in turns for call in turn.calls] == [f"c{n}" for n in range(250)]
        assert [part.output for part in read(it.requests[1])] == [f"counted {n}" for n in range(250)]


# Long results
async def test_a_result_over_the_budget_is_shown_in_part_and_read_back_through_its_handle() -> None:
    def reader(request: ModelRequest) -> Script:
        seen = read(request)
        if not seen:
            return (CallTool("tell"),)
        if len(seen) == 1:
            handle = seen[0].output.split('read_result(handle="')[1].split('"')[0]
            return (CallTool("read_result", {"handle": handle, "offset": 100_000, "limit": 500}),)
        return WELL

    async with loop(reader) as it:
        await it.say()
        messages = await it.ends()
        told = next(m for m in messages if m.author == "tell")
        assert told.content == LONG
        assert isinstance(told.payload, ToolResultPayload)
        assert told.payload.handle == told.id
        shown = read(it.requests[1])[0].output
        assert fits(shown, BUDGET_TOKENS)
        assert shown.startswith(LONG[:1_000])
        assert shown.endswith(LONG[-1_000:])
        page = next(m for m in messages if m.author == "read_result")
        assert page.content.startswith(LONG[100_000:100_500])


async def test_a_handle_of_another_session_opens_nothing() -> None:
    async with loop(Turns((CallTool("tell"),), WELL)) as it:
        await it.say()
        handle = next(m.id for m in await it.ends() if m.author == "tell")
        other = await it.shop.room.create(title="t", model="scripted:peek")
        it.shop.provider.register("peek", Turns((CallTool("read_result", {"handle": handle}),), WELL))
        await it.shop.room.do(other, say("go"))
        await it.shop.until(other, "COMPLETED")
        [(status, text)] = results(list(await it.shop.room.messages(other)))
        assert (status, "There is no result" in text) == ("error", True)


# Plan mode
@pytest.mark.parametrize("name", ["smash", "report"])
async def test_plan_mode_neither_offers_nor_runs_what_is_not_for_it(name: str) -> None:
    arguments = {"what": "it"} if name == "smash" else {}
    async with loop(Turns((CallTool(name, arguments),), WELL)) as it:
        await it.shop.room.do(it.session_id, SetMode("plan"))
        await it.say()
        [(status, text)] = results(await it.ends())
        assert (status, text) == ("error", f"{name} is not available in plan mode")
        offered = {each.name for each in it.requests[0].tools}
        assert "look" in offered
        assert name not in offered
        assert it.bench.done == []


async def test_what_is_approved_after_a_switch_to_plan_is_asked_for_again() -> None:
    async with loop(
        Turns((CallTool("smash", {"what": "it"}, "c1"), CallTool("look", {"where": "here"}, "c2")), WELL)
    ) as it:
        await it.say()
        await it.waits()
        (first,) = it.shop.room.state(it.session_id).approvals
        await it.shop.room.do(it.session_id, SetMode("plan"))
        await it.answer("approve")
        await eventually(lambda: first.id not in [a.id for a in it.shop.room.state(it.session_id).approvals])
        await it.waits()
        assert it.bench.done == []
        await it.answer("approve")
        assert sorted(results(await it.ends())) == [("ok", "saw it"), ("ok", "smashed it")]


async def test_why_a_call_was_refused_is_told_after_a_crash_too() -> None:
    """Taken out: `refusal` of a call. Then the model hears that it is not possible, and not why."""
    async with loop(Turns((CallTool("spy"),), WELL)) as it:
        await it.say()
        messages = await it.ends()
        request = messages[1].payload
        assert isinstance(request, ToolRequestPayload)
        assert "off" in (request.calls[0].refusal or "")
        assert request.calls[0].status == "denied"


async def test_back_in_act_mode_the_same_call_is_asked_for() -> None:
    async with loop(Turns((CallTool("smash", {"what": "it"}),), WELL)) as it:
        await it.shop.room.do(it.session_id, SetMode("plan"))
        await it.shop.room.do(it.session_id, SetMode("act"))
        await it.say()
        assert (await it.waits()).reason == "tool"
        await it.answer("approve")
        assert results(await it.ends()) == [("ok", "smashed it")]
