"""The way of a message to the journal: files and images are read into it, own processors change or refuse it, and a
repetition gets the first answer, whatever became of the file."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from world import Room, no_sleep

from models.calls import Outgoing, parse
from models.clock import SYSTEM_CLOCK, Clock
from models.commands import SetMode
from models.errors import (
    Forbidden,
    IdempotencyConflict,
    InvalidArgument,
    PayloadTooLarge,
    SessionNotFound,
)
from models.ids import EpochMs
from models.messages import Message, Metadata
from models.payloads import FileReferencePayload, ImagePayload, ProcessingPayload, TextPayload
from models.results import Sent
from services import pipeline as pipeline_module
from services.access import LOCAL, Principal
from services.chat import Chat
from services.llm.provider import ModelInfo
from services.llm.registry import Providers
from services.llm.scripted import Say, ScriptedProvider
from services.pipeline import SLOW_MS, Draft, Pipeline, Processor, enriching, load_processor, standard
from services.runs.agents import Agents
from services.runs.assistant import Assistant
from services.runs.history import History
from services.store.memory.store import memory_store
from services.store.memory.tables import Memory

GUEST = Principal("eve", "Eve", "guest")  # type: ignore[arg-type]  # a kind that may do nothing
LINES = "".join(f"line {number}\n" for number in range(1, 11))
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


class Sighted(ScriptedProvider):
    """A scripted model that can see."""

    def info(self, name: str) -> ModelInfo:
        return replace(super().info(name), vision=True)

    def models(self) -> tuple[ModelInfo, ...]:
        return tuple(replace(info, vision=True) for info in super().models())


@dataclass
class Desk:
    """A chat over a folder, and the session that is talked in."""

    chat: Chat
    room: Room
    session_id: str
    folder: Path
    opened: list[str]

    async def send(self, *, principal: Principal = LOCAL, **arguments: object) -> Sent:
        return await self.chat.send_message(principal, self.session_id, parse(Outgoing, arguments))

    async def file(self, path: str, **more: object) -> FileReferencePayload:
        """The payload that is stored for a reference to that file."""
        await self.send(payload={"kind": "file_reference", "path": path, **more})
        payload = (await self.last()).payload
        assert isinstance(payload, FileReferencePayload)
        return payload

    async def image(self, **more: object) -> ImagePayload:
        data = base64.b64encode(PIXEL).decode()
        fields = {"source": "base64", "data": data, "mimeType": "image/png", **more}
        await self.send(payload={"kind": "image", **fields})
        payload = (await self.last()).payload
        assert isinstance(payload, ImagePayload)
        return payload

    async def messages(self) -> list[Message]:
        return list(await self.room.messages(self.session_id))

    async def last(self) -> Message:
        """The newest, but for what is told of the steps that it went through."""
        return [message for message in await self.messages() if not message.is_record][-1]

    async def steps(self) -> list[tuple[str, object]]:
        """What is told of steps: which, and its error."""
        told = [message.payload for message in await self.messages()]
        return [(each.stage, each.details.get("error")) for each in told if isinstance(each, ProcessingPayload)]


@asynccontextmanager
async def desk(folder: Path, *own: Processor, sighted: bool = False) -> AsyncIterator[Desk]:
    store, opened = memory_store(Memory(SYSTEM_CLOCK)), list[str]()

    def open_file(path: str) -> BinaryIO:
        opened.append(path)
        return (folder / path).open("rb")

    room = Room(store, (await store.projects.inbox()).id)
    provider = (Sighted if sighted else ScriptedProvider)({"test": (Say("ok"),)}, sleep=no_sleep)
    providers = Providers(SYSTEM_CLOCK, scripted=provider)
    agents = Agents({"assistant": Assistant(providers)})
    pipeline = standard(enriching(open_file, room.sessions.clock), own)
    chat = Chat(room.sessions, providers, agents, "assistant", pipeline)
    yield Desk(chat, room, await room.create(title="t", model="scripted:test"), folder, opened)
    await room.sessions.close()


# Files
async def test_a_file_comes_into_the_message_as_it_is_now(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(LINES)
    async with desk(tmp_path) as it:
        payload = await it.file("a.txt")
        assert (payload.content, payload.error) == (LINES, None)
        assert payload.read_at is not None
        assert (await it.last()).metadata.source == "user_file_reference"


async def test_a_range_brings_its_lines_alone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(LINES)
    async with desk(tmp_path) as it:
        payload = await it.file("a.txt", startLine=3, endLine=4)
        assert (payload.content, payload.start_line, payload.end_line) == ("line 3\nline 4\n", 3, 4)


@pytest.mark.parametrize(
    ("path", "more", "error"),
    [
        ("missing.txt", {}, "There is no such file"),
        ("", {}, "folder"),
        ("image.png", {}, "binary"),
        ("a.txt", {"startLine": 4, "endLine": 3}, "ends before it begins"),
        ("a.txt", {"startLine": 99}, "only 10 lines"),
    ],
)
async def test_a_file_that_can_not_be_read_is_stored_with_the_reason(
    tmp_path: Path, path: str, more: dict[str, object], error: str
) -> None:
    (tmp_path / "a.txt").write_text(LINES)
    (tmp_path / "image.png").write_bytes(PIXEL)
    async with desk(tmp_path) as it:
        payload = await it.file(path, **more)
        assert payload.content is None
        assert error in (payload.error or "")
        assert str(tmp_path) not in (payload.error or "")


async def test_what_a_client_claims_of_a_files_content_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the truth")
    async with desk(tmp_path) as it:
        payload = await it.file("a.txt", content="a lie", readAt="2020-01-01T00:00:00.000Z")
        assert payload.content == "the truth"
        assert payload.read_at != "2020-01-01T00:00:00.000Z"


async def test_without_a_workspace_no_file_is_opened(tmp_path: Path) -> None:
    draft = Draft("s", "ann", "look", FileReferencePayload(path="a.txt"), Metadata())
    assert await standard()(draft) == draft


# Images
async def test_a_model_that_sees_gets_the_image_as_it_is(tmp_path: Path) -> None:
    async with desk(tmp_path, sighted=True) as it:
        payload = await it.image()
        assert (payload.mode, payload.ocr_text, payload.error) == ("auto", None, None)
        assert (await it.last()).metadata.source == "user_image_upload"


def picture_of(text: str) -> str:
    """A PNG with that text in large letters, as base64."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (600, 120), "white")
    ImageDraw.Draw(image).text((20, 30), text, fill="black", font=ImageFont.load_default(size=48))
    data = io.BytesIO()
    image.save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


@pytest.mark.skipif(
    shutil.which("tesseract") is None and not os.environ.get("CI"),
    reason="the program tesseract is not installed (Debian: tesseract-ocr)",
)
@pytest.mark.parametrize(("sighted", "mode"), [(False, "auto"), (False, "ocr"), (True, "ocr")])
async def test_a_blind_model_or_ocr_mode_gets_the_text_in_the_image(tmp_path: Path, sighted: bool, mode: str) -> None:
    async with desk(tmp_path, sighted=sighted) as it:
        payload = await it.image(data=picture_of("HELLO PARLEY"), mode=mode)
        assert payload.error is None
        assert "HELLO" in (payload.ocr_text or "")


async def test_an_image_of_the_workspace_is_kept_with_the_message(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PIXEL)
    async with desk(tmp_path, sighted=True) as it:
        payload = await it.image(source="file", data="a.png", mimeType="image/jpeg")
        assert payload.mime_type == "image/png", "the bytes say what it is"
        assert payload.embedded == base64.b64encode(PIXEL).decode()


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"data": "no base64!"}, "no base64"),
        ({"data": base64.b64encode(b"text").decode()}, "no PNG"),
        ({"source": "file", "data": "missing.png"}, "no such file"),
        ({"source": "url", "data": "ftp://host/i.png"}, "http"),
    ],
)
async def test_an_image_that_is_none_is_stored_with_the_reason(
    tmp_path: Path, more: dict[str, object], error: str
) -> None:
    async with desk(tmp_path, sighted=True) as it:
        assert error in ((await it.image(**more)).error or "")


async def test_a_model_that_is_gone_counts_as_blind(tmp_path: Path) -> None:
    async with desk(tmp_path, sighted=True) as it:
        other = await it.room.create(title="t", model="openai:gone")
        it.session_id = other
        payload = await it.image(source="url", data="http://127.0.0.1/i.png")
        assert "can't read the text" in (payload.error or "")


# Own processors
async def shout(draft: Draft) -> Draft:
    return replace(draft, content=draft.content.upper())


async def sign(draft: Draft) -> Draft:
    return replace(draft, content=f"{draft.content} ({draft.author})")


async def refuse(draft: Draft) -> Draft:
    raise Forbidden("Not in this house", field="content")


async def collapse(draft: Draft) -> Draft:
    raise RuntimeError("a bug in a processor")


NOT_CALLABLE = "text"


# What is told of the steps
async def test_a_step_that_failed_is_told_behind_its_message_and_one_that_did_not_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(LINES)
    async with desk(tmp_path, shout) as it:
        await it.file("a.txt")
        assert await it.steps() == []
        sent = await it.send(payload={"kind": "file_reference", "path": "gone.txt"})
        assert await it.steps() == [("Reading the file", "There is no such file")]
        question, step = [each for each in await it.messages() if each.role != "agent"][-2:]
        assert (question.id, step.role, step.kind, step.metadata.source) == (
            sent.message_id,
            "system",
            "processing",
            "system_control",
        )
        assert step.content == "Reading the file: There is no such file"


@pytest.mark.parametrize("took_ms", [SLOW_MS - 1, SLOW_MS])
async def test_a_step_that_took_long_is_told_with_its_time(took_ms: int) -> None:
    now = [1_000]
    draft = Draft("s", "ann", "hello", TextPayload(text="hello"), Metadata())

    async def dawdle(draft: Draft) -> Draft:
        now[0] += took_ms
        return draft

    steps = (await standard(own=(dawdle,))(draft, Clock(lambda: EpochMs(now[0])))).steps
    assert [(step.stage, step.details) for step in steps] == (
        [("dawdle", {"durationMs": SLOW_MS})] if took_ms >= SLOW_MS else []
    )


async def test_no_model_is_sent_what_is_told_of_steps_and_switches(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        await it.send(payload={"kind": "file_reference", "path": "gone.txt"})
        await it.room.do(it.session_id, SetMode("plan", "ann"))
        history = History(it.room.store.reads, await it.room.sessions.current(it.session_id))
        assert [place.message.kind async for place in history.newest_first()] == ["file_reference"]
        assert [message.kind for message in await it.messages()] == ["file_reference", "processing", "system_control"]


async def test_own_processors_run_in_their_order_and_the_payload_follows_the_content(tmp_path: Path) -> None:
    async with desk(tmp_path, shout, sign) as it:
        await it.send(content="hello")
        message = await it.last()
        assert message.content == f"HELLO ({LOCAL.user_id})"
        assert message.payload == TextPayload(text=message.content)


async def test_own_processors_see_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("forty-two")
    seen: list[str | None] = []

    async def look(draft: Draft) -> Draft:
        assert isinstance(draft.payload, FileReferencePayload)
        seen.append(draft.payload.content)
        return draft

    async with desk(tmp_path, look) as it:
        await it.file("a.txt")
        assert seen == ["forty-two"]


@pytest.mark.parametrize(("processor", "error"), [(refuse, Forbidden), (collapse, RuntimeError)])
async def test_a_processor_that_refuses_or_breaks_stores_nothing_and_starts_no_run(
    tmp_path: Path, processor: Processor, error: type[Exception]
) -> None:
    async with desk(tmp_path, processor) as it:
        head = it.room.state(it.session_id).head
        with pytest.raises(error):
            await it.send(content="hello", clientMessageId="c")
        assert it.room.state(it.session_id).head == head
        assert await it.messages() == []


async def test_a_processor_is_found_by_its_dotted_path() -> None:
    loaded = load_processor("services.pipeline:remember_text")
    assert loaded is pipeline_module.remember_text


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("no_such_module:attribute", "No processor"),
        ("services.pipeline:nothing", "No processor"),
        ("services.pipeline", "can't be called"),
        ("services.pipeline:MESSAGE_MAX_CHARS", "can't be called"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_is_wrong(path: str, told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        load_processor(path)


async def test_what_is_too_long_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_module, "MESSAGE_MAX_CHARS", 10)
    async with desk(tmp_path) as it:
        with pytest.raises(PayloadTooLarge) as refused:
            await it.send(content="x" * 11, payload={"kind": "file_reference", "path": "a.txt"})
        assert refused.value.details == {"field": "content", "limit": 10, "size": 11}
        assert it.opened == []


async def test_an_empty_pipeline_changes_nothing() -> None:
    draft = Draft("s", "ann", "hello", TextPayload(text="other"), Metadata())
    assert await Pipeline(())(draft) == draft
    assert (await standard()(draft)).payload == TextPayload(text="hello")


# Repetitions (I10)
async def test_i10_a_repetition_gets_the_first_answer_though_the_file_has_changed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("before")
    async with desk(tmp_path) as it:
        payload = {"kind": "file_reference", "path": "a.txt"}
        first = await it.send(payload=payload, clientMessageId="c")
        (tmp_path / "a.txt").write_text("after")
        assert await it.send(payload=payload, clientMessageId="c") == first
        (tmp_path / "a.txt").unlink()
        assert await it.send(payload=payload, clientMessageId="c") == first
        [message] = await it.messages()
        assert isinstance(message.payload, FileReferencePayload)
        assert message.payload.content == "before"
        assert it.opened == ["a.txt"], "it is not read again"


@pytest.mark.parametrize(
    "other",
    [
        {"payload": {"kind": "file_reference", "path": "b.txt"}},
        {"payload": {"kind": "file_reference", "path": "a.txt", "startLine": 2}},
        {"payload": {"kind": "file_reference", "path": "a.txt"}, "content": "look"},
        {"content": "just text"},
    ],
)
async def test_i10_another_message_under_the_same_id_is_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    (tmp_path / "a.txt").write_text(LINES)
    async with desk(tmp_path) as it:
        await it.send(payload={"kind": "file_reference", "path": "a.txt"}, clientMessageId="c")
        with pytest.raises(IdempotencyConflict) as refused:
            await it.send(**other, clientMessageId="c")
        assert refused.value.details["field"] == "clientMessageId"
        assert len(await it.messages()) == 1


async def test_i10_two_of_the_same_at_once_make_one_message(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(LINES)
    async with desk(tmp_path) as it:
        payload = {"kind": "file_reference", "path": "a.txt"}
        sending = (it.send(payload=payload, clientMessageId="c") for _ in range(5))
        first, *others = await asyncio.gather(*sending)
        assert all(other == first for other in others)
        assert len(await it.messages()) == 1


async def test_i10_text_that_a_processor_changes_is_recognised(tmp_path: Path) -> None:
    async with desk(tmp_path, shout) as it:
        first = await it.send(content="hello", clientMessageId="c")
        assert await it.send(content="hello", clientMessageId="c") == first
        assert len(await it.messages()) == 1


async def test_i10_text_of_which_a_processor_makes_something_else_each_time_is_recognised(tmp_path: Path) -> None:
    numbers = itertools.count()

    async def number(draft: Draft) -> Draft:
        return replace(draft, content=f"{draft.content} {next(numbers)}")

    async with desk(tmp_path, number) as it:
        first = await it.send(content="hello", clientMessageId="c")
        assert await it.send(content="hello", clientMessageId="c") == first
        message = await it.last()
        assert (message.content, message.metadata.original_input) == ("hello 0", "hello")
        with pytest.raises(IdempotencyConflict):
            await it.send(content="goodbye", clientMessageId="c")


async def test_i10_a_file_with_words_that_a_processor_changes_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(LINES)
    async with desk(tmp_path, shout) as it:
        asked: dict[str, Any] = {"payload": {"kind": "file_reference", "path": "a.txt"}, "content": "look"}
        first = await it.send(**asked, clientMessageId="c")
        assert await it.send(**asked, clientMessageId="c") == first
        assert (await it.last()).content == "LOOK"


async def test_a_guest_reads_no_file_through_a_message(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("secret")
    async with desk(tmp_path) as it:
        with pytest.raises(Forbidden):
            await it.send(principal=GUEST, payload={"kind": "file_reference", "path": "a.txt"})
        assert it.opened == [], "access is checked before anything is read"


async def test_a_message_to_an_unknown_session_reads_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("secret")
    async with desk(tmp_path) as it:
        it.session_id = "unknown"
        for client_id in (None, "c"):
            with pytest.raises(SessionNotFound):
                await it.send(payload={"kind": "file_reference", "path": "a.txt"}, clientMessageId=client_id)
        assert it.opened == []
