"""The view of a session: what a model would be sent, what is left out and why, and how far back is read for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from world import Room, memory_room, say

from models.clock import SYSTEM_CLOCK
from models.commands import (
    AppendDelta,
    BeginStream,
    EmitMessage,
    FinishRun,
    FinishTool,
    RequestTools,
    RunFence,
    SendMessage,
    StartRun,
    StartTools,
    TakeOverRun,
)
from models.ids import new_id
from models.messages import Message
from models.payloads import FileReferencePayload, Payload, ProcessingPayload, TextPayload, ToolCall
from models.tools import ToolSpec
from services.engine.view import View
from services.llm.neutral import countable_text
from services.llm.provider import ModelInfo
from services.runs.history import PAGE, History
from services.runs.views import ViewBuilder, request_of
from services.store.memory.reads import MemoryReads
from services.store.memory.store import memory_store
from services.store.memory.tables import Memory
from services.store.reads import MessagePage, MessageQuery

INFO = ModelInfo("scripted:test", "scripted", 128_000, 16_384, vision=False, tools=True)
LOOK = ToolSpec("look", "Looks somewhere.", {"type": "object", "properties": {"where": {"type": "string"}}})


def window(tokens: int) -> ModelInfo:
    """A model that reads so much, and keeps 100 tokens for its reply."""
    return replace(INFO, window_tokens=tokens + 100, max_output_tokens=100)


class CountingReads(MemoryReads):
    pages = 0

    async def page(self, session_id: str, query: MessageQuery) -> MessagePage:
        self.pages += 1
        return await super().page(session_id, query)


@dataclass
class Talk:
    """A session that is written without an agent."""

    room: Room
    id: str
    views: ViewBuilder = field(default_factory=ViewBuilder)

    async def ask(self, text: str, *, payload: Payload | None = None) -> SendMessage:
        """A message whose run begins at once."""
        asked = await self.send(say(text) if payload is None else replace(say(text), payload=payload))
        await self.room.do(self.id, StartRun(asked.run_id))
        return asked

    async def send(self, asked: SendMessage) -> SendMessage:
        await self.room.do(self.id, asked)
        return asked

    async def reply(self, text: str, payload: Payload | None = None) -> str:
        message = EmitMessage(self.fence, new_id(), "agent", "agent", text, payload or TextPayload(text=text))
        await self.room.do(self.id, message)
        return message.message_id

    async def call(self, outputs: Sequence[str], arguments: str = "") -> None:
        """One request with as many calls, and their results."""
        ids = [new_id() for _ in outputs]
        calls = tuple(
            ToolCall(call_id=each, name="look", arguments={"where": arguments}, risk="read_only", status="approved")
            for each in ids
        )
        await self.room.do(self.id, RequestTools(self.fence, new_id(), "agent", calls))
        await self.room.do(self.id, StartTools(self.fence, tuple(ids)))
        for call_id, output in zip(ids, outputs, strict=True):
            await self.room.do(self.id, FinishTool(self.fence, new_id(), call_id, "ok", output=output))

    async def end(self) -> None:
        await self.room.do(self.id, FinishRun(self.fence, seen=10**6))

    async def turn(self, question: str, answer: str) -> None:
        await self.ask(question)
        await self.reply(answer)
        await self.end()

    @property
    def fence(self) -> RunFence:
        run = self.room.state(self.id).run
        assert run is not None
        return RunFence(run.id, run.attempt)

    async def view(self, info: ModelInfo = INFO, tools: Sequence[ToolSpec] = ()) -> View:
        context = self.room.state(self.id)
        view = await self.views.of_history(History(self.room.store.reads, context, context.run), info, tools)
        await self.check(view, info)
        return view

    async def check(self, view: View, info: ModelInfo) -> None:
        """I9, counted anew: it fits, and every call has its result right behind its turn."""
        request = request_of(view, info, new_id())
        sent = sum([await self.count(countable_text(turn)) for turn in request.messages])
        tools = sum([await self.count(tool.name + tool.description) for tool in request.tools])
        assert sent + tools + await self.count(request.system) <= view.tokens.total <= view.tokens.budget
        for turn, after in zip(request.messages, (*request.messages[1:], None), strict=True):
            results = [part.call_id for part in after.results] if after is not None else []
            assert [call.call_id for call in turn.calls] == (results if turn.calls else [])

    async def count(self, text: str) -> int:
        return await self.views.counter.count(text, model=INFO.name)

    async def messages(self) -> list[Message]:
        history = History(self.room.store.reads, self.room.state(self.id))
        return [place.message async for place in history.newest_first()][::-1]


@pytest.fixture
async def talk() -> Talk:
    room, _ = await memory_room()
    return Talk(room, await room.create(title="t", model="scripted:test"))


def contents(view: View) -> list[str]:
    return [entry.message.content for entry in view.messages]


def reasons(view: View) -> list[tuple[str, str | None]]:
    return [(each.reason, each.message_id) for each in view.left_out]


async def test_all_of_222_short_messages_are_in_a_window_of_128k(talk: Talk) -> None:
    for number in range(111):
        await talk.turn(f"question {number}", f"answer {number}")
    view = await talk.view()
    assert len(view.messages) == 222
    assert (contents(view)[0], contents(view)[-1]) == ("question 0", "answer 110")
    assert view.left_out == ()
    turns = request_of(view, INFO, new_id()).messages
    assert (turns[0].content, turns[-1].content) == ("question 0", "answer 110")


async def test_a_small_window_reads_no_more_of_a_long_history_than_it_can_hold() -> None:
    memory = Memory(SYSTEM_CLOCK)
    reads = CountingReads(memory)
    store = replace(memory_store(memory), reads=reads)
    talk = Talk(Room(store, (await store.projects.inbox()).id), "")
    talk.id = await talk.room.create(title="t", model="scripted:test")
    for number in range(5 * PAGE):
        await talk.turn(f"question {number}", f"answer {number}")
    reads.pages = 0
    view = await talk.view(window(1_000))
    assert contents(view)[-1] == f"answer {5 * PAGE - 1}"
    assert reads.pages <= 2
    unread, *_ = view.left_out
    assert (unread.reason, unread.message_id, unread.first) == ("over_budget", None, 1)
    named = sum(1 for each in view.left_out if each.message_id is not None)
    assert unread.last is not None
    assert unread.last + named + len(view.messages) == 10 * PAGE
    assert unread.last > 8 * PAGE


async def test_what_is_not_sent_is_named_with_its_reason(talk: Talk) -> None:
    await talk.turn("old " * 400, "older answer")
    asked = await talk.ask("the question")
    silent = await talk.reply("", TextPayload(text=" "))
    await talk.room.do(talk.id, BeginStream(talk.fence, broken := new_id(), "agent", "scripted:test"))
    await talk.room.do(talk.id, AppendDelta(talk.fence, broken, "half a re"))
    await talk.room.do(talk.id, TakeOverRun(talk.fence.run_id, talk.fence.attempt, "its process is gone"))
    later = await talk.send(say("and then"))
    old, *_ = await talk.messages()
    view = await talk.view(window(200))
    assert contents(view) == ["older answer", "the question"]
    assert reasons(view) == [
        ("over_budget", old.id),
        ("empty", silent),
        ("interrupted", broken),
        ("waiting", later.message_id),
    ]
    assert view.left_out[0].tokens is not None
    assert asked.message_id == view.messages[-1].message.id


async def test_a_question_that_waited_stands_behind_the_answers_of_the_run_before(talk: Talk) -> None:
    await talk.ask("first")
    second = await talk.send(say("second"))
    for number in range(PAGE + 20):
        await talk.reply(f"work {number}")
    await talk.end()
    await talk.room.do(talk.id, StartRun(second.run_id))
    await talk.reply("answer to the second")
    view = await talk.view()
    assert contents(view)[-3:] == [f"work {PAGE + 19}", "second", "answer to the second"]
    assert contents(view).count("second") == 1
    assert len(view.messages) == PAGE + 23


async def test_the_question_is_looked_up_where_the_work_on_it_fills_the_window(talk: Talk) -> None:
    await talk.ask("the question")
    for number in range(3 * PAGE):
        await talk.reply(f"{number} " + "work " * 20)
    view = await talk.view(window(800))
    assert contents(view)[0] == "the question"
    assert contents(view)[-1].startswith(f"{3 * PAGE - 1} ")


async def test_i9_long_results_are_cut_evenly_and_still_fit(talk: Talk) -> None:
    """Their beginnings are dearer than their ends: a share by length alone would not fit. Taken out for the check:
    `_measured`."""
    await talk.ask("look everywhere")
    await talk.call(["→≠∞" * 200 + " word" * 2_000 for _ in range(20)])
    view = await talk.view(window(4_000))
    assert len(view.messages) == 22
    assert all(entry.cut for entry in view.messages[2:])
    assert all(entry.message.content.startswith("→≠∞") for entry in view.messages[2:])


@pytest.mark.parametrize("arguments", ["far away " * 2_000, "near"])
async def test_i9_a_request_that_can_not_fit_is_left_out_with_all_its_results(talk: Talk, arguments: str) -> None:
    await talk.ask("look everywhere")
    await talk.call(["saw it all " * 20] * 40, arguments)
    view = await talk.view(window(1_500))
    assert contents(view) == ["look everywhere"]
    assert len(view.left_out) == 41
    assert {each.reason for each in view.left_out} == {"over_budget"}


async def test_i9_what_stands_in_a_payload_is_cut_as_text(talk: Talk) -> None:
    """A file's lines are not the message's content, so shortening the content would shorten nothing."""
    await talk.ask("look", payload=FileReferencePayload(path="a.py", content="x = 1\n" * 5_000))
    view = await talk.view(window(1_000))
    (entry,) = view.messages
    assert entry.cut
    assert entry.message.content.startswith("look\nFile a.py")
    assert entry.message.content.count("x = 1") > 50


async def test_i9_a_system_prompt_beyond_half_of_the_window_loses_its_middle(talk: Talk) -> None:
    async def overview() -> str:
        return "first " + "and more " * 2_000 + "last"

    talk.views = ViewBuilder(overview=overview)
    await talk.ask("hello")
    view = await talk.view(window(1_500), (LOOK,))
    parts = {part.name: part for part in view.system}
    assert [name for name, part in parts.items() if part.cut] == ["workspace"]
    assert "characters are left out here" in parts["workspace"].text
    assert parts["workspace"].text.endswith("last")
    assert contents(view) == ["hello"]


async def test_tools_cost_tokens_and_are_in_the_request(talk: Talk) -> None:
    await talk.ask("hello")
    view = await talk.view(INFO, (LOOK,))
    assert [tool.spec for tool in view.tools] == [LOOK]
    assert view.tokens.tools == view.tools[0].tokens > 10
    assert request_of(view, INFO, new_id()).tools == (LOOK,)
    assert view.tokens.history == sum(entry.tokens for entry in view.messages)
    assert not view.tokens.exact


async def test_a_note_for_people_alone_and_a_note_for_the_model_are_told_apart(talk: Talk) -> None:
    await talk.ask("hello")
    await talk.reply("", ProcessingPayload(stage="indexing", started_at="2026-11-20T09:00:00.000Z"))
    assert [entry.message.kind for entry in (await talk.view()).messages] == ["text", "processing"]


async def test_a_prompt_without_a_history_is_a_view_too(talk: Talk) -> None:
    view = await talk.views.of_prompt("Be brief.", "Sum up: " + "long story " * 5_000 + "the end", window(2_000))
    await talk.check(view, window(2_000))
    (entry,) = view.messages
    assert entry.cut
    assert entry.message.content.startswith("Sum up: long story")
    assert entry.message.content.endswith("the end")
    assert view.prompt == "Be brief."
