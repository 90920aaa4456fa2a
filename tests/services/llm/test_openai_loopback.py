"""The loopback endpoint itself, where the provider's tests don't reach: whole replies and the list of models."""

from __future__ import annotations

import pytest
from openai import AsyncOpenAI, AuthenticationError
from openai_loopback import Behaviour, OpenAILoopback


async def test_whole_reply_has_text_reason_and_usage() -> None:
    async with OpenAILoopback() as server, AsyncOpenAI(api_key="sk-1", base_url=server.base_url) as client:
        whole = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    assert whole.choices[0].message.content == "Hello from the loopback."
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 4


async def test_models_are_listed() -> None:
    server = OpenAILoopback(models=("a", "b"))
    async with server, AsyncOpenAI(api_key="sk-1", base_url=server.base_url) as client:
        assert [model.id async for model in client.models.list()] == ["a", "b"]


async def test_model_name_chooses_the_behaviour_before_the_plan_does() -> None:
    async with OpenAILoopback() as server, AsyncOpenAI(api_key="sk-1", base_url=server.base_url) as client:
        server.plan(Behaviour("server_error"))
        with pytest.raises(AuthenticationError):
            await client.chat.completions.create(
                model="behave:unauthorized", messages=[{"role": "user", "content": "hi"}]
            )
