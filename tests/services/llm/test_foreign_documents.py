"""Whatever JSON an endpoint sends: it is read, passed over, or told as its failure, and never a mistake of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ProviderBroken
from models.usage import Usage
from services.llm.anthropic_events import AnthropicReply
from services.llm.call_joiner import CallJoiner
from services.llm.openai_chunks import OpenAIReply
from services.llm.reply_body import ReplyBody
from services.llm.sent_failures import SentFailure

NAMES = (
    "choices delta message content text tool_calls function name arguments index id finish_reason usage error code "
    "type detail object refusal content_block partial_json stop_reason prompt_tokens completion_tokens input value "
    "function_call done done_reason response prompt_eval_count eval_count"
).split()
KINDS = ["text", "message", "content_block_start", "content_block_delta", "message_delta", "tool_use", "stop", "error"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(KINDS)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=25,
)


@pytest.mark.parametrize("kind", [OpenAIReply, AnthropicReply])
@given(documents=st.lists(DOCUMENTS, max_size=4))
def test_any_document_is_read_passed_over_or_a_failure(
    kind: type[OpenAIReply] | type[AnthropicReply], documents: list[Any]
) -> None:
    reply = kind(CallJoiner("r"))
    with suppress(SentFailure, ProviderBroken):
        for document in documents:
            assert isinstance(reply.take(document), str)
    assert all(isinstance(call.arguments_json, str) for call in reply.calls.ready())


CALL = {"function": {"name": "search", "arguments": {"query": "x"}}}
END = {"done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3}


@pytest.mark.parametrize(
    ("documents", "text", "calls", "reason"),
    [
        (
            [{"message": {"content": "All "}, "done": False}, {"message": {"content": "well"}, "done": False}],
            "All well",
            [],
            "stop",
        ),
        ([{"response": "All well", "done": False}], "All well", [], "stop"),
        ([{"message": {"content": "", "tool_calls": [CALL]}, "done": False}], "", ["search"], "stop"),
        ([{"message": {"content": "", "tool_calls": [CALL, CALL]}, "done": False}], "", ["search"] * 2, "stop"),
        (
            [{"message": {"content": "cut", "role": "assistant"}, "done": False}, {"done_reason": "length"}],
            "cut",
            [],
            "length",
        ),
    ],
)
def test_ollamas_own_form_is_read_like_any_other(
    documents: list[dict[str, Any]], text: str, calls: list[str], reason: str
) -> None:
    last = documents.pop() if "done" not in documents[-1] else {}
    reply = OpenAIReply(CallJoiner("r"))
    said = "".join(reply.take(each) for each in (*documents, {"message": {"content": ""}, **END, **last}))
    assert (said, reply.reason) == (text, reason)
    assert [call.name for call in reply.calls.ready()] == calls
    assert all(json.loads(call.arguments_json) == {"query": "x"} for call in reply.calls.ready())
    assert reply.usage == Usage(input_tokens=7, output_tokens=3)


@given(
    documents=st.lists(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=5), min_size=1), max_size=5),
    data=st.data(),
)
def test_documents_come_out_however_the_line_cuts_them(documents: list[dict[str, str]], data: st.DataObject) -> None:
    end = data.draw(st.sampled_from(["\n\n", "\r\n\r\n", "\n"]))
    frame = data.draw(st.sampled_from(["data: ", "data:", ""]))
    body = "".join(f"{frame}{json.dumps(each, ensure_ascii=False)}{end}" for each in documents).encode(
        "utf-8", "replace"
    )
    size = data.draw(st.integers(1, 40))

    async def read() -> list[object]:
        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(body), size):
                yield body[start : start + size]

        return [document async for document in ReplyBody().documents(chunks())]

    assert asyncio.run(read()) == json.loads(json.dumps(documents))
