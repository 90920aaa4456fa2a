"""The older streaming calls: they warn, and do what the newer ones do."""

from __future__ import annotations

import warnings

import pytest
from world import memory_room

from models.messages import Message
from models.payloads import StreamingResponsePayload
from services.embedding.chat_context import ChatContext
from services.embedding.compat import DEPRECATED, NOT_BEFORE, OlderCalls


async def test_a_reply_by_the_older_calls_is_that_of_the_newer_ones() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    async with ChatContext.open(room.sessions, session_id, owner="p", question="hi") as context:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            message_id, begun = await context.begin_streaming_response("m")
            applied = await context.apply_streaming_delta(message_id, "word")
            ended = await context.finish_streaming_response(message_id)
            assert await context.finish_streaming_response(message_id) == ()
            assert await context.apply_streaming_delta(message_id, "late") is None
    assert [event.body.type for event in begun] == ["message.created", "context.state_changed"]
    assert applied is not None
    update, sequence = applied
    assert update is not None
    assert (update.body.type, sequence) == ("message.delta", 1)
    assert [event.body.type for event in ended] == ["message.completed", "context.state_changed"]
    message = (await room.messages(session_id))[-1]
    assert (message.id, message.content, reason_of(message)) == (message_id, "word", "stop")
    assert [warning.category for warning in caught] == [DeprecationWarning] * 5
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize("reason", ["stream error: gone", "error: stream error: gone"])
async def test_an_aborted_reply_is_finalised_with_the_error(reason: str) -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    async with ChatContext.open(room.sessions, session_id, owner="p", question="hi") as context:
        message_id = await context.begin_streaming_llm_response("m")
        with pytest.warns(DeprecationWarning, match="abort_streaming_response"):
            updates = await context.abort_streaming_response(message_id, reason)
        assert [event.body.type for event in updates] == ["message.completed", "context.state_changed"]
        assert room.state(session_id).state.name == "active"
    message = (await room.messages(session_id))[-1]
    assert (message.status, reason_of(message)) == ("error", "error: stream error: gone")


def test_every_older_call_names_since_replacement_and_removal() -> None:
    older = {name for name in vars(OlderCalls) if not name.startswith("_")}
    assert older == set(DEPRECATED)
    for deprecation in DEPRECATED.values():
        assert hasattr(ChatContext, deprecation.replacement.partition("(")[0])
        assert deprecation.since
    assert NOT_BEFORE == "1.0"


async def test_the_warning_says_what_to_use_instead() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    async with ChatContext.open(room.sessions, session_id, owner="p", question="hi") as context:
        wanted = r"since 0\.1: use begin_streaming_llm_response\(model\)\. .* not before 1\.0"
        with pytest.warns(DeprecationWarning, match=wanted):
            await context.begin_streaming_response()


def reason_of(message: Message) -> str | None:
    assert isinstance(message.payload, StreamingResponsePayload)
    return message.payload.finish_reason
